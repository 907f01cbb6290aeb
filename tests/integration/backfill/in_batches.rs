//! Batches that a function of the migration changes in their transaction.

use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongrate::{Backfill, Error, Migrator, Registry, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::count;

const SOURCE: &str = "module:in-batches";
const MANY: i64 = 12_000;

/// Moves events. The document of each move has no `_id` of its own, so that a second one would be counted.
#[migration(id = "001_archive", source = "module:in-batches")]
async fn archive(backfill: &mut Backfill) -> Result<(), Error> {
    backfill.collection("events").filter(doc! { "old": true }).skip_failed(1).in_batches(move_to_archive).await
}

async fn move_to_archive(events: Vec<Document>, tx: Tx) -> Result<(), anyhow::Error> {
    let archive = tx.collection::<Document>("archive");
    archive.insert_many(events.iter().map(|event| doc! { "of": event.get("_id") })).await?;
    let ids: Vec<_> = events.iter().filter_map(|event| event.get("_id")).collect();
    tx.collection::<Document>("events").delete_many(doc! { "_id": { "$in": ids } }).await?;
    anyhow::ensure!(!events.iter().any(|event| event.contains_key("stuck")), "it is stuck");
    Ok(())
}

/// Ignores that the server refuses a document.
#[migration(id = "002_careless", source = "module:in-batches", deps = ["module:in-batches:001_archive"])]
async fn careless(backfill: &mut Backfill) -> Result<(), Error> {
    let change = |_: Vec<Document>, tx: Tx| async move {
        tx.collection("moves").insert_one(doc! {}).await?;
        let _ = tx.collection("archive").insert_one(doc! { "_id": "taken" }).await;
        Ok::<_, Error>(())
    };
    backfill.collection("taken").in_batches(change).await
}

fn migrator(db: &TestDb) -> Migrator {
    let builder = Migrator::builder((**db).clone()).registry(Registry::linked().source(SOURCE)).assume_new();
    builder.lease(Duration::from_secs(2)).build().unwrap()
}

async fn filled() -> TestDb {
    let db = TestDb::new().await;
    let events = (0..MANY).map(|id| doc! { "_id": id, "old": id % 3 > 0 });
    db.collection::<Document>("events").insert_many(events).await.unwrap();
    db
}

/// The numbers of events that are left, that were moved, and of moves.
async fn counts(db: &TestDb) -> (u64, usize, u64) {
    let moved = db.collection::<Document>("archive").distinct("of", doc! { "of": { "$exists": true } }).await.unwrap();
    (count(db, "events", doc! {}).await, moved.len(), count(db, "archive", doc! { "of": { "$exists": true } }).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_each_document_is_handed_over_once_by_all_processes_together() {
    let db = filled().await;
    let archive = format!("{SOURCE}:001_archive");
    let migrators: Vec<_> = (0..3).map(|_| migrator(&db)).collect();
    let runs = migrators.iter().map(|one| one.up().only(&archive).into_future());
    let reports = futures_util::future::try_join_all(runs).await.unwrap();
    let applied = reports.iter().flat_map(mongrate::Report::applied).collect::<Vec<_>>();
    assert_eq!((applied.len(), applied[0].operations[0].counts.modified), (1, 8_000));
    assert_eq!(counts(&db).await, (4_000, 8_000, 8_000));
}

#[tokio::test]
async fn i1_a_batch_that_fails_leaves_nothing_and_is_narrowed_down() {
    let db = filled().await;
    let stuck = doc! { "_id": { "$in": [7, 8] } };
    db.collection::<Document>("events").update_many(stuck.clone(), doc! { "$set": { "stuck": true } }).await.unwrap();
    let error = migrator(&db).up().await.unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("_id 8 (1 skipped before): it is stuck"), "{error}");
    let skipped = migrator(&db).skipped(format!("{SOURCE}:001_archive")).await.unwrap();
    println!("{skipped:?}");
    assert_eq!((skipped.len(), count(&db, "events", stuck.clone()).await), (1, 2));
    db.collection::<Document>("events").update_many(stuck, doc! { "$unset": { "stuck": 1 } }).await.unwrap();
    migrator(&db).up().await.unwrap();
    assert_eq!(counts(&db).await, (4_000, 8_000, 8_000));
}

#[tokio::test]
async fn i1_an_error_that_the_function_ignores_fails_the_batch() {
    let db = TestDb::new().await;
    db.collection("taken").insert_one(doc! { "_id": 1 }).await.unwrap();
    db.collection("archive").insert_one(doc! { "_id": "taken" }).await.unwrap();
    let error = migrator(&db).up().await.unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("_id 1: E11000 duplicate key"), "{error}");
    assert_eq!((count(&db, "moves", doc! {}).await, count(&db, "archive", doc! {}).await), (0, 1));
}

/// Panics before its future is made.
#[migration(id = "003_panics", source = "module:in-batches-panics")]
async fn panics(backfill: &mut Backfill) -> Result<(), Error> {
    let change = |events: Vec<Document>, _: Tx| {
        assert!(events.is_empty(), "on a lamp post");
        async { Ok::<_, Error>(()) }
    };
    backfill.collection("taken").in_batches(change).await
}

/// Takes longer than a batch may.
#[migration(id = "001_hangs", source = "module:in-batches-hangs")]
async fn hangs(backfill: &mut Backfill) -> Result<(), Error> {
    let change = |_: Vec<Document>, tx: Tx| async move {
        tx.collection("moves").insert_one(doc! {}).await?;
        std::future::pending::<Result<(), Error>>().await
    };
    backfill.collection("taken").in_batches(change).await
}

#[tokio::test]
async fn i6_a_function_that_panics_or_hangs_fails_the_migration() {
    let db = TestDb::new().await;
    db.collection("taken").insert_one(doc! { "_id": 1 }).await.unwrap();
    for (name, told) in [
        ("panics", "_id 1: the migration panicked: on a lamp post"),
        ("hangs", "_id 1: the function took longer than 1.0 s, which is the limit of a batch"),
    ] {
        let registry = Registry::linked().source(&format!("{SOURCE}-{name}"));
        let builder = Migrator::builder((*db).clone()).registry(registry).assume_new();
        let error = builder.lease(Duration::from_secs(2)).build().unwrap().up().await.unwrap_err();
        println!("{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
    assert_eq!(count(&db, "moves", doc! {}).await, 0);
    // No transaction was left open.
    db.collection::<Document>("taken").update_one(doc! { "_id": 1 }, doc! { "$set": { "n": 1 } }).await.unwrap();
}

/// A dry run hands over the first documents, and rolls back.
#[tokio::test]
async fn i4_a_dry_run_moves_nothing() {
    let db = filled().await;
    let report = migrator(&db).up().dry_run(true).await.unwrap();
    println!("{report}");
    let operation = &report.executions().next().unwrap().operations[0];
    assert_eq!((operation.counts.modified, operation.samples[0].after.clone()), (1, None));
    assert_eq!(counts(&db).await, (MANY.unsigned_abs(), 0, 0));
}
