//! Server calls of a `&Database` body that continue after the body has ended. No other process may migrate meanwhile.

use std::time::{Duration, Instant};

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::migrator::DatabaseFilter;
use mongrate::{Error, Migrator, Registry, Tx, migration};
use mongrate_tests::stored::{lease_is_free, record, status};
use mongrate_tests::{TestDb, eventually};
use tokio::time::timeout;

use super::count;

/// Longer than stopping a run may take.
const DOCUMENTS: i32 = 60;

/// The server takes some time for each document.
#[migration(id = "001_slow", source = "module:leftovers")]
async fn slow(db: &Database) -> Result<(), mongodb::error::Error> {
    change_all(db).await
}

#[migration(id = "001_slow", source = "module:leftovers-timeout", timeout = "1s")]
async fn slow_with_a_limit(db: &Database) -> Result<(), mongodb::error::Error> {
    change_all(db).await
}

#[migration(id = "002_next", source = "module:leftovers-timeout")]
async fn next(db: &Database) -> Result<(), mongodb::error::Error> {
    db.collection::<Document>("next").insert_one(doc! {}).await.map(drop)
}

async fn change_all(db: &Database) -> Result<(), mongodb::error::Error> {
    db.collection::<Document>("things").update_many(slowly(), changed_now()).await.map(drop)
}

fn slowly() -> Document {
    doc! { "changed": false, "$where": "sleep(200) || true" }
}

fn changed_now() -> Document {
    doc! { "$set": { "changed": true } }
}

#[migration(id = "001_slow", source = "module:leftovers-standalone")]
async fn slow_without_transactions(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("things").update_many(slowly(), changed_now()).await?;
    tx.collection::<Document>("next").insert_one(doc! {}).await.map(drop)
}

async fn database() -> TestDb {
    filled(TestDb::new().await).await
}

async fn filled(db: TestDb) -> TestDb {
    let things = (0..DOCUMENTS).map(|n| doc! { "_id": n, "changed": false });
    db.collection::<Document>("things").insert_many(things).await.unwrap();
    db
}

async fn changed(db: &Database) -> u64 {
    db.collection::<Document>("things").count_documents(doc! { "changed": true }).await.unwrap()
}

fn brought(db: &TestDb, source: &str) -> Migrator {
    Migrator::builder(db.database().clone()).registry(Registry::linked().source(source)).build().unwrap()
}

/// Stops a run while the server changes documents, and returns its error.
async fn stopped(db: &TestDb, migrator: &Migrator) -> Error {
    let run = tokio::spawn(migrator.up().into_future());
    eventually("a document to be changed", async || (changed(db).await > 0).then_some(())).await;
    let began = Instant::now();
    migrator.shutdown().await;
    println!("stopped in {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    run.await.unwrap().unwrap_err()
}

#[tokio::test]
async fn i6_a_call_that_cannot_be_found_keeps_the_lease() {
    let db = database().await;
    let error = stopped(&db, &brought(&db, "module:leftovers")).await;
    println!("{error}");
    let Error::Interrupted { report } = &error else { panic!("{error:?}") };
    assert_eq!(report.left_running().len(), 1, "{report}");
    assert!(report.left_running()[0].contains("module:leftovers:001_slow"), "{report}");
    assert!(report.to_string().contains("lease was therefore not released"), "{report}");
    assert!(error.to_string().contains("lease was not released"), "{error}");
    // Nobody else migrates while the server is still changing documents.
    let after = changed(&db).await;
    eventually("the call to go on", async || (changed(&db).await > after).then_some(())).await;
    assert!(!lease_is_free(&db).await);
    let waiter = Migrator::builder(db.database().clone())
        .registry(Registry::linked().source("module:leftovers"))
        .lock_wait(Duration::from_millis(500))
        .build()
        .unwrap();
    let error = waiter.up().await.unwrap_err();
    assert!(matches!(error, Error::LockTimeout { .. }), "{error:?}");
}

/// Asserts that the server runs no operation on a collection.
pub(super) async fn assert_nothing_runs(db: &TestDb, collection: &str) {
    let name = format!("{}.{collection}", db.name());
    let running = doc! { "currentOp": true, "active": true, "ns": name };
    let running = db.client().database("admin").run_command(running).await.unwrap();
    assert!(running.get_array("inprog").unwrap().is_empty(), "{running}");
}

/// The call is ended with its session, and its partial effect is not repeated.
#[tokio::test]
async fn i6_a_call_without_transactions_is_the_last_of_its_body() {
    let db = filled(TestDb::standalone().await).await;
    let migrator = brought(&db, "module:leftovers-standalone");
    let error = stopped(&db, &migrator).await;
    let after = changed(&db).await;
    println!("{after} documents are changed; {error}");
    assert!(matches!(error, Error::Interrupted { .. }), "{error:?}");
    assert!(i64::try_from(after).unwrap() < i64::from(DOCUMENTS), "the call was not cut off");
    assert_nothing_runs(&db, "things").await;
    assert!(lease_is_free(&db).await);
    let error = brought(&db, "module:leftovers-standalone").up().await.unwrap_err();
    assert!(matches!(error, Error::PartiallyApplied { .. }), "{error:?}");
    assert_eq!((changed(&db).await, count(&db, "next", doc! {}).await), (after, 0));
}

#[tokio::test]
async fn i6_a_call_is_ended_before_the_lease_is_released() {
    let db = database().await;
    let registry = Registry::linked().source("module:leftovers");
    let migrator = Migrator::connect(db.uri(), db.name()).await.unwrap().registry(registry).build().unwrap();
    let error = stopped(&db, &migrator).await;
    let after = changed(&db).await;
    println!("{after} documents are changed; {error}");
    assert!(i64::try_from(after).unwrap() < i64::from(DOCUMENTS), "the call was not cut off");
    assert_nothing_runs(&db, "things").await;
    assert!(lease_is_free(&db).await);
    let Error::Interrupted { report } = &error else { panic!("{error:?}") };
    assert!(report.left_running().is_empty(), "{report}");
    assert!(error.to_string().contains("The lock is free"), "{error}");
    // Repeating the call changes the remaining documents.
    drop(migrator);
    assert_eq!(changed(&db).await, after);
    let next = brought(&db, "module:leftovers");
    assert_eq!(next.up().await.unwrap().applied().count(), 1);
    assert_eq!(changed(&db).await, u64::from(DOCUMENTS.unsigned_abs()));
}

/// A body that stops waiting for its own call, and fails.
#[migration(id = "001_impatient", source = "module:leftovers-impatient")]
async fn impatient(db: &Database) -> Result<(), anyhow::Error> {
    Ok(timeout(Duration::from_secs(1), change_all(db)).await??)
}

#[tokio::test]
async fn i6_a_call_that_its_body_has_dropped_is_ended_before_the_lease_is_released() {
    let db = database().await;
    let registry = Registry::linked().source("module:leftovers-impatient");
    let migrator = Migrator::connect(db.uri(), db.name()).await.unwrap().registry(registry).build().unwrap();
    let error = migrator.up().await.unwrap_err();
    assert!(error.to_string().contains("elapsed"), "{error}");
    assert_nothing_runs(&db, "things").await;
    assert!(lease_is_free(&db).await);
}

/// The bodies of many databases share a client, so a call is found by its database.
#[tokio::test]
async fn i6_a_call_in_one_of_many_databases_is_ended_before_its_lease_is_released() {
    let db = database().await;
    let registry = Registry::linked().source("module:leftovers-impatient");
    let error = Migrator::for_each_at(db.uri(), DatabaseFilter::named([db.name()]))
        .options(move |builder| builder.registry(registry.clone()))
        .await
        .unwrap()
        .into_result()
        .unwrap_err();
    println!("{error}");
    assert_nothing_runs(&db, "things").await;
    assert!(lease_is_free(&db).await);
}

#[tokio::test]
async fn i6_a_call_that_outlives_its_migrations_timeout_stops_the_run_and_keeps_the_lease() {
    let db = database().await;
    let migrator = brought(&db, "module:leftovers-timeout");
    let error = migrator.up().continue_on_error(true).await.unwrap_err();
    println!("{error}");
    let Error::Failed { report, .. } = &error else { panic!("{error:?}") };
    assert_eq!(report.left_running().len(), 1, "{report}");
    assert_eq!(report.not_run(), ["module:leftovers-timeout:002_next"]);
    assert!(error.to_string().contains("lease was not released"), "{error}");
    assert_eq!(status(&db, "module:leftovers-timeout:001_slow").await, "failed");
    assert!(record(&db, "module:leftovers-timeout:002_next").await.is_none());
    assert_eq!(count(&db, "next", doc! {}).await, 0);
    assert!(!lease_is_free(&db).await);
}
