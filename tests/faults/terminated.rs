//! Processes that receive SIGTERM.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use mongrate_tests::crash::{ALL, EFFECTS, restructure};
use mongrate_tests::stored::{lease_is_free, record};
use mongrate_tests::{FailPoint, TestDb, Worker, eventually, servers, under_way};

use super::builds::{builds_of, joined_by};
use super::restructure as restructured;
use super::{LEASE_MS, applied, assert_all_done, count, effects, ended, settle_by_hand, successor};

const SIGTERM: i32 = 15;

/// A lease that is much longer than the test.
const LONG_LEASE_MS: &str = "600000";

/// Number of commits: one for each `Tx` migration, three for the `Schema` one with two operations, and two for the raw one.
const LAST_COMMIT: &str = "commitTransaction 7";

#[tokio::test]
async fn i6_terminated_in_a_body_leaves_nothing_and_frees_the_lease_at_once() {
    let db = TestDb::new().await;
    let mut worker = Worker::start(&["crash", db.uri(), db.name(), LONG_LEASE_MS, "nap", "body 001_first"]);
    assert_eq!(worker.line().await.as_deref(), Some("halted at body 001_first"));
    worker.terminate();
    assert_eq!(worker.line().await, Some(format!("stopped {}", ALL[0])));
    assert!(ended(&mut worker).await.starts_with("Interrupted"));
    assert_eq!(effects(&db, ALL[0]).await, 0);
    assert_eq!(count(&db, "migrations", doc! {}).await, 0);
    assert!(successor(&db).await.status().await.unwrap().holder().is_none());

    let began = Instant::now();
    assert_eq!(applied(&successor(&db).await.up().await.unwrap()), ALL);
    assert!(began.elapsed() < Duration::from_secs(30), "waited for the lease of a process that had released it");
    assert_all_done(&db, "terminated in a body").await;
}

/// Effects outside of transactions stay, and the next run runs the migration again.
async fn terminated_outside_a_transaction(position: &str, begun: usize, lease_ms: &str) -> TestDb {
    let db = TestDb::new().await;
    let mut worker = Worker::start(&["crash", db.uri(), db.name(), lease_ms, "nap", position]);
    assert_eq!(worker.line().await, Some(format!("halted at {position}")));
    worker.terminate();
    assert_eq!(worker.line().await, Some(format!("stopped {}", ALL[begun])));
    assert!(ended(&mut worker).await.starts_with("Interrupted"));
    assert_eq!(count(&db, "migrations", doc! { "_id": ALL[begun], "status": "completed" }).await, 0);

    let since = Instant::now();
    assert_eq!(applied(&successor(&db).await.up().await.unwrap()), ALL[begun..]);
    assert!(since.elapsed() < Duration::from_secs(30), "took {:?}", since.elapsed());
    assert_all_done(&db, position).await;
    db
}

/// Nobody awaits a run of the admin, so that its error ends nothing.
#[tokio::test]
async fn i6_a_service_without_signal_handlers_ends_after_the_run_of_its_admin_has_stopped() {
    let db = TestDb::new().await;
    let mut worker = Worker::start(&["administered", db.uri(), db.name(), "nap", "body 001_first"]);
    let mut lines = [worker.line().await.unwrap(), worker.line().await.unwrap()];
    lines.sort();
    assert_eq!(lines, ["halted at body 001_first", "started 202 Accepted"]);
    let began = Instant::now();
    worker.terminate();
    assert_eq!(worker.finish().await.signal(), Some(SIGTERM));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert!(lease_is_free(&db).await);
    assert_eq!(effects(&db, ALL[0]).await, 0);
    assert_eq!(count(&db, "migrations_history", doc! { "act": "run", "status": "running" }).await, 1);
    assert_eq!(applied(&successor(&db).await.up().await.unwrap()), ALL);
}

#[tokio::test]
async fn i6_terminated_in_a_schema_body_frees_the_lease_at_once() {
    terminated_outside_a_transaction("body 002_schema", 1, LONG_LEASE_MS).await;
}

#[tokio::test]
async fn i6_terminated_in_a_raw_body_runs_again() {
    let db = terminated_outside_a_transaction("body 003_raw", 2, LEASE_MS).await;
    assert_eq!(effects(&db, ALL[2]).await, 2);
}

/// The build continues, and the lease is released. The next run joins the build.
#[tokio::test]
async fn i6_terminated_during_an_index_build_leaves_it_to_the_next() {
    let server = servers::builder().start().await.unwrap();
    let db = TestDb::on(&server).await;
    let hangs = FailPoint::named("hangAfterStartingIndexBuild", "alwaysOn", db.uri(), doc! {}).await;
    let mut worker = Worker::start(&["crash", db.uri(), db.name(), LONG_LEASE_MS]);
    let build = joined_by(&db, 1).await;
    worker.terminate();
    let end = ended(&mut worker).await;
    assert!(end.starts_with("Interrupted"), "{end}");
    assert!(lease_is_free(&db).await);

    let next = successor(&db).await;
    let run = tokio::spawn(next.up().into_future());
    assert_eq!(joined_by(&db, 2).await, build);
    drop(hangs);
    run.await.unwrap().unwrap();
    assert_eq!(builds_of(&db, EFFECTS).await, ["startIndexBuild effects", "commitIndexBuild effects"]);
    assert_all_done(&db, "terminated during an index build").await;
}

/// The waiting command is ended with the run, so that it has no effect later. It is in doubt, and the next run settles it.
#[tokio::test]
async fn i6_terminated_while_a_rename_waits_for_an_open_transaction() {
    let db = TestDb::new().await;
    let orders = restructure::prepare(&db).await;
    let mut session = db.client().start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    let touch = doc! { "$set": { "touched": true } };
    db.collection::<Document>("orders").update_one(doc! {}, touch).session(&mut session).await.unwrap();

    let renames = doc! { "command.renameCollection": format!("{}.orders", db.name()) };
    let mut worker = Worker::start(&["restructure", db.uri(), db.name(), LONG_LEASE_MS]);
    eventually("the rename", async || (under_way::operations(&db, renames.clone()).await.len() == 1).then_some(()))
        .await;
    worker.terminate();
    let end = ended(&mut worker).await;
    assert!(end.starts_with("Interrupted"), "{end}");
    assert!(lease_is_free(&db).await);
    assert_eq!(under_way::operations(&db, renames).await, Vec::<Document>::new());
    session.commit_transaction().await.unwrap();
    assert_eq!(restructure::uuid(&db, "orders").await, orders);
    let record = record(&db, restructure::ID).await.unwrap();
    let log = record.get_document("log").unwrap().get_array("ops").unwrap();
    let [first, last] = &log[..] else { panic!("{log:?}") };
    assert!(first.as_document().unwrap().contains_key("result"), "{log:?}");
    assert!(!last.as_document().unwrap().contains_key("result"), "{log:?}");

    restructured::successor(&db).await.up().await.unwrap();
    restructured::assert_all_once(&db, "terminated").await;
    restructure::assert_restructured(&db, &orders, "terminated").await;
    restructured::assert_ended(&db, "completed", "terminated").await;
}

/// It is unknown how much was done, so no run continues until an operator has decided.
#[tokio::test]
async fn i6_terminated_in_a_body_without_transactions_is_partially_changed() {
    let db = TestDb::standalone().await;
    let mut worker = Worker::start(&["crash", db.uri(), db.name(), LONG_LEASE_MS, "nap", "body 001_first"]);
    assert_eq!(worker.line().await.as_deref(), Some("halted at body 001_first"));
    worker.terminate();
    assert_eq!(worker.line().await, Some(format!("stopped {}", ALL[0])));
    assert!(ended(&mut worker).await.starts_with("Interrupted"));
    let successor = successor(&db).await;
    assert!(successor.status().await.unwrap().holder().is_none());
    settle_by_hand(&db, &successor).await;
}

/// The handler has replaced the default action of the signal, so the caller must learn of the signal from the result.
#[tokio::test]
async fn terminated_too_late_to_stop_anything_is_still_reported() {
    let db = TestDb::new().await;
    let mut worker = Worker::start(&["crash", db.uri(), db.name(), LONG_LEASE_MS, "tell", LAST_COMMIT]);
    assert!(ended(&mut worker).await.starts_with("Interrupted"));
    assert_all_done(&db, "terminated while the last migration commits").await;
}

#[tokio::test]
async fn terminated_after_a_run_ends_as_without_one() {
    let db = TestDb::new().await;
    let mut worker = Worker::start(&["linger", db.uri(), db.name()]);
    assert_eq!(worker.line().await.as_deref(), Some("lingers"));
    worker.terminate();
    assert_eq!(worker.finish().await.signal(), Some(SIGTERM));
    assert_all_done(&db, "terminated after a run").await;
}
