//! Backfills: large collections, changed in batches, each document once.

use std::time::Duration;

use mongodb::bson::doc;
use mongrate::migration::State;
use mongrate::{Migrator, Registry};
use mongrate_tests::TestDb;
use mongrate_tests::crash::backfill::{ID, MANY, SOURCE, assert_once, fill, migrator};
use mongrate_tests::stored::count;

fn quick(db: &TestDb) -> Migrator {
    migrator((**db).clone(), Duration::from_secs(2))
}

#[tokio::test]
async fn i1_a_small_collection_is_changed_at_once() {
    let db = TestDb::new().await;
    fill(&db, 3_000).await;
    let report = quick(&db).up().background(true).await.unwrap();
    println!("{report}");
    assert_eq!(report.applied().count(), 3);
    assert_eq!(report.applied().next().unwrap().operations[0].counts.modified, 3_000);
    assert_once(&db, 3_000, "small").await;
    assert_eq!(count(&db, "migrations_ranges", doc! {}).await, 0);
}

#[tokio::test]
async fn a_collection_that_is_missing_is_completed() {
    let db = TestDb::new().await;
    let report = quick(&db).up().await.unwrap();
    assert_eq!(report.applied().count(), 3);
    assert_once(&db, 0, "missing").await;
}

#[tokio::test]
async fn i1_a_large_collection_is_changed_once_and_dependents_wait() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let started = quick(&db).up().background(true).await.unwrap();
    println!("{started}");
    assert_eq!(started.underway(), [ID]);
    assert_eq!((count(&db, "log", doc! {}).await, count(&db, "migrations_ranges", doc! {}).await), (1, 16));
    let open = quick(&db).backfills().await.unwrap();
    println!("{open:?}");
    assert_eq!((open.len(), open[0].documents, open[0].scanned, open[0].ranges), (1, 12_000, 0, 16));
    assert_eq!((open[0].state, open[0].workers.len()), (State::Underway, 0));
    let again = quick(&db).up().background(true).await.unwrap();
    println!("{again}");
    assert_eq!((again.executions().count(), again.underway()), (0, vec![ID.to_owned()]));
    let report = quick(&db).up().await.unwrap();
    println!("{report}");
    assert_eq!(report.applied().count(), 2);
    assert!(quick(&db).backfills().await.unwrap().is_empty());
    assert_once(&db, MANY, "large").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_several_processes_share_the_work() {
    let db = TestDb::new().await;
    fill(&db, 3 * MANY).await;
    let migrators: Vec<_> = (0..4).map(|_| quick(&db)).collect();
    let reports = futures_util::future::try_join_all(migrators.iter().map(|one| one.up().into_future())).await.unwrap();
    assert_eq!(reports.iter().flat_map(mongrate::Report::applied).count(), 3);
    assert_once(&db, 3 * MANY, "shared").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i6_a_boot_starts_a_backfill_and_works_on_it_afterwards() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let builder = || Migrator::builder((*db).clone()).registry(Registry::linked().source(SOURCE)).assume_new();
    let off = builder().boot().variables(|name| (name == "MONGRATE_BACKFILLS").then_some("off")).await.unwrap();
    assert_eq!(off.report().unwrap().underway(), [ID]);
    assert_eq!((count(&db, "log", doc! {}).await, count(&db, "orders", doc! { "n": 1 }).await), (1, 0));
    let nothing = |_: &str| None::<String>;
    let mut booted = builder().boot().variables(nothing).await.unwrap();
    assert_eq!(booted.report().unwrap().underway(), [ID]);
    booted.backfilled().await;
    assert_once(&db, MANY, "in the background").await;
    // A boot with nothing pending.
    let booted = builder().boot().variables(nothing).await.unwrap();
    assert!(booted.report().unwrap().underway().is_empty());
}
