//! The future of a run is dropped, and `main` returns.

use std::time::{Duration, Instant};

use mongodb::bson::Document;
use mongodb::bson::doc;
use mongrate_tests::stored::{can_be_written, lease_is_free};
use mongrate_tests::{TestDb, Worker, dropped};

use super::{SOON, count};

/// A process that has dropped its run, and ended. The database is in the state that it has left; the second value is how
/// long dropping took.
async fn left_by(arguments: &[&str]) -> (TestDb, Duration) {
    let db = TestDb::new().await;
    db.collection::<Document>("things").insert_one(doc! { "_id": 1, "n": 0 }).await.unwrap();
    let mut worker = Worker::start(&[arguments, &[db.uri(), db.name()]].concat());
    assert_eq!(worker.line().await.as_deref(), Some("hangs"));
    let line = worker.line().await.expect("it has not dropped its run");
    let took = line.strip_prefix("dropped ").and_then(|took| took.parse().ok()).unwrap_or_else(|| panic!("{line}"));
    assert!(worker.finish().await.success());
    (db, Duration::from_millis(took))
}

async fn assert_nothing_is_left(db: &TestDb, took: Duration) {
    println!("dropping took {took:?}");
    assert!(lease_is_free(db).await);
    can_be_written(db, "things").await;
    assert_eq!(count(db, "things", doc! { "n": 0 }).await, 1);
    assert_eq!(count(db, "migrations", doc! {}).await, 0);
    // Two seconds, and a slow machine.
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[tokio::test]
async fn i6_dropped_on_a_multi_thread_runtime() {
    let (db, took) = left_by(&["dropped", "multi"]).await;
    assert_nothing_is_left(&db, took).await;
}

/// Nothing can run while the only thread is in the destructor, so the lease and the transaction stay behind as after a crash.
#[tokio::test]
async fn i6_dropped_on_a_current_thread_runtime_with_a_handle_that_was_brought() {
    let (db, took) = left_by(&["dropped", "current"]).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(!lease_is_free(&db).await);
    // Until somebody takes over.
    let began = Instant::now();
    let next = super::successor(&db).await;
    next.up().await.unwrap();
    println!("taken over after {:?}", began.elapsed());
    assert!(began.elapsed() < SOON * 2, "{:?}", began.elapsed());
    can_be_written(&db, "things").await;
    assert_eq!(count(&db, "things", doc! { "n": 0 }).await, 1);
    let _ = dropped::SOURCE;
}
