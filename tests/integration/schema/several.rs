//! Several indexes in one operation.

use mongodb::bson::{Document, doc};
use mongrate::context::Index;
use mongrate::{Error, Schema, migration};
use mongrate_tests::stored::{collections, history, migrator, record};
use mongrate_tests::{FailPoint, TestDb};

#[migration(id = "001_create", source = "module:several", down = create_down)]
async fn create(schema: &mut Schema) -> Result<(), Error> {
    // The second time, there is nothing to do.
    for _ in 0..2 {
        let by_email = Index::new(doc! { "email": 1 }).unique().named("by_email");
        schema
            .create_indexes("users", [by_email, Index::new(doc! { "nick": 1 }).sparse(), doc! { "age": -1 }.into()])
            .await?;
    }
    Ok(())
}

async fn create_down(schema: &mut Schema) -> Result<(), Error> {
    schema.drop_indexes("users").await?;
    schema.drop_indexes("nowhere").await
}

#[tokio::test]
async fn several_indexes_are_created_with_one_command_and_dropped_with_another() {
    let db = TestDb::new().await;
    let users = db.collection::<Document>("users");
    users.insert_one(doc! { "email": "a" }).await.unwrap();
    let migrator = migrator(&db, "module:several").build().unwrap();
    let _ = db.commands().take();
    let report = migrator.up().await.unwrap();
    let kinds: Vec<_> = report.executions().flat_map(|execution| &execution.operations).map(|done| done.kind).collect();
    assert_eq!(kinds, ["create_indexes", "create_indexes"]);
    let specs = listed(&db).await;
    assert_eq!(
        specs,
        [
            doc! { "key": { "_id": 1 }, "name": "_id_" },
            doc! { "key": { "email": 1 }, "name": "by_email", "unique": true },
            doc! { "key": { "nick": 1 }, "name": "nick_1", "sparse": true },
            doc! { "key": { "age": -1 }, "name": "age_-1" },
        ]
    );
    users.insert_one(doc! { "email": "a" }).await.unwrap_err();
    assert!(migrator.validate().await.unwrap().findings().is_empty());
    // What was created is compared with the database.
    users.drop_index("age_-1").await.unwrap();
    assert!(migrator.validate().await.unwrap().to_string().contains("index 'age_-1' of 'users'"));

    let _ = db.commands().take();
    migrator.down().await.unwrap();
    assert_eq!(users.list_index_names().await.unwrap(), ["_id_"]);
    assert_eq!(db.commands().count().get("dropIndexes"), Some(&1));
    assert!(!collections(&db).await.contains(&"nowhere".to_owned()));
    assert!(migrator.validate().await.unwrap().findings().is_empty());
}

async fn listed(db: &TestDb) -> Vec<Document> {
    let reply = db.run_command(doc! { "listIndexes": "users" }).await.unwrap();
    let listed = reply.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
    let mut specs: Vec<_> = listed.iter().map(|spec| spec.as_document().unwrap().clone()).collect();
    for spec in &mut specs {
        spec.remove("v");
    }
    specs
}

/// Dropping all indexes in doubt drops those that it found, and no index that was created since.
#[tokio::test]
async fn indexes_created_since_are_not_dropped() {
    let db = TestDb::new().await;
    let users = db.collection::<Document>("users");
    let migrator = migrator(&db, "module:several").build().unwrap();
    migrator.up().await.unwrap();
    let fault = FailPoint::times(1, &db, doc! { "failCommands": ["dropIndexes"], "errorCode": 96 }).await;
    migrator.down().await.unwrap_err();
    drop(fault);
    let log = record(&db, "module:several:001_create").await.unwrap().get_document("log").unwrap().clone();
    assert!(log.to_string().contains("by_email"), "{log}");
    users.drop_index("nick_1").await.unwrap();
    let since = mongodb::IndexModel::builder().keys(doc! { "since": 1 }).build();
    users.create_index(since).await.unwrap();
    migrator.down().await.unwrap();
    assert_eq!(users.list_index_names().await.unwrap(), ["_id_", "since_1"]);
    assert_eq!(history(&db, "module:several:001_create").await, ["completed", "failed", "rolled-back"]);
}

#[migration(id = "001_conflicting", source = "module:several-conflict")]
async fn conflicting(schema: &mut Schema) -> Result<(), Error> {
    schema.create_indexes("users", [Index::new(doc! { "nick": 1 }), Index::new(doc! { "email": 1 }).unique()]).await
}

#[tokio::test]
async fn several_indexes_are_created_all_or_none() {
    let db = TestDb::new().await;
    let users = db.collection::<Document>("users");
    users.insert_many([doc! { "email": "a" }, doc! { "email": "a" }]).await.unwrap();
    let migrator = migrator(&db, "module:several-conflict").build().unwrap();
    let error = migrator.up().await.unwrap_err();
    assert!(error.to_string().contains("create indexes on 'users'"), "{error}");
    assert_eq!(users.list_index_names().await.unwrap(), ["_id_"]);
    users.delete_one(doc! {}).await.unwrap();
    migrator.up().await.unwrap();
    assert_eq!(users.list_index_names().await.unwrap(), ["_id_", "nick_1", "email_1"]);
}

#[migration(id = "001_none", source = "module:several-none")]
async fn none(schema: &mut Schema) -> Result<(), Error> {
    schema.create_indexes("users", Vec::<Document>::new()).await
}

#[tokio::test]
async fn an_empty_list_of_indexes_does_nothing() {
    let db = TestDb::new().await;
    let report = migrator(&db, "module:several-none").build().unwrap().up().await.unwrap();
    assert!(report.executions().all(|execution| execution.operations.is_empty()), "{report}");
    assert!(!collections(&db).await.contains(&"users".to_owned()));
}

#[migration(id = "001_twice", source = "module:several-twice")]
async fn twice(schema: &mut Schema) -> Result<(), Error> {
    schema.create_indexes("users", [doc! { "email": 1 }, doc! { "email": 1 }]).await
}

#[tokio::test]
async fn an_index_listed_twice_is_refused() {
    let db = TestDb::new().await;
    let error = migrator(&db, "module:several-twice").build().unwrap().up().await.unwrap_err();
    assert!(error.to_string().contains("the name 'email_1' is listed twice"), "{error}");
    assert!(!collections(&db).await.contains(&"users".to_owned()));
}
