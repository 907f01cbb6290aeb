//! Conflicts with existing objects: readable errors, and nothing is lost.

use mongodb::bson::{Document, doc};
use mongrate::{Error, Schema, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{count, lease_is_free, migrator, status};

#[migration(id = "001_unique", source = "module:schema-duplicates")]
async fn unique(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "email": 1 }).unique().await
}

#[migration(id = "002_after", source = "module:schema-duplicates")]
async fn after_unique(tx: &mut Tx) -> Result<(), mongrate::Error> {
    Ok(tx.kv().set("after", true).await?)
}

#[migration(id = "001_other_name", source = "module:schema-name")]
async fn other_name(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "email": 1 }).named("by_email").await
}

#[migration(id = "001_other_options", source = "module:schema-options")]
async fn other_options(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "email": 1 }).unique().await
}

#[migration(id = "001_view", source = "module:schema-view")]
async fn view(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_view("users", "people", []).await
}

#[migration(id = "001_rename", source = "module:schema-rename")]
async fn rename(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.rename_collection("people", "users").await
}

#[migration(id = "001_rename", source = "module:schema-rename-neither")]
async fn rename_neither(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.rename_collection("peeple", "usrs").await
}

/// What the migration says when it meets `users` with an index on `email` and two documents with the same.
async fn told(source: &str, words: &[&str]) -> TestDb {
    let db = TestDb::new().await;
    let users = db.collection::<Document>("users");
    users.insert_many([doc! { "email": "ada@example.org" }, doc! { "email": "ada@example.org" }]).await.unwrap();
    if source != "module:schema-duplicates" {
        db.run_command(doc! { "createIndexes": "users", "indexes": [{ "key": { "email": 1 }, "name": "email_1" }] })
            .await
            .unwrap();
    }
    db.collection::<Document>("people").insert_one(doc! {}).await.unwrap();
    let error = migrator(&db, source).build().unwrap().up().await.unwrap_err();
    println!("{error}");
    let Error::Failed { report, .. } = &error else { panic!("{error}") };
    let later = if source == "module:schema-duplicates" { &["module:schema-duplicates:002_after"][..] } else { &[] };
    assert_eq!(report.not_run(), later);
    for word in words {
        assert!(error.to_string().contains(word), "{word} is not in: {error}");
    }
    assert!(lease_is_free(&db).await);
    assert_eq!(count(&db, "users", doc! {}).await, 2);
    assert_eq!(count(&db, "people", doc! {}).await, 1);
    db
}

#[tokio::test]
async fn i6_duplicates_are_named_with_the_index() {
    let db = told("module:schema-duplicates", &["create index on 'users'", "email_1", "ada@example.org"]).await;
    assert_eq!(status(&db, "module:schema-duplicates:001_unique").await, "failed");
    assert_eq!(db.collection::<Document>("users").list_index_names().await.unwrap(), ["_id_"]);
    // Later migrations have not run.
    assert_eq!(status(&db, "module:schema-duplicates:002_after").await, "");
    assert_eq!(count(&db, "migrations_kv", doc! {}).await, 0);

    // Continues after the cleanup.
    db.collection::<Document>("users").delete_one(doc! {}).await.unwrap();
    migrator(&db, "module:schema-duplicates").build().unwrap().up().await.unwrap();
    assert_eq!(db.collection::<Document>("users").list_index_names().await.unwrap(), ["_id_", "email_1"]);
}

#[tokio::test]
async fn an_index_with_the_same_keys_is_named() {
    told("module:schema-name", &["create index on 'users'", "email_1", "IndexOptionsConflict", "85"]).await;
}

#[tokio::test]
async fn an_index_with_the_same_name_is_named() {
    told("module:schema-options", &["create index on 'users'", "email_1", "IndexKeySpecsConflict", "86"]).await;
}

#[tokio::test]
async fn a_view_does_not_replace_a_collection() {
    let db = told("module:schema-view", &["could not create view 'users': a collection has this name"]).await;
    assert_eq!(status(&db, "module:schema-view:001_view").await, "failed");
}

#[migration(id = "001_collection", source = "module:schema-collection-over-view")]
async fn collection_over_view(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_collection("adults").validator(doc! { "age": 1 }).await
}

#[tokio::test]
async fn a_view_cannot_have_a_validator() {
    let db = TestDb::new().await;
    db.run_command(doc! { "create": "adults", "viewOn": "people", "pipeline": [] }).await.unwrap();
    let error = migrator(&db, "module:schema-collection-over-view").build().unwrap().up().await.unwrap_err();
    let words = "could not create collection 'adults': a view has this name, and can have no validator";
    assert!(error.to_string().contains(words), "{error}");
    assert!(lease_is_free(&db).await);
}

#[tokio::test]
async fn a_rename_to_an_existing_name_is_refused() {
    told("module:schema-rename", &["rename collection", "'people'", "exists"]).await;
}

#[tokio::test]
async fn a_rename_of_a_missing_collection_is_refused() {
    told("module:schema-rename-neither", &["rename collection", "'peeple'"]).await;
}
