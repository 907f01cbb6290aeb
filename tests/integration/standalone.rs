//! A server without transactions.

use std::future::IntoFuture;

use mongodb::bson::{Document, doc};
use mongrate::options::Transactions;
use mongrate::{Error, Schema, Tx, migration};
use mongrate_tests::stored::{
    collections, count, fingerprint, history, lease_is_free, migrator, record, status, step, steps, tell, told, untell,
};
use mongrate_tests::{Gate, TestDb, eventually};

#[migration(id = "001_index", source = "module:standalone")]
async fn index(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "email": 1 }).unique().await
}

#[migration(id = "002_users", source = "module:standalone")]
async fn users(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("users").insert_one(doc! { "email": "ada" }).await?;
    step(tx, "users").await?;
    tx.kv().set("seeded", true).await?;
    anyhow::ensure!(!told(tx, "break").await?, "told to");
    Ok(())
}

#[migration(id = "003_after", source = "module:standalone")]
async fn after(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "after").await?)
}

#[tokio::test]
async fn a_standalone_server_works_with_a_warning() {
    let db = TestDb::standalone().await;
    let migrator = migrator(&db, "module:standalone").build().unwrap();
    let report = migrator.up().await.unwrap();
    assert_eq!(report.applied().count(), 3);
    assert!(report.warnings().iter().any(|warning| warning.contains("no transactions")), "{report}");
    assert_eq!(steps(&db).await, ["users", "after"]);
    assert_eq!(history(&db, "module:standalone:002_users").await, ["completed"]);
    assert!(lease_is_free(&db).await);

    let before = fingerprint(&db).await;
    let _ = db.commands().take();
    assert!(migrator.up().await.unwrap().is_empty());
    assert_eq!(db.commands().take(), ["find"]);
    assert_eq!(fingerprint(&db).await, before);
}

#[tokio::test]
async fn i6_a_failure_reports_partial_changes() {
    let db = TestDb::standalone().await;
    tell(&db, "break").await;
    let migrator = migrator(&db, "module:standalone").build().unwrap();
    let error = migrator.up().await.unwrap_err();
    println!("{error}");
    let Error::Partial { id, message, report, .. } = &error else { panic!("{error}") };
    assert_eq!((id.as_str(), message.as_str()), ("module:standalone:002_users", "told to"));
    assert_eq!(report.applied().count(), 1);
    assert_eq!(report.not_run(), ["module:standalone:003_after"]);
    assert!(report.warnings().iter().any(|warning| warning.contains("no transactions")), "{report}");
    // As the error says: what was written before is still there.
    assert_eq!(steps(&db).await, ["users"]);
    assert_eq!(count(&db, "users", doc! {}).await, 1);
    assert_eq!(status(&db, "module:standalone:002_users").await, "failed");
    assert_eq!(history(&db, "module:standalone:002_users").await, ["failed"]);
    assert!(lease_is_free(&db).await);

    // It does not run again until it is named or marked.
    untell(&db, "break").await;
    let error = migrator.up().await.unwrap_err();
    println!("{error}");
    assert!(matches!(&error, Error::PartiallyApplied { ids } if ids == &["module:standalone:002_users"]), "{error}");
    assert_eq!(steps(&db).await, ["users"]);

    // Continues after a repair, when it is named.
    db.collection::<Document>("users").delete_many(doc! {}).await.unwrap();
    migrator.up().only("module:standalone:002_users").await.unwrap();
    assert_eq!(steps(&db).await, ["users", "users"]);
    migrator.up().await.unwrap();
    let record = record(&db, "module:standalone:002_users").await.unwrap();
    assert_eq!(record.get_i64("attempts").unwrap(), 2);
}

/// Not even independent migrations, because the state of the data is unknown.
#[tokio::test]
async fn nothing_runs_after_partial_changes() {
    let db = TestDb::standalone().await;
    tell(&db, "break").await;
    let error = migrator(&db, "module:standalone").build().unwrap().up().continue_on_error(true).await.unwrap_err();
    assert!(matches!(error, Error::Partial { .. }), "{error}");
    assert_eq!(error.report().unwrap().not_run(), ["module:standalone:003_after"]);
    assert_eq!(steps(&db).await, ["users"]);
}

static DROPPED_RUNS: Gate = Gate::new();

#[migration(id = "001_never", source = "module:standalone-dropped")]
async fn dropped(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "once").await?;
    DROPPED_RUNS.open();
    std::future::pending().await
}

#[tokio::test]
async fn i6_a_dropped_run_may_leave_partial_changes() {
    let db = TestDb::standalone().await;
    let migrator = migrator(&db, "module:standalone-dropped").build().unwrap();
    let up = tokio::spawn(migrator.up().into_future());
    DROPPED_RUNS.pass().await;
    up.abort();
    eventually("the lease to be free", async || lease_is_free(&db).await.then_some(())).await;
    let error = migrator.up().await.unwrap_err();
    assert!(matches!(error, Error::PartiallyApplied { .. }), "{error}");
    assert_eq!(steps(&db).await, ["once"]);
}

#[tokio::test]
async fn missing_transactions_are_noticed_before_the_first_write() {
    let db = TestDb::standalone().await;
    let migrator = migrator(&db, "module:standalone").transactions(Transactions::Required).build().unwrap();
    let error = migrator.up().await.unwrap_err();
    println!("{error}");
    assert!(matches!(error, Error::TransactionsRequired), "{error}");
    assert!(collections(&db).await.is_empty());
}

#[tokio::test]
async fn required_transactions_are_used() {
    let db = TestDb::new().await;
    migrator(&db, "module:standalone").transactions(Transactions::Required).build().unwrap().up().await.unwrap();
    assert_eq!(db.commands().count()["commitTransaction"], 4);
}

#[migration(id = "001_ignores", source = "module:standalone-ignored")]
async fn ignores(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let users = tx.collection::<Document>("users");
    users.insert_one(doc! { "_id": "ada" }).await?;
    let _ = users.insert_one(doc! { "_id": "ada" }).await;
    Ok(())
}

#[tokio::test]
async fn an_ignored_error_is_an_error() {
    let db = TestDb::standalone().await;
    let error = migrator(&db, "module:standalone-ignored").build().unwrap().up().await.unwrap_err();
    let Error::Partial { source, .. } = &error else { panic!("{error}") };
    assert!(matches!(source.downcast_ref(), Some(Error::IgnoredError { .. })), "{source}");
    assert_eq!(status(&db, "module:standalone-ignored:001_ignores").await, "failed");
}
