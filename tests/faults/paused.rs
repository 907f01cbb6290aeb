//! Processes that are paused with SIGSTOP, and resume after another one has taken over.

use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use mongrate::Error;
use mongrate_tests::crash::ALL;
use mongrate_tests::{FailPoint, TestDb, Worker, eventually};
use tokio::time::sleep;

use super::{SOON, applied, assert_all_done, effects, ended, paused_at, settle_by_hand, successor, token};

/// The process is paused in its first body, with an open transaction.
#[tokio::test]
async fn i2_paused_in_a_body_past_its_lease() {
    past_its_lease("body 001_first").await;
}

/// The transaction has written the record and the history, but not the fence: nothing blocks the successor.
#[tokio::test]
async fn i2_paused_before_the_fence() {
    past_its_lease("tx update migrations_lock 1").await;
}

/// The transaction has written the fence: the successor ends the transaction and continues.
#[tokio::test]
async fn i2_paused_between_fence_and_commit() {
    past_its_lease("commitTransaction 1").await;
}

/// The server is processing the commit when the process is paused. Whether the commit succeeds or the successor ends it, the
/// migration takes effect once.
#[tokio::test]
async fn i1_paused_while_the_server_commits() {
    let db = TestDb::new().await;
    let mut stale = paused_at(&db, "commitTransaction 1").await;
    let slow = doc! { "failCommands": ["commitTransaction"], "blockConnection": true, "blockTimeMS": 5_000 };
    let fail_point = FailPoint::times(1, &db, slow).await;
    stale.cont();
    let admin = db.client().database("admin");
    eventually("the commit to be under way", async || {
        let ours = doc! { "$match": { "appName": db.app_name(), "command.commitTransaction": 1 } };
        let mut operations = admin.aggregate([doc! { "$currentOp": {} }, ours]).await.unwrap();
        operations.advance().await.unwrap().then_some(())
    })
    .await;
    stale.stop();
    stale.paused().await;

    let began = Instant::now();
    successor(&db).await.up().await.unwrap();
    assert!(began.elapsed() < SOON, "took {:?}", began.elapsed());
    drop(fail_point);
    stale.cont();
    let end = ended(&mut stale).await;
    assert!(end.starts_with("LeaseLost"), "{end}");
    assert_all_done(&db, "paused while the server commits").await;
}

/// The successor repeats what runs outside transactions. When the first process resumes in its body, the next call is refused,
/// because it could undo later changes.
#[tokio::test]
async fn i2_paused_in_a_schema_body_past_its_lease() {
    let db = TestDb::new().await;
    let mut stale = paused_at(&db, "body 002_schema").await;
    assert_eq!(applied(&successor(&db).await.up().await.unwrap()), ALL[1..]);
    db.collection::<Document>("shelf").drop().await.unwrap();
    stale.cont();
    let end = ended(&mut stale).await;
    assert!(end.starts_with("LeaseLost"), "{end}");
    assert!(!db.list_collection_names().await.unwrap().contains(&"shelf".to_owned()));
    assert_all_done(&db, "paused in a schema body").await;
}

/// A driver handle checks nothing, so further calls of the first process take effect, but it records nothing.
#[tokio::test]
async fn i2_paused_in_a_raw_body_past_its_lease() {
    let db = TestDb::new().await;
    let mut stale = paused_at(&db, "body 003_raw").await;
    assert_eq!(applied(&successor(&db).await.up().await.unwrap()), ALL[2..]);
    stale.cont();
    let end = ended(&mut stale).await;
    assert!(end.starts_with("LeaseLost"), "{end}");
    assert_eq!(effects(&db, ALL[2]).await, 2);
    assert_all_done(&db, "paused in a raw body").await;
}

/// Without transactions, the effect stays, and the next run does not continue automatically. The first process neither continues
/// its body nor records that it is completed.
#[tokio::test]
async fn i2_paused_in_a_body_without_transactions_past_its_lease() {
    let db = TestDb::standalone().await;
    let mut stale = paused_at(&db, "body 001_first").await;
    let successor = successor(&db).await;
    let error = successor.up().await.unwrap_err();
    assert!(matches!(error, Error::PartiallyApplied { .. }), "{error:?}");
    stale.cont();
    let end = ended(&mut stale).await;
    assert!(end.starts_with("LeaseLost"), "{end}");
    settle_by_hand(&db, &successor).await;
}

#[tokio::test]
async fn paused_shorter_than_the_lease() {
    let db = TestDb::new().await;
    let mut worker = Worker::start(&["crash", db.uri(), db.name(), "6000", "pause", "body 001_first"]);
    worker.line().await.unwrap();
    worker.paused().await;
    sleep(Duration::from_secs(1)).await;
    worker.cont();
    assert_eq!(ended(&mut worker).await, "ok");
    assert_all_done(&db, "paused shortly").await;
    assert_eq!(token(&db).await, 1);
}

/// Nobody has taken over, but the process cannot know that: it stops, and releases the lease.
#[tokio::test]
async fn i6_paused_past_its_lease_with_nobody_waiting() {
    let db = TestDb::new().await;
    let mut worker = paused_at(&db, "tx update migrations_lock 1").await;
    sleep(Duration::from_secs(2)).await;
    worker.cont();
    let end = ended(&mut worker).await;
    assert!(end.starts_with("LeaseLost"), "{end}");
    assert_eq!(effects(&db, ALL[0]).await, 0);
    assert!(successor(&db).await.status().await.unwrap().holder().is_none());

    let began = Instant::now();
    successor(&db).await.up().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "the lease was not free: {:?}", began.elapsed());
    assert_all_done(&db, "paused").await;
}

/// The first process resumes during the run of the second one. Its release must not affect the lease of the other.
#[tokio::test]
async fn i2_a_stale_holder_leaves_the_new_lease_alone() {
    let db = TestDb::new().await;
    let mut stale = paused_at(&db, "body 001_first").await;
    let mut next = paused_at(&db, "body 003_raw").await;
    stale.cont();
    let end = ended(&mut stale).await;
    assert!(end.starts_with("LeaseLost"), "{end}");
    stale.finish().await;
    let status = successor(&db).await.status().await.unwrap();
    assert_eq!(status.holder().map(|holder| holder.pid), Some(i64::from(next.pid())));

    next.cont();
    // It may have lost its own lease by expiry on a slow machine, but nobody must have taken it away.
    ended(&mut next).await;
    successor(&db).await.up().await.unwrap();
    assert_all_done(&db, "a stale release").await;
}

async fn past_its_lease(position: &str) {
    let db = TestDb::new().await;
    let mut stale = paused_at(&db, position).await;
    let began = Instant::now();
    assert_eq!(applied(&successor(&db).await.up().await.unwrap()), ALL);
    assert!(began.elapsed() < SOON, "took {:?}", began.elapsed());

    stale.cont();
    let end = ended(&mut stale).await;
    assert!(end.starts_with("LeaseLost"), "{end}");
    assert_all_done(&db, position).await;
}
