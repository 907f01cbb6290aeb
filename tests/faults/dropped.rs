//! Runs whose future is dropped before `main` returns.

use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use mongrate::{Migrator, Registry};
use mongrate_tests::stored::{can_be_written, lease_is_free, status};
use mongrate_tests::{TestDb, Worker};

use super::{SOON, count};

/// Starts a process that drops its run and ends. Returns its database, and how long dropping took.
async fn left_by(runtime: &str, handle: &str, kind: &str) -> (TestDb, Duration) {
    let db = TestDb::new().await;
    let things = (1..=60).map(|n| doc! { "_id": n, "n": 0 });
    db.collection::<Document>("things").insert_many(things).await.unwrap();
    let mut worker = Worker::start(&["dropped", runtime, handle, kind, db.uri(), db.name()]);
    let line = worker.line().await.expect("it has not dropped its run");
    let took = line.strip_prefix("dropped ").and_then(|took| took.parse().ok()).unwrap_or_else(|| panic!("{line}"));
    assert!(worker.finish().await.success());
    let took = Duration::from_millis(took);
    println!("dropping took {took:?}");
    // Two seconds, plus time for a slow machine.
    assert!(took < Duration::from_secs(4), "{took:?}");
    (db, took)
}

async fn assert_nothing_is_left(db: &TestDb) {
    assert!(lease_is_free(db).await);
    can_be_written(db, "things").await;
    assert_eq!(count(db, "things", doc! { "n": 0 }).await, 60);
    assert_eq!(count(db, "migrations", doc! {}).await, 0);
}

#[tokio::test]
async fn i6_dropped_on_a_multi_thread_runtime() {
    for handle in ["brought", "connect"] {
        let (db, _) = left_by("multi", handle, "tx").await;
        assert_nothing_is_left(&db).await;
    }
}

#[tokio::test]
async fn i6_dropped_on_a_current_thread_runtime_that_was_connected() {
    let (db, _) = left_by("current", "connect", "tx").await;
    assert_nothing_is_left(&db).await;
}

/// The run cannot continue while the only thread is in the destructor, so its lease and transaction remain as after a crash.
#[tokio::test]
async fn i6_dropped_on_a_current_thread_runtime_with_a_supplied_handle() {
    let (db, took) = left_by("current", "brought", "tx").await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(!lease_is_free(&db).await);
    // Until the next process takes over.
    let began = Instant::now();
    let next = super::successor(&db).await;
    next.up().await.unwrap();
    println!("taken over after {:?}", began.elapsed());
    assert!(began.elapsed() < SOON * 2, "{:?}", began.elapsed());
    can_be_written(&db, "things").await;
    assert_eq!(count(&db, "things", doc! { "n": 0 }).await, 60);
}

/// The commands of the body end before the lease is released.
#[tokio::test]
async fn i6_dropped_in_a_raw_call() {
    for runtime in ["multi", "current"] {
        let (db, _) = left_by(runtime, "connect", "raw").await;
        let left = count(&db, "things", doc! { "n": 0 }).await;
        assert!(left > 0, "the call was not cut off");
        assert!(lease_is_free(&db).await, "{runtime}");
        super::leftovers::assert_nothing_runs(&db, "things").await;
        assert_eq!(count(&db, "things", doc! { "n": 0 }).await, left, "{runtime}");
        assert_eq!(status(&db, "module:dropped-raw:001_slow").await, "running");
        let registry = Registry::linked().source("module:dropped-raw");
        let status =
            Migrator::builder(db.database().clone()).registry(registry).build().unwrap().status().await.unwrap();
        assert!(status.holder().is_none(), "{status}");
    }
}
