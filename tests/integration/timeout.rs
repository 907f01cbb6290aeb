//! `timeout = ".."`: a body that takes too long is a failure like any other.

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::{Error, Schema, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{
    can_be_written, collections, count, history, lease_is_free, migrator, record, status, step,
};

#[migration(id = "001_waits", source = "module:timeout-tx", timeout = "1s")]
async fn tx_waits(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "never").await?;
    tx.collection::<Document>("things").update_one(doc! {}, doc! { "$set": { "a": 1 } }).await?;
    std::future::pending().await
}

#[migration(id = "001_waits", source = "module:timeout-slow", timeout = "1s")]
async fn slow(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let things = tx.collection::<Document>("things");
    things.update_one(doc! {}, doc! { "$set": { "a": 1 } }).await?;
    // One server call of half a minute.
    things.find_one(doc! { "$where": "sleep(30000) || true" }).await?;
    Ok(())
}

#[migration(id = "001_waits", source = "module:timeout-schema", timeout = "1s")]
async fn schema_waits(schema: &mut Schema) -> Result<(), anyhow::Error> {
    schema.create_index("things", doc! { "a": 1 }).await?;
    std::future::pending().await
}

#[migration(id = "001_waits", source = "module:timeout-database", timeout = "1s")]
async fn database_waits(db: &Database) -> Result<(), anyhow::Error> {
    db.collection::<Document>("things").insert_one(doc! {}).await?;
    std::future::pending().await
}

#[migration(id = "001_busy", source = "module:timeout-busy", timeout = "1s")]
async fn busy(tx: &mut Tx) -> Result<(), anyhow::Error> {
    loop {
        step(tx, "again").await?;
    }
}

#[migration(id = "001_quick", source = "module:timeout-quick", timeout = "1m")]
async fn quick(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "quick").await?)
}

/// It failed for its timeout, is on record, and the next run can go ahead.
async fn timed_out(source: &str, id: &str) -> TestDb {
    let db = TestDb::new().await;
    db.collection::<Document>("things").insert_one(doc! { "a": 0 }).await.unwrap();
    let error = migrator(&db, source).build().unwrap().up().await.unwrap_err();
    println!("{error}");
    let Error::Failed { source: cause, .. } = &error else { panic!("{error}") };
    assert!(matches!(cause.downcast_ref(), Some(Error::TimedOut { .. })), "{cause}");
    let id = format!("{source}:{id}");
    let failed = record(&db, &id).await.unwrap();
    assert_eq!(failed.get_str("status").unwrap(), "failed");
    assert!(failed.get_str("error").unwrap().contains("timeout of 1.0 s"), "{failed}");
    assert!(failed.get_i64("executionDuration").unwrap() >= 1000, "{failed}");
    assert_eq!(history(&db, &id).await, ["failed"]);
    // Nobody knows whether a raw handle has left a call at the server.
    assert_eq!(lease_is_free(&db).await, source != "module:timeout-database");
    can_be_written(&db, "things").await;
    db
}

#[tokio::test]
async fn i6_a_transaction_is_rolled_back() {
    let db = timed_out("module:timeout-tx", "001_waits").await;
    assert!(!collections(&db).await.contains(&"steps".to_owned()));
    assert_eq!(count(&db, "things", doc! { "a": 0 }).await, 1);
}

#[tokio::test]
async fn i6_a_transaction_in_a_long_server_call_is_rolled_back() {
    let db = timed_out("module:timeout-slow", "001_waits").await;
    assert_eq!(count(&db, "things", doc! { "a": 0 }).await, 1);
}

#[tokio::test]
async fn i6_a_busy_body_is_stopped() {
    let db = timed_out("module:timeout-busy", "001_busy").await;
    assert_eq!(count(&db, "steps", doc! {}).await, 0);
}

#[tokio::test]
async fn i6_a_schema_body_is_stopped() {
    let db = timed_out("module:timeout-schema", "001_waits").await;
    assert_eq!(db.collection::<Document>("things").list_index_names().await.unwrap().len(), 2);
}

#[tokio::test]
async fn i6_a_database_body_is_stopped() {
    let db = timed_out("module:timeout-database", "001_waits").await;
    assert_eq!(count(&db, "things", doc! {}).await, 2);
}

#[tokio::test]
async fn a_body_within_its_timeout_is_not_stopped() {
    let db = TestDb::new().await;
    migrator(&db, "module:timeout-quick").build().unwrap().up().await.unwrap();
    assert_eq!(status(&db, "module:timeout-quick:001_quick").await, "completed");
}
