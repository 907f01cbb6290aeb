//! Failed migrations: remaining changes, records, and errors.

use std::fmt;

use anyhow::Context;
use mongodb::bson::{Document, doc};
use mongrate::report::Outcome;
use mongrate::{Error, Migrator, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{
    collections, count, documents, history, lease_is_free, migrator, record, status, step, steps, tell, told, untell,
};

/// An error of the application's own, to be found again by its type.
#[derive(Debug, PartialEq)]
struct Overdrawn {
    account: u32,
}

impl fmt::Display for Overdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "account {} is overdrawn", self.account)
    }
}

impl std::error::Error for Overdrawn {}

#[migration(id = "001_before", source = "module:failure")]
async fn before(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "before").await?)
}

#[migration(id = "002_breaks", source = "module:failure")]
async fn breaks(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("half").insert_many([doc! {}, doc! {}]).await?;
    step(tx, "breaks").await?;
    if told(tx, "break").await? {
        let overdrawn = Err(Overdrawn { account: 7 });
        return overdrawn.context("no transfer").context("no accounts for the customers");
    }
    Ok(())
}

#[migration(id = "003_after", source = "module:failure")]
async fn after(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "after").await?)
}

async fn broken() -> (TestDb, Migrator, Error) {
    let db = TestDb::new().await;
    tell(&db, "break").await;
    let migrator = migrator(&db, "module:failure").build().unwrap();
    let error = migrator.up().await.unwrap_err();
    (db, migrator, error)
}

#[tokio::test]
async fn i1_a_failed_transaction_leaves_nothing_behind() {
    let (db, migrator, _) = broken().await;
    assert_eq!(steps(&db).await, ["before"]);
    // Not even the collection that the body would have created.
    assert!(!collections(&db).await.contains(&"half".to_owned()));
    let status = migrator.status().await.unwrap();
    let pending: Vec<_> = status.pending().map(|migration| migration.id()).collect();
    assert_eq!(pending, ["module:failure:002_breaks", "module:failure:003_after"]);
}

#[tokio::test]
async fn i6_a_failure_is_recorded_and_the_lease_is_released() {
    let (db, _migrator, _) = broken().await;
    let failed = record(&db, "module:failure:002_breaks").await.unwrap();
    assert_eq!(failed.get_str("status").unwrap(), "failed");
    assert_eq!(failed.get_str("error").unwrap(), "no accounts for the customers: no transfer: account 7 is overdrawn");
    assert_eq!(
        failed.get_array("errorStack").unwrap().iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>(),
        ["no accounts for the customers", "no transfer", "account 7 is overdrawn"]
    );
    assert_eq!(failed.get_i64("attempts").unwrap(), 1);
    let entry = db.collection::<Document>("migrations_history");
    let entry = entry.find_one(doc! { "migrationId": "module:failure:002_breaks" }).await.unwrap().unwrap();
    for field in ["status", "error", "errorStack", "executedAt", "token", "batch", "host", "pid", "checksum"] {
        assert_eq!(entry.get(field), failed.get(field), "{field}");
    }
    assert!(record(&db, "module:failure:003_after").await.is_none());
    assert!(lease_is_free(&db).await);
}

#[tokio::test]
async fn i6_the_error_carries_the_report_and_its_cause() {
    let (_db, _migrator, error) = broken().await;
    let text = error.to_string();
    let Error::Failed { id, source, report, .. } = error else { panic!("{error}") };
    assert_eq!(id, "module:failure:002_breaks");
    assert_eq!(
        text,
        "migration 'module:failure:002_breaks' failed: no accounts for the customers: no transfer: account 7 is \
         overdrawn. This attempt changed nothing; the next `up` tries again"
    );
    let causes = std::iter::successors(Some(&*source as &dyn std::error::Error), |cause| cause.source());
    let overdrawn = causes.last().unwrap().downcast_ref::<Overdrawn>();
    assert_eq!(overdrawn, Some(&Overdrawn { account: 7 }));

    let applied: Vec<_> = report.applied().map(|execution| execution.id.as_str()).collect();
    let failed: Vec<_> = report.failed().map(|execution| execution.id.as_str()).collect();
    assert_eq!(applied, ["module:failure:001_before"]);
    assert_eq!(failed, ["module:failure:002_breaks"]);
    assert_eq!(report.not_run(), ["module:failure:003_after"]);
    let last = report.executions().last().unwrap();
    assert_eq!((last.attempts, last.operations.len()), (1, 4));
    assert!(
        matches!(&last.outcome, Outcome::Failed { message, .. } if message == "no accounts for the customers: no transfer: account 7 is overdrawn")
    );
    println!("{report}");
}

#[tokio::test]
async fn the_next_up_retries_and_counts_attempts() {
    let (db, migrator, _) = broken().await;
    migrator.up().await.unwrap_err();
    let failed = record(&db, "module:failure:002_breaks").await.unwrap();
    assert_eq!(failed.get_i64("attempts").unwrap(), 2);
    assert_eq!(steps(&db).await, ["before"]);

    untell(&db, "break").await;
    let report = migrator.up().await.unwrap();
    assert_eq!(report.applied().count(), 2);
    assert_eq!(steps(&db).await, ["before", "breaks", "after"]);
    assert_eq!(count(&db, "half", doc! {}).await, 2);
    let completed = record(&db, "module:failure:002_breaks").await.unwrap();
    assert_eq!(completed.get_str("status").unwrap(), "completed");
    assert_eq!(completed.get_i64("attempts").unwrap(), 3);
    assert_eq!(completed.get_i64("batch").unwrap(), 3);
    assert!(completed.get("error").is_none() && completed.get("errorStack").is_none());
    assert_eq!(history(&db, "module:failure:002_breaks").await, ["failed", "failed", "completed"]);
    assert_eq!(history(&db, "module:failure:001_before").await, ["completed"]);
}

#[migration(id = "001_typed", source = "module:failure-typed")]
async fn typed(tx: &mut Tx) -> Result<(), Overdrawn> {
    tx.kv().set("account", 8).await.unwrap();
    Err(Overdrawn { account: 8 })
}

#[tokio::test]
async fn i6_a_custom_error_can_be_downcast() {
    let db = TestDb::new().await;
    let error = migrator(&db, "module:failure-typed").build().unwrap().up().await.unwrap_err();
    let Error::Failed { source, .. } = &error else { panic!("{error}") };
    assert_eq!(source.downcast_ref::<Overdrawn>(), Some(&Overdrawn { account: 8 }));
    // `source()` leads there, too.
    let cause = std::error::Error::source(&error).unwrap();
    assert_eq!(cause.to_string(), "account 8 is overdrawn");
}

#[migration(id = "001_breaks", source = "module:go-on")]
async fn go_on_breaks(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "breaks").await?;
    anyhow::ensure!(!told(tx, "break").await?, "told to");
    Ok(())
}

#[migration(id = "002_on_it", source = "module:go-on", deps = ["module:go-on:001_breaks"])]
async fn go_on_on_it(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "on it").await?)
}

#[migration(id = "003_beside", source = "module:go-on")]
async fn go_on_beside(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "beside").await?)
}

#[migration(id = "004_on_both", source = "module:go-on", deps = ["module:go-on:002_on_it", "module:go-on:003_beside"])]
async fn go_on_on_both(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "on both").await?)
}

#[tokio::test]
async fn i3_continue_on_error_runs_independent_migrations() {
    let db = TestDb::new().await;
    tell(&db, "break").await;
    let migrator = migrator(&db, "module:go-on").build().unwrap();

    let Err(Error::Failed { report, .. }) = migrator.up().await else { panic!("it did not fail") };
    assert_eq!(report.not_run(), ["module:go-on:002_on_it", "module:go-on:003_beside", "module:go-on:004_on_both"]);
    assert!(steps(&db).await.is_empty());

    let Err(Error::Failed { id, report, .. }) = migrator.up().continue_on_error(true).await else {
        panic!("no failure")
    };
    assert_eq!(id, "module:go-on:001_breaks");
    assert_eq!(report.not_run(), ["module:go-on:002_on_it", "module:go-on:004_on_both"]);
    assert_eq!(report.applied().count(), 1);
    assert_eq!(steps(&db).await, ["beside"]);
    assert_eq!(status(&db, "module:go-on:003_beside").await, "completed");
    assert_eq!(documents(&db, "migrations").await.len(), 2);
    assert!(lease_is_free(&db).await);

    untell(&db, "break").await;
    migrator.up().await.unwrap();
    assert_eq!(steps(&db).await, ["beside", "breaks", "on it", "on both"]);
}
