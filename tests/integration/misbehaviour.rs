//! Bodies that panic, ignore errors, or leave tasks behind.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::context::TxCollection;
use mongrate::report::Remains;
use mongrate::{Error, Schema, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, count, history, lease_is_free, migrator, record, status};

#[migration(id = "001_panics", source = "module:panic-tx")]
async fn panics_in_tx(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("half").insert_one(doc! {}).await?;
    panic!("out of cheese");
}

#[migration(id = "001_panics", source = "module:panic-schema")]
async fn panics_in_schema(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("half", doc! { "a": 1 }).await?;
    panic!("out of {}", "cheese");
}

#[migration(id = "001_panics", source = "module:panic-database")]
async fn panics_in_database(db: &Database) -> Result<(), anyhow::Error> {
    db.collection::<Document>("half").insert_one(doc! {}).await?;
    std::panic::panic_any(42);
}

/// A panic fails the migration, and nothing else.
async fn panicked(db: &TestDb, source: &str, message: &str) {
    let migrator = migrator(db, source).build().unwrap();
    let error = migrator.up().await.unwrap_err();
    let Error::Failed { source: cause, report, remains, .. } = &error else { panic!("{error}") };
    let in_transaction = source == "module:panic-tx";
    let expected = match source {
        "module:panic-tx" => Remains::Nothing,
        "module:panic-schema" => Remains::Resumable,
        _ => Remains::Repeatable,
    };
    assert_eq!(*remains, expected);
    assert_eq!(error.to_string().contains(" so far remain"), !in_transaction, "{error}");
    let Some(Error::Panicked { message: told }) = cause.downcast_ref() else { panic!("{cause}") };
    assert_eq!(told, message);
    assert_eq!(report.failed().count(), 1);
    let id = format!("{source}:001_panics");
    let failed = record(db, &id).await.unwrap();
    assert_eq!(failed.get_str("status").unwrap(), "failed");
    assert_eq!(failed.get_str("error").unwrap(), format!("the migration panicked: {message}"));
    assert_eq!(history(db, &id).await, ["failed"]);
    assert!(lease_is_free(db).await);
    // The connection and the session are usable.
    migrator.up().await.unwrap_err();
    assert_eq!(history(db, &id).await, ["failed", "failed"]);
}

#[tokio::test]
async fn i6_a_panic_in_a_transaction_rolls_it_back() {
    let db = TestDb::new().await;
    panicked(&db, "module:panic-tx", "out of cheese").await;
    assert!(!collections(&db).await.contains(&"half".to_owned()));
}

#[tokio::test]
async fn i6_a_panic_in_a_schema_body_is_recorded() {
    let db = TestDb::new().await;
    panicked(&db, "module:panic-schema", "out of cheese").await;
    assert_eq!(db.collection::<Document>("half").list_index_names().await.unwrap(), ["_id_", "a_1"]);
}

#[tokio::test]
async fn i6_a_panic_in_a_database_body_is_recorded() {
    let db = TestDb::new().await;
    panicked(&db, "module:panic-database", "(no message)").await;
    assert_eq!(count(&db, "half", doc! {}).await, 2);
}

static IGNORED: AtomicU32 = AtomicU32::new(0);

#[migration(id = "001_ignores", source = "module:ignored")]
async fn ignores(tx: &mut Tx) -> Result<(), anyhow::Error> {
    IGNORED.fetch_add(1, Ordering::Relaxed);
    let users = tx.collection::<Document>("users");
    users.insert_one(doc! { "_id": "ada", "again": false }).await?;
    // "It may be there already."
    let _ = users.insert_one(doc! { "_id": "ada", "again": true }).await;
    Ok(())
}

#[migration(id = "002_after", source = "module:ignored")]
async fn after_ignores(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(tx.kv().set("seen", true).await?)
}

#[tokio::test]
async fn i1_an_ignored_error_fails_at_once() {
    let db = TestDb::new().await;
    let error = migrator(&db, "module:ignored").build().unwrap().up().await.unwrap_err();
    let Error::Failed { source, report, .. } = &error else { panic!("{error}") };
    let Some(Error::IgnoredError { operation, source }) = source.downcast_ref() else { panic!("{source}") };
    assert_eq!(operation, "insert_one on users");
    assert!(source.to_string().contains("11000"), "{source}");
    assert_eq!(report.executions().next().unwrap().attempts, 1);
    assert_eq!(IGNORED.load(Ordering::Relaxed), 1);
    assert_eq!(count(&db, "users", doc! {}).await, 0);
    assert_eq!(status(&db, "module:ignored:001_ignores").await, "failed");
    assert_eq!(status(&db, "module:ignored:002_after").await, "");
    println!("{error}");
}

#[migration(id = "001_goes_on", source = "module:ignored-then-fails")]
async fn goes_on(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let users = tx.collection::<Document>("users");
    users.insert_one(doc! { "_id": "ada" }).await?;
    let _ = users.insert_one(doc! { "_id": "ada" }).await;
    // The server has forgotten the transaction by now, and calls that transient.
    users.insert_one(doc! { "_id": "grace" }).await?;
    Ok(())
}

#[tokio::test]
async fn i6_later_errors_do_not_hide_an_ignored_one() {
    let db = TestDb::new().await;
    let error = migrator(&db, "module:ignored-then-fails").build().unwrap().up().await.unwrap_err();
    println!("{error}");
    let Error::Failed { message, report, .. } = &error else { panic!("{error}") };
    assert!(message.contains("11000"), "{message}");
    assert_eq!(report.executions().next().unwrap().attempts, 1);
    assert_eq!(count(&db, "users", doc! {}).await, 0);
}

#[migration(id = "001_caught", source = "module:caught")]
async fn caught(schema: &mut Schema) -> Result<(), anyhow::Error> {
    schema.modify_collection("not_there", doc! { "validator": {} }).await.unwrap_err();
    // Nothing is done behind an operation that failed: when the body resumes, it would have to fail again.
    schema.create_collection("after").await.unwrap_err();
    Ok(())
}

#[tokio::test]
async fn i6_a_schema_body_that_ignores_an_error_fails() {
    let db = TestDb::new().await;
    let error = migrator(&db, "module:caught").build().unwrap().up().await.unwrap_err();
    let Error::Failed { source, .. } = &error else { panic!("{error}") };
    assert!(matches!(source.downcast_ref(), Some(Error::IgnoredError { .. })), "{error}");
    assert_eq!(status(&db, "module:caught:001_caught").await, "failed");
    assert!(!collections(&db).await.contains(&"after".to_owned()));
}

static LEFT: Mutex<Option<TxCollection<Document>>> = Mutex::new(None);

#[migration(id = "001_leaves", source = "module:left-behind")]
async fn leaves(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let users = tx.collection::<Document>("users");
    users.insert_one(doc! { "_id": 1 }).await?;
    *LEFT.lock().unwrap() = Some(users);
    Ok(())
}

#[tokio::test]
async fn i1_a_leftover_task_of_a_body_writes_nothing() {
    let db = TestDb::new().await;
    migrator(&db, "module:left-behind").build().unwrap().up().await.unwrap();
    let left = LEFT.lock().unwrap().take().unwrap();
    let error = left.insert_one(doc! { "_id": 2 }).await.unwrap_err();
    assert!(error.to_string().contains("this transaction has ended"), "{error}");
    assert_eq!(count(&db, "users", doc! {}).await, 1);
}
