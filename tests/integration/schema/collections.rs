//! Collections, views, validators and names.

use futures_util::TryStreamExt;
use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::{Error, Schema, migration};
use mongrate_tests::stored::{collections, count, history, migrator};
use mongrate_tests::{FailPoint, TestDb};

#[migration(id = "001_collections", source = "module:schema-collections")]
async fn all(schema: &mut Schema) -> Result<(), mongrate::Error> {
    // As after an interrupted run.
    for _ in 0..2 {
        schema.create_collection("plain").await?;
        schema.create_collection("checked").validator(doc! { "age": { "$gt": 0 } }).await?;
        schema.create_collection("capped").options(doc! { "capped": true }).options(doc! { "size": 4096 }).await?;
        schema.create_collection("set_later").await?;
        schema.set_validator("set_later", doc! { "$jsonSchema": { "required": ["name"] } }).await?;
        schema.modify_collection("set_later", doc! { "validationAction": "warn" }).await?;
        schema.create_view("adults", "checked", [doc! { "$match": { "age": { "$gt": 17 } } }]).await?;
        schema.drop_collection("dropped").await?;
        schema.rename_collection("old", "new").await?;
    }
    Ok(())
}

async fn options_of(db: &Database, name: &str) -> Document {
    let reply = db.run_command(doc! { "listCollections": 1, "filter": { "name": name } }).await.unwrap();
    let batch = reply.get_document("cursor").unwrap().get_array("firstBatch").unwrap().clone();
    batch[0].as_document().unwrap().get_document("options").unwrap().clone()
}

#[tokio::test]
async fn everything_is_done_once() {
    let db = TestDb::new().await;
    for collection in ["dropped", "old"] {
        db.collection::<Document>(collection).insert_one(doc! {}).await.unwrap();
    }
    migrator(&db, "module:schema-collections").build().unwrap().up().await.unwrap();

    let names = collections(&db).await;
    let names: Vec<_> = names.iter().filter(|name| !name.starts_with("migrations")).collect();
    assert_eq!(names, ["adults", "capped", "checked", "new", "plain", "set_later", "system.views"]);
    assert_eq!(count(&db, "new", doc! {}).await, 1);
    assert!(options_of(&db, "capped").await.get_bool("capped").unwrap());
    let later = options_of(&db, "set_later").await;
    assert_eq!(later.get_str("validationAction").unwrap(), "warn");
    assert_eq!(later.get_document("validator").unwrap(), &doc! { "$jsonSchema": { "required": ["name"] } });

    let checked = db.collection::<Document>("checked");
    checked.insert_many([doc! { "age": 17 }, doc! { "age": 18 }]).await.unwrap();
    checked.insert_one(doc! { "age": -1 }).await.unwrap_err();
    let adults: Vec<_> = db.collection::<Document>("adults").find(doc! {}).await.unwrap().try_collect().await.unwrap();
    assert_eq!(adults.len(), 1);
}

#[migration(id = "001_first", source = "module:schema-brought")]
async fn first(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_collection("people").validator(doc! { "age": { "$gt": 0 } }).await?;
    schema.create_view("some", "people", [doc! { "$match": { "age": 1 } }]).await
}

#[migration(id = "002_second", source = "module:schema-brought")]
async fn second(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_collection("people").validator(doc! { "age": { "$gt": 5 } }).await?;
    schema.create_view("some", "people", [doc! { "$match": { "age": 7 } }]).await
}

#[tokio::test]
async fn an_existing_collection_is_changed_to_the_requested_options() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:schema-brought").build().unwrap();
    migrator.up().only("module:schema-brought:001_first").await.unwrap();
    let people = db.collection::<Document>("people");
    people.insert_many([doc! { "age": 1 }, doc! { "age": 7 }]).await.unwrap();
    migrator.up().await.unwrap();
    // Existing documents remain.
    assert_eq!(count(&db, "people", doc! {}).await, 2);
    people.insert_one(doc! { "age": 3 }).await.unwrap_err();
    assert_eq!(count(&db, "some", doc! { "age": 7 }).await, 1);
    assert_eq!(count(&db, "some", doc! { "age": 1 }).await, 0);
}

#[migration(id = "001_shelf", source = "module:schema-undone")]
async fn shelf(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_collection("shelf").await
}

/// A failover could undo it after it was recorded.
#[tokio::test]
async fn an_operation_without_a_majority_is_repeated() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:schema-undone").build().unwrap();
    let fault = doc! {
        "failCommands": ["create"],
        "namespace": format!("{}.shelf", db.name()),
        "writeConcernError": { "code": 91, "errmsg": "shutting down" },
    };
    let _fail_point = FailPoint::times(1, &db, fault).await;
    let error = migrator.up().await.unwrap_err();
    assert!(matches!(error, Error::Failed { .. }) && error.to_string().contains("majority"), "{error:?}");
    migrator.up().await.unwrap();
    assert_eq!(history(&db, "module:schema-undone:001_shelf").await, ["failed", "completed"]);
}
