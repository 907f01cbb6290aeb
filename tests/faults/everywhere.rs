//! The same fault at every single command of a run, one after the other.

use std::os::unix::process::ExitStatusExt;

use futures_util::{StreamExt, stream};
use mongodb::bson::doc;
use mongrate::Error;
use mongrate_tests::crash::{ALL, EFFECTS, EXACTLY_ONCE, migrator};
use mongrate_tests::stored::{count, history, lease_is_free, status};
use mongrate_tests::{Lost, Proxy, Strike, TestDb, Worker, servers};

use super::{LEASE_MS, SOON, assert_all_applied, assert_all_done, effects, ended, successor, victim};

/// Number of concurrent cases, which mostly wait.
const AT_ONCE: usize = 12;

/// Minimum number of commands in a run.
const FEWEST: usize = 20;

const SIGKILL: i32 = 9;

/// Runs a case for every command of a run.
async fn for_every_command<F: Future<Output = ()>>(case: impl Fn(usize) -> F) {
    let db = TestDb::new().await;
    let (database, commands) = db.replica("counted").await;
    migrator(database, SOON).up().await.unwrap();
    // Some more, since there may be additional heartbeats.
    let count = commands.take().len() + 2;
    stream::iter(1..=count).map(case).buffer_unordered(AT_ONCE).collect::<()>().await;
}

/// Waits for the end of a worker, which was killed unless the run has fewer commands.
async fn died(worker: &mut Worker, position: usize) {
    let end = worker.finish().await;
    assert!(position > FEWEST || end.signal() == Some(SIGKILL), "command {position} did not kill the worker: {end}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_killed_before_every_command() {
    for_every_command(|position| async move {
        let db = TestDb::new().await;
        let mut worker = victim(&db, &["die", &format!("command {position}")]);
        died(&mut worker, position).await;
        let report = successor(&db).await.up().await.unwrap();
        let context = format!("killed before command {position}");
        assert_all_applied(&db, &context).await;
        // A process that dies at the end holds the lease until another one takes over.
        if !report.is_empty() {
            assert_all_done(&db, &context).await;
        }
    })
    .await;
}

/// The next `down` continues where the first one died, and reverts nothing twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_killed_before_every_command_of_a_down() {
    for_every_command(|position| async move {
        let db = TestDb::new().await;
        let successor = successor(&db).await;
        successor.up().await.unwrap();
        let at = format!("command {position}");
        let mut worker = Worker::start(&["crash-down", db.uri(), db.name(), LEASE_MS, "die", &at]);
        died(&mut worker, position).await;
        let report = successor.down().steps(ALL.len()).await.unwrap();
        let context = format!("killed before command {position} of a down: {report}");
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

/// Without transactions, an interrupted execution may have had effects and does not run again automatically. Once an operator has
/// marked it, everything is applied once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_killed_before_every_command_without_transactions() {
    for_every_command(|position| async move {
        let db = TestDb::standalone().await;
        let mut worker = victim(&db, &["die", &format!("command {position}")]);
        died(&mut worker, position).await;
        let successor = successor(&db).await;
        let mut result = successor.up().await;
        if let Err(Error::PartiallyApplied { ids }) = &result {
            let [id] = &ids[..] else { panic!("killed before command {position}: {ids:?}") };
            match effects(&db, id).await {
                0 => drop(successor.up().only(id).await.unwrap()),
                _ => drop(successor.mark_applied([id]).because("its effect is there").await.unwrap()),
            }
            result = successor.up().await;
        }
        let report = result.unwrap();
        let status = successor.status().await.unwrap();
        assert_eq!(status.pending().count(), 0, "killed before command {position}: {status}");
        assert!(report.is_empty() || status.holder().is_none(), "killed before command {position}: {status}");
        for id in EXACTLY_ONCE {
            assert_eq!(effects(&db, id).await, 1, "{id}, killed before {position}: {report}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_paused_before_every_command() {
    for_every_command(|position| async move {
        let db = TestDb::new().await;
        let mut worker = victim(&db, &["pause", &format!("command {position}")]);
        let said = worker.line().await.unwrap();
        if said.starts_with("halted") {
            worker.paused().await;
            successor(&db).await.up().await.unwrap();
            worker.cont();
            let end = ended(&mut worker).await;
            assert!(end == "ok" || end.starts_with("LeaseLost"), "paused before command {position}: {end}");
        } else {
            // The run has fewer commands, or has lost its lease before on a busy machine.
            worker.finish().await;
            assert!(
                said == "ended ok" || said.starts_with("applied") || said.contains("LeaseLost"),
                "{position}: {said}"
            );
            successor(&db).await.up().await.unwrap();
        }
        assert_all_done(&db, &format!("paused before command {position}")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_the_reply_to_every_command_is_lost() {
    for_every_command(|position| lost(position, Lost::Reply, true)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_the_reply_to_every_command_is_lost_without_retries() {
    for_every_command(|position| lost(position, Lost::Reply, false)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_every_command_is_lost_without_retries() {
    for_every_command(|position| lost(position, Lost::Request, false)).await;
}

/// The run continues, or fails and releases the lease, so that the next one continues immediately.
async fn lost(position: usize, lost: Lost, retries: bool) {
    let db = TestDb::new().await;
    let port = servers::replica_set().await.members()[0].port();
    let proxy = Proxy::to(port, Strike::Any(position..=position), lost).await;
    let uri = format!("{}&retryWrites={retries}&retryReads={retries}", proxy.uri());
    let database = mongodb::Client::with_uri_str(&uri).await.unwrap().database(db.name());
    let result = migrator(database, SOON).up().await;

    let commands = proxy.commands();
    let struck = commands.get(position - 1).map_or("nothing", String::as_str);
    let context = format!("{lost:?} of {position} ({struck}) with retries {retries}: {:?}", result.as_ref().err());
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
