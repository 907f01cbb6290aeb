//! The same fault at every single command of a run, one after the other: no place is left out because nobody thought
//! of it.

use std::os::unix::process::ExitStatusExt;

use futures_util::{StreamExt, stream};
use mongodb::bson::doc;
use mongrate::Error;
use mongrate_tests::crash::{ALL, EFFECTS, EXACTLY_ONCE, migrator};
use mongrate_tests::stored::{count, history, lease_is_free, status};
use mongrate_tests::{Lost, Proxy, Strike, TestDb, Worker, servers};

use super::{LEASE_MS, SOON, assert_all_applied, assert_all_done, effects, ended, successor, victim};

/// How many cases run at the same time: most of each is waiting.
const AT_ONCE: usize = 12;

/// Every run has at least so many commands.
const FEWEST: usize = 20;

const SIGKILL: i32 = 9;

/// Runs a case for every command of a run.
async fn for_every_command<F: Future<Output = ()>>(case: impl Fn(usize) -> F) {
    let db = TestDb::new().await;
    let (database, commands) = db.replica("counted").await;
    migrator(database, SOON).up().await.unwrap();
    // Some more, since heartbeats may come between.
    let count = commands.take().len() + 2;
    stream::iter(1..=count).map(case).buffer_unordered(AT_ONCE).collect::<()>().await;
}

/// Waits for the end of a worker; it was killed, unless the run has not that many commands.
async fn died(worker: &mut Worker, place: usize) {
    let end = worker.finish().await;
    assert!(place > FEWEST || end.signal() == Some(SIGKILL), "command {place} did not kill the worker: {end}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_killed_before_every_command() {
    for_every_command(|place| async move {
        let db = TestDb::new().await;
        let mut worker = victim(&db, &["die", &format!("command {place}")]);
        died(&mut worker, place).await;
        let report = successor(&db).await.up().await.unwrap();
        let context = format!("killed before command {place}");
        assert_all_applied(&db, &context).await;
        // Who dies when all is done holds the lease until somebody else wants it.
        if !report.is_empty() {
            assert_all_done(&db, &context).await;
        }
    })
    .await;
}

/// The next `down` goes on where the dead one was, and nothing is reverted twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_killed_before_every_command_of_a_down() {
    for_every_command(|place| async move {
        let db = TestDb::new().await;
        let successor = successor(&db).await;
        successor.up().await.unwrap();
        let at = format!("command {place}");
        let mut worker = Worker::start(&["crash-down", db.uri(), db.name(), LEASE_MS, "die", &at]);
        died(&mut worker, place).await;
        let report = successor.down().steps(ALL.len()).await.unwrap();
        let context = format!("killed before command {place} of a down: {report}");
        for id in ALL {
            assert_eq!(status(&db, id).await, "rolled-back", "{id}, {context}");
        }
        for id in EXACTLY_ONCE {
            assert_eq!(effects(&db, id).await, 0, "{id}, {context}");
            assert_eq!(count(&db, EFFECTS, doc! { "reverted": id }).await, 1, "{id}, {context}");
            assert_eq!(history(&db, id).await, ["completed", "rolled-back"], "{id}, {context}");
        }
        assert!(report.is_empty() || lease_is_free(&db).await, "{context}");
    })
    .await;
}

/// Without transactions an execution that was cut off may have had effects. It does not run again by itself; once
/// somebody has looked and said which it is, all is applied once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_killed_before_every_command_without_transactions() {
    for_every_command(|place| async move {
        let db = TestDb::standalone().await;
        let mut worker = victim(&db, &["die", &format!("command {place}")]);
        died(&mut worker, place).await;
        let successor = successor(&db).await;
        let mut result = successor.up().await;
        if let Err(Error::PartiallyApplied { ids }) = &result {
            let [id] = &ids[..] else { panic!("killed before command {place}: {ids:?}") };
            match effects(&db, id).await {
                0 => drop(successor.up().only(id).await.unwrap()),
                _ => drop(successor.mark_applied([id]).because("its effect is there").await.unwrap()),
            }
            result = successor.up().await;
        }
        let report = result.unwrap();
        let status = successor.status().await.unwrap();
        assert_eq!(status.pending().count(), 0, "killed before command {place}: {status}");
        assert!(report.is_empty() || status.holder().is_none(), "killed before command {place}: {status}");
        for id in EXACTLY_ONCE {
            assert_eq!(effects(&db, id).await, 1, "{id}, killed before {place}: {report}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_paused_before_every_command() {
    for_every_command(|place| async move {
        let db = TestDb::new().await;
        let mut worker = victim(&db, &["pause", &format!("command {place}")]);
        let said = worker.line().await.unwrap();
        if said.starts_with("halted") {
            worker.paused().await;
            successor(&db).await.up().await.unwrap();
            worker.cont();
            let end = ended(&mut worker).await;
            assert!(end == "ok" || end.starts_with("LeaseLost"), "paused before command {place}: {end}");
        } else {
            // It has not that many commands, or has lost its lease before, on a machine that is busy.
            worker.finish().await;
            assert!(said == "ended ok" || said.starts_with("applied") || said.contains("LeaseLost"), "{place}: {said}");
            successor(&db).await.up().await.unwrap();
        }
        assert_all_done(&db, &format!("paused before command {place}")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_the_reply_to_every_command_is_lost() {
    for_every_command(|place| lost(place, Lost::Reply, true)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_the_reply_to_every_command_is_lost_without_retries() {
    for_every_command(|place| lost(place, Lost::Reply, false)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_every_command_is_lost_without_retries() {
    for_every_command(|place| lost(place, Lost::Request, false)).await;
}

/// The run goes on, or fails and leaves the lease free, so that the next one goes on at once.
async fn lost(place: usize, lost: Lost, retries: bool) {
    let db = TestDb::new().await;
    let port = servers::replica_set().await.members()[0].port();
    let proxy = Proxy::to(port, Strike::Any(place..=place), lost).await;
    let uri = format!("{}&retryWrites={retries}&retryReads={retries}", proxy.uri());
    let database = mongodb::Client::with_uri_str(&uri).await.unwrap().database(db.name());
    let result = migrator(database, SOON).up().await;

    let commands = proxy.commands();
    let struck = commands.get(place - 1).map_or("nothing", String::as_str);
    let context = format!("{lost:?} of {place} ({struck}) with retries {retries}: {:?}", result.as_ref().err());
    println!("{context}");
    let status = successor(&db).await.status().await.unwrap();
    assert!(status.holder().is_none(), "the lease is still held, {context}");
    if let Err(error) = result {
        assert!(!retries || ["create", "createIndexes"].contains(&struck), "{context}");
        assert!(matches!(error, Error::Failed { .. } | Error::Unreachable { .. }), "{context}");
        successor(&db).await.up().await.unwrap();
    }
    assert_all_done(&db, &context).await;
}
