//! A response that there is nothing to do is confirmed, because a failover can undo its reason.

use mongodb::bson::{Document, doc};
use mongrate::{Error, Schema, migration};
use mongrate_tests::stored::{collections, history, migrator, record};
use mongrate_tests::{FailPoint, TestDb};

/// Server codes, from its `error_codes.yml`.
const INDEX_NOT_FOUND: i32 = 27;
const NAMESPACE_EXISTS: i32 = 48;

#[migration(id = "001_drop", source = "module:confirmed-drop")]
async fn drop_index(schema: &mut Schema) -> Result<(), Error> {
    schema.drop_index("users", "email_1").await
}

#[migration(id = "001_create", source = "module:confirmed-create")]
async fn create(schema: &mut Schema) -> Result<(), Error> {
    schema.create_collection("people").await
}

/// The server says so once, as if it were a primary with an operation that nobody else has, and then is another one.
async fn told_in_vain(source: &str, command: &str, code: i32) -> TestDb {
    let db = TestDb::new().await;
    let index = doc! { "key": { "email": 1 }, "name": "email_1" };
    db.run_command(doc! { "createIndexes": "users", "indexes": [index] }).await.unwrap();
    let mut told = doc! { "failCommands": [command], "errorCode": code };
    if command == "create" {
        told.insert("namespace", format!("{}.people", db.name()));
    }
    let _told = FailPoint::times(1, &db, told).await;
    migrator(&db, source).build().unwrap().up().await.unwrap();
    let id = format!("{source}:001_{}", source.rsplit('-').next().unwrap());
    assert_eq!(history(&db, &id).await, ["completed"]);
    assert!(!record(&db, &id).await.unwrap().contains_key("log"));
    db
}

#[tokio::test]
async fn an_index_reported_missing_but_present_is_dropped() {
    let db = told_in_vain("module:confirmed-drop", "dropIndexes", INDEX_NOT_FOUND).await;
    assert_eq!(db.collection::<Document>("users").list_index_names().await.unwrap(), ["_id_"]);
    assert_eq!(db.commands().count().get("dropIndexes"), Some(&2));
}

#[tokio::test]
async fn a_collection_reported_present_but_missing_is_created() {
    let db = told_in_vain("module:confirmed-create", "create", NAMESPACE_EXISTS).await;
    assert!(collections(&db).await.contains(&"people".to_owned()));
}
