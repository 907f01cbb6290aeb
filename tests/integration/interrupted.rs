//! Interrupted executions: the next run writes their history entries.

use std::future::IntoFuture;

use mongodb::Database;
use mongodb::bson::{DateTime, Document, doc};
use mongrate::history::Act;
use mongrate::record::RecordStatus;
use mongrate::{Error, Migrator, Registry, Tx, migration};
use mongrate_tests::stored::{history, migrator, status};
use mongrate_tests::{Gate, TestDb};

/// With clients of its own, so that the end of a raw body is known and the lease is released at once.
async fn connected(db: &TestDb, source: &str, actor: &str) -> Migrator {
    let builder = Migrator::connect(db.uri(), db.name()).await.unwrap();
    builder.registry(Registry::linked().source(source)).actor(actor).build().unwrap()
}

/// Runs something until its body is under way, and stops it there.
async fn interrupt(migrator: Migrator, down: bool, runs: &Gate) {
    let run = if down { migrator.down().into_future() } else { migrator.up().into_future() };
    let run = tokio::spawn(run);
    runs.pass().await;
    migrator.shutdown().await;
    assert!(matches!(run.await.unwrap().unwrap_err(), Error::Interrupted { .. }));
}

static UP_RUNS: Gate = Gate::new();
static UP_GOES: Gate = Gate::new();
static DOWN_RUNS: Gate = Gate::new();
static DOWN_GOES: Gate = Gate::new();

#[migration(id = "001_raw", source = "module:interrupted", down = undo)]
async fn raw(_: &Database) -> Result<(), mongrate::Error> {
    UP_RUNS.open();
    UP_GOES.pass().await;
    Ok(())
}

async fn undo(_: &Database) -> Result<(), mongrate::Error> {
    DOWN_RUNS.open();
    DOWN_GOES.pass().await;
    Ok(())
}

#[tokio::test]
async fn i6_the_next_run_writes_the_entry_of_an_interrupted_one() {
    const ID: &str = "module:interrupted:001_raw";
    let db = TestDb::new().await;
    let began = DateTime::now();
    let run = async |actor: &'static str| connected(&db, "module:interrupted", actor).await;
    interrupt(run("ana").await, false, &UP_RUNS).await;
    assert_eq!((status(&db, ID).await.as_str(), history(&db, ID).await.len()), ("running", 0));
    interrupt(run("ben").await, false, &UP_RUNS).await;
    assert_eq!(history(&db, ID).await, ["running"]);
    UP_GOES.open();
    run("cid").await.up().await.unwrap();
    assert_eq!(history(&db, ID).await, ["running", "running", "completed"]);

    let page = run("cid").await.history().migration(ID).await.unwrap();
    let told: Vec<_> = page.entries.iter().rev().map(|entry| (entry.by.clone().unwrap(), entry.attempts)).collect();
    assert_eq!(told, [("ana".to_owned(), 1), ("ben".to_owned(), 2), ("cid".to_owned(), 3)]);
    assert!(page.entries.iter().all(|entry| entry.act == Act::Up && entry.executed_at >= began));
    let batches: Vec<_> = page.entries.iter().rev().map(|entry| entry.batch.unwrap()).collect();
    assert_eq!(batches, [1, 2, 3]);
    assert!(page.entries.is_sorted_by(|newer, older| newer.token > older.token));
    // Three executions, of which two ended nobody knows when.
    let statistics = &run("cid").await.statistics().await.unwrap()[0];
    assert_eq!((statistics.count, statistics.failures), (3, 0));

    let reverting = DateTime::now();
    interrupt(run("dan").await, true, &DOWN_RUNS).await;
    DOWN_GOES.open();
    run("eva").await.down().await.unwrap();
    let page = run("eva").await.history().migration(ID).limit(2).await.unwrap();
    let [reverted, interrupted] = &page.entries[..] else { panic!("{page}") };
    assert_eq!((reverted.status, interrupted.status), (Some(RecordStatus::RolledBack), Some(RecordStatus::Running)));
    assert_eq!((interrupted.act, interrupted.by.as_deref()), (Act::Down, Some("dan")));
    assert!(interrupted.executed_at >= reverting);
}

static MARKED_RUNS: Gate = Gate::new();

#[migration(id = "001_raw", source = "module:interrupted-marked")]
async fn marked(_: &Database) -> Result<(), mongrate::Error> {
    MARKED_RUNS.open();
    std::future::pending().await
}

#[tokio::test]
async fn i6_a_mark_writes_the_entry_of_an_interrupted_run() {
    const ID: &str = "module:interrupted-marked:001_raw";
    let db = TestDb::new().await;
    let run = async || connected(&db, "module:interrupted-marked", "ana").await;
    interrupt(run().await, false, &MARKED_RUNS).await;
    run().await.mark_applied([ID]).await.unwrap();
    let acts: Vec<_> =
        run().await.history().migration(ID).await.unwrap().entries.iter().map(|entry| entry.act).collect();
    assert_eq!(acts, [Act::MarkApplied, Act::Up]);
    assert_eq!(history(&db, ID).await, ["running", "completed"]);
    // Nothing but interrupted executions.
    assert_eq!(run().await.statistics().await.unwrap()[0].mean(), std::time::Duration::ZERO);
}

static ALONE_RUNS: Gate = Gate::new();
static ALONE_GOES: Gate = Gate::new();

#[migration(id = "001_tx", source = "module:interrupted-standalone")]
async fn alone(_: &mut Tx) -> Result<(), mongrate::Error> {
    ALONE_RUNS.open();
    ALONE_GOES.pass().await;
    Ok(())
}

#[tokio::test]
async fn i6_an_interrupted_tx_without_transactions_gets_an_entry() {
    const ID: &str = "module:interrupted-standalone:001_tx";
    let db = TestDb::standalone().await;
    let run = || migrator(&db, "module:interrupted-standalone").build().unwrap();
    interrupt(run(), false, &ALONE_RUNS).await;
    ALONE_GOES.open();
    run().up().only(ID).await.unwrap();
    assert_eq!(history(&db, ID).await, ["running", "completed"]);
}

#[migration(id = "001_a", source = "module:batches")]
async fn first(_: &mut Tx) -> Result<(), mongrate::Error> {
    Ok(())
}

#[migration(id = "002_b", source = "module:batches")]
async fn second(_: &mut Tx) -> Result<(), mongrate::Error> {
    Ok(())
}

#[tokio::test]
async fn a_batch_number_is_never_used_twice() {
    const ID: &str = "module:batches:002_b";
    let db = TestDb::new().await;
    let both = migrator(&db, "module:batches").build().unwrap();
    let one = both.registry().iter().take(1).collect();
    let one = Migrator::builder(db.database().clone()).registry(one).build().unwrap();
    one.up().await.unwrap();
    both.up().await.unwrap();
    let batch = async || {
        let record = db.collection::<Document>("migrations").find_one(doc! { "_id": ID }).await.unwrap().unwrap();
        record.get_i64("batch").unwrap()
    };
    assert_eq!(batch().await, 2);
    one.prune(ID).await.unwrap();
    both.up().await.unwrap();
    assert_eq!(batch().await, 3);
    // What is marked has no number any more.
    both.mark_pending([ID]).await.unwrap();
    both.mark_applied([ID]).await.unwrap();
    both.mark_pending([ID]).await.unwrap();
    both.up().await.unwrap();
    assert_eq!(batch().await, 4);
}
