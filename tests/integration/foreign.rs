//! Collections and records that this version of Mongrate did not write.

use mongodb::bson::{Bson, DateTime, Document, doc, oid::ObjectId};
use mongrate::{Error, Names, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, count, fingerprint, migrator, record};

#[migration(id = "001_user", source = "module:foreign")]
async fn user(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("users").insert_one(doc! {}).await?;
    tx.kv().set("seeded", true).await
}

#[migration(id = "002_user", source = "module:foreign")]
async fn another(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("users").insert_one(doc! {}).await?;
    Ok(())
}

/// What `up`, `plan` and `status` all say; the database is as it was.
async fn refused(db: &TestDb) -> Error {
    let before = (collections(db).await, fingerprint(db).await);
    let migrator = migrator(db, "module:foreign").build().unwrap();
    let error = migrator.up().await.unwrap_err();
    println!("{error}");
    assert_eq!(migrator.plan().await.unwrap_err().to_string(), error.to_string());
    assert_eq!(migrator.status().await.unwrap_err().to_string(), error.to_string());
    assert_eq!((collections(db).await, fingerprint(db).await), before);
    error
}

async fn foreign(document: Document, maker: &str) {
    let db = TestDb::new().await;
    db.collection::<Document>("migrations").insert_one(document).await.unwrap();
    let error = refused(&db).await;
    let Error::ForeignCollection { collection, made_by, .. } = &error else { panic!("{error}") };
    assert_eq!(collection, "migrations");
    assert_eq!(made_by, maker);

    let ours = migrator(&db, "module:foreign").names(Names::prefixed("mongrate")).build().unwrap();
    ours.up().await.unwrap();
    assert!(ours.up().await.unwrap().is_empty());
    assert_eq!(count(&db, "users", doc! {}).await, 2);
    assert_eq!(count(&db, "migrations", doc! {}).await, 1);
    assert_eq!(
        collections(&db).await,
        ["migrations", "mongrate", "mongrate_history", "mongrate_kv", "mongrate_lock", "users"]
    );
}

#[tokio::test]
async fn i7_the_changelog_of_migrate_mongo_is_left_alone() {
    let document = doc! {
        "_id": ObjectId::new(), "fileName": "20240101120000-users.js", "appliedAt": DateTime::now(), "migrationBlock": 1_i64,
    };
    foreign(document, ", written by migrate-mongo").await;
}

#[tokio::test]
async fn i7_the_changelog_of_mongock_is_left_alone() {
    let document = doc! {
        "_id": ObjectId::new(), "executionId": "2024-01-01T12:00:00.000-1", "changeId": "users", "author": "ada",
        "timestamp": DateTime::now(), "state": "EXECUTED", "type": "EXECUTION", "changeLogClass": "org.example.Users",
        "changeSetMethod": "execution", "executionMillis": 12_i64, "executionHostname": "example", "systemChange": false,
    };
    foreign(document, ", written by Mongock").await;
}

#[tokio::test]
async fn i7_the_changelog_of_mongodb_migrator_is_left_alone() {
    let document = doc! {
        "_id": "M0", "start_date": Bson::Null, "end_date": Bson::Null, "status": "Success", "duration": Bson::Null,
    };
    foreign(document, ", written by mongodb-migrator").await;
}

#[tokio::test]
async fn i7_documents_of_the_application_are_left_alone() {
    foreign(doc! { "from": "Lisbon", "to": "Dakar", "birds": 7 }, "").await;
}

/// Stores a record of a migration that is applied, changed by hand, and asks again.
async fn unreadable(change: Document) -> String {
    let db = TestDb::new().await;
    migrator(&db, "module:foreign").build().unwrap().up().only("module:foreign:001_user").await.unwrap();
    let records = db.collection::<Document>("migrations");
    records.update_one(doc! { "_id": "module:foreign:001_user" }, change).await.unwrap();
    let stored = record(&db, "module:foreign:001_user").await;
    let error = refused(&db).await;
    let Error::UnreadableRecord { id, reason } = &error else { panic!("{error}") };
    assert_eq!(id, "module:foreign:001_user");
    assert_eq!(record(&db, "module:foreign:001_user").await, stored);
    assert_eq!(count(&db, "users", doc! {}).await, 1);
    reason.clone()
}

#[tokio::test]
async fn i7_a_status_of_another_version_is_refused() {
    let reason = unreadable(doc! { "$set": { "status": "paused" } }).await;
    assert!(reason.contains("paused"), "{reason}");
}

#[tokio::test]
async fn i7_a_record_of_another_shape_is_refused() {
    let reason = unreadable(doc! { "$set": { "attempts": { "up": 1, "down": 0 } } }).await;
    assert!(reason.contains("attempts") || reason.contains("map"), "{reason}");
}

#[tokio::test]
async fn fields_of_a_newer_version_do_no_harm() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:foreign").build().unwrap();
    migrator.up().await.unwrap();
    let records = db.collection::<Document>("migrations");
    records.update_many(doc! {}, doc! { "$set": { "approvedBy": "ada" } }).await.unwrap();
    assert!(migrator.up().await.unwrap().is_empty());
    assert_eq!(migrator.status().await.unwrap().completed().count(), 2);
}
