//! A signal at any time: while the server is looked for, while somebody else migrates, as the first process of a container.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use mongrate_tests::my_app::{handles_signals, signal};
use mongrate_tests::stored::{collections, lease_is_free, status};
use mongrate_tests::{MyApp, TestDb, eventually};

use super::knobs::{HELD, block, held, mend};

/// A server for which a command looks much longer than any test takes.
const NOWHERE: &str = "mongodb://127.0.0.1:1/shop?serverSelectionTimeoutMS=600000";

/// Far more than the second that it should take, and far less than [`NOWHERE`] would.
const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn whatever_waits_for_a_server_ends_at_once() {
    let commands =
        ["status", "up", "up --dry-run", "deploy", "validate", "lock status", "baseline 001_create_users --yes"];
    for name in ["TERM", "INT", "HUP"] {
        let ended = commands.map(async |words| {
            let running = MyApp::anywhere().at(NOWHERE).heeding_hang_ups().start(words.split(' '));
            handles_signals(running.pid()).await;
            let sent = Instant::now();
            signal(running.pid(), name);
            let ran = running.finish().await;
            assert_eq!(ran.code, 130, "{words}\n{ran}");
            assert!(ran.stderr.contains("error: "), "{words}\n{ran}");
            assert!(sent.elapsed() < SOON, "{words}: {:?}", sent.elapsed());
        });
        join_all(ended).await;
    }
}

#[tokio::test]
async fn so_it_does_for_a_program_that_reads_json() {
    let running = MyApp::anywhere().at(NOWHERE).start(["status", "--format", "json"]);
    handles_signals(running.pid()).await;
    running.terminate();
    let ran = running.finish().await;
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, document["error"]["code"].as_str()), (130, Some("interrupted")), "{ran}");
}

/// The kernel drops a signal to the first process of a container unless it has a handler.
#[tokio::test]
async fn the_first_process_of_a_container_ends_as_well() {
    if !MyApp::can_be_first_process() {
        println!("not tested: no namespaces for users here");
        return;
    }
    for words in ["deploy", "status", "up"] {
        let running = MyApp::anywhere().at(NOWHERE).as_first_process().start([words]);
        let first = running.first_process().await;
        handles_signals(first).await;
        let sent = Instant::now();
        signal(first, "TERM");
        let ran = running.finish().await;
        assert_eq!(ran.code, 130, "{words}\n{ran}");
        assert!(sent.elapsed() < SOON, "{words}: {:?}", sent.elapsed());
    }
}

#[tokio::test]
async fn a_run_ends_in_good_order_after_a_signal_before_its_first_read() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    let running = app.start(["up"]);
    handles_signals(running.pid()).await;
    running.terminate();
    let ran = running.finish().await;
    assert_eq!(ran.code, 130, "{ran}");
    // Perhaps it had taken the lock already.
    assert!(collections(&db).await.is_empty() || lease_is_free(&db).await, "{ran}");

    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    let holder = held(&app, &db).await;
    let waiting = app.start(["up"]);
    handles_signals(waiting.pid()).await;
    waiting.terminate();
    assert_eq!(waiting.finish().await.code, 130);
    mend(&db, HELD).await;
    assert_eq!(holder.finish().await.code, 0);
}

/// Not even the runtime can end: it would wait for the thread.
#[tokio::test]
async fn a_body_that_blocks_its_thread_does_not_keep_the_process() {
    let db = TestDb::new().await;
    block(&db, HELD).await;
    let running = MyApp::on(&db).start(["up"]);
    eventually("the migration to run", async || (status(&db, HELD).await == "running").then_some(())).await;
    let sent = Instant::now();
    running.terminate();
    let ran = running.finish().await;
    assert_eq!(ran.code, 130, "{ran}");
    assert!(sent.elapsed() < SOON, "{:?}", sent.elapsed());
}
