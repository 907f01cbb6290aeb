//! Each exit code, provoked for real, and the kind of error that goes with it.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use futures_util::future::join_all;
use mongodb::bson::{Document, doc};
use mongrate_tests::stored::{lease_is_free, status, steps};
use mongrate_tests::{FailPoint, MyApp, Ran, Running, TestDb, eventually};
use serde_json::Value;
use tokio::process::Command;

use super::knobs::{HELD, fail, held, mend};

/// Called for programs; gives the error's code.
async fn error(app: &MyApp, words: &str) -> (Ran, String) {
    let ran = app.run(words.split(' ').chain(["--format", "json"])).await;
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
    let code = document["error"]["code"].as_str().unwrap_or_default().to_owned();
    assert_eq!(document["error"]["exit"].as_i64(), (!code.is_empty()).then_some(ran.code.into()), "{ran}");
    (ran, code)
}

#[tokio::test]
async fn zero_is_done_or_nothing_to_do() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    for words in [
        "status",
        "pending",
        "plan",
        "validate",
        "history",
        "version",
        "lock status",
        "show 001_create_users",
        "up --dry-run",
        "up",
        "up",
        "run 004_shrink_orders",
        "down --dry-run",
        "down --yes",
        "deploy",
        "validate",
        "status --check",
        "mark pending 004_shrink_orders --yes",
        "mark applied 004_shrink_orders --yes",
        "mark applied 004_shrink_orders --yes",
        "accept 001_create_users",
        "baseline 001_create_users --yes",
        "lock release --confirm --because nothing",
        "help",
        "help up",
        "--help",
        "--version",
    ] {
        let ran = app.run(words.split(' ')).await;
        assert_eq!(ran.code, 0, "{words}\n{ran}");
    }
}

/// Whoever is at the other end of the pipe has seen enough.
#[tokio::test]
async fn zero_is_a_closed_pipe_too() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    let mut command = Command::new(MyApp::program());
    command.args(app.arguments(["status"])).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(!told.contains("error") && !told.contains("panicked"), "{told}");
}

#[tokio::test]
async fn one_is_failed_or_refused() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    fail(&db, "002_assign_roles").await;
    for (words, code) in [("up --dry-run", "failed"), ("up", "failed"), ("deploy", "failed"), ("validate", "")] {
        let (ran, told) = error(&app, words).await;
        assert_eq!((ran.code, told.as_str()), (1, code), "{words}\n{ran}");
    }
    mend(&db, "002_assign_roles").await;
    app.run(["up"]).await;
    for (words, code) in [
        ("down 001_create_users --with-dependents --yes", "irreversible"),
        ("down 002_assign_roles --yes", "dependents-applied"),
        ("mark pending 002_assign_roles --yes", "dependents-applied"),
        ("accept 004_shrink_orders", "not-applied"),
        ("prune 001_create_users --yes", "not-an-orphan"),
    ] {
        let (ran, told) = error(&app, words).await;
        assert_eq!((ran.code, told.as_str()), (1, code), "{words}\n{ran}");
    }
    let records = db.collection::<Document>("migrations");
    let changed = doc! { "$set": { "checksum": format!("t2:{}", "0".repeat(64)) } };
    records.update_one(doc! { "_id": "002_assign_roles" }, changed).await.unwrap();
    for (words, code) in [("validate", ""), ("deploy", "invalid")] {
        let (ran, told) = error(&app, words).await;
        assert_eq!((ran.code, told.as_str()), (1, code), "{words}\n{ran}");
    }
}

/// The run ends within its limit, though the migration would not.
#[tokio::test]
async fn one_is_a_time_limit_too() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    let shouting = doc! { "_id": 1, "email": "ANA@EXAMPLE.COM" };
    db.collection::<Document>("users").insert_one(shouting).await.unwrap();
    held(&app, &db).await.kill().await;
    app.run(["lock", "release", "--confirm", "--because", "its process was killed"]).await;
    let (ran, code) = error(&app, "up --timeout 200ms").await;
    assert_eq!((ran.code, code.as_str()), (1, "run-timed-out"), "{ran}");
    assert!(lease_is_free(&db).await);
}

#[tokio::test]
async fn two_is_called_wrongly() {
    let db = TestDb::new().await;
    let (app, nowhere) = (MyApp::on(&db), MyApp::anywhere());
    app.run(["up"]).await;
    let by_clap = join_all(
        [
            "",
            "sattus",
            "status --chekc",
            "show",
            "up 001_create_users --to 002_assign_roles",
            "up --timeout soon",
            "down --steps many",
            "down --steps 1 --batch",
            "status --format yaml",
            "status --color sometimes",
            "status --quiet --verbose",
            "history --status odd",
            "mark",
            "mark applied",
            "baseline",
            "lock release",
            "baseline 001_create_users --detect",
            "baseline 001_create_users --assume-undecided",
            "up --lock-wait 5",
            "status --uri",
            "history --skip 9223372036854775808",
            "history --skip -1",
        ]
        .map(async |words| {
            let ran = app.run(words.split(' ').filter(|word| !word.is_empty())).await;
            assert_eq!(ran.code, 2, "{words}\n{ran}");
            assert!(ran.stdout.is_empty() && ran.stderr.contains("--help"), "{words}\n{ran}");
        }),
    );
    by_clap.await;
    for (app, words, code) in [
        (&app, "up 001_creat_users", "unknown-migration"),
        (&app, "down 001_creat_users 002 --dry-run", "several"),
        (&app, "show 007_nobody", "unknown-migration"),
        (&app, "history --limit 501", "page-size"),
        (&app, "history --limit 0", "page-size"),
        (&app, "down", "usage"),
        (&app, "mark pending 002_assign_roles", "usage"),
        (&app, "prune 000_gone", "usage"),
        (&app, "prune 000_gone --yes", "unknown-migration"),
        (&app, "history --migration 007_nobody", "unknown-migration"),
        (&nowhere, "status", "usage"),
        (&nowhere.clone().at(db.uri()), "status", "usage"),
        (&nowhere.clone().at("localhost:27017"), "status", "connection-string"),
        (&nowhere.clone().with("MONGODB_URI", "mongodb:/localhost"), "status", "connection-string"),
        (&app.clone().with("MONGRATE_AUTO", "perhaps"), "status", "variable"),
        (&app.clone().with("MONGRATE_LEASE_MS", "1").with("MONGRATE_LOCK_WAIT_MS", "-1"), "up", "several"),
        (&app.clone().with("MONGRATE_ENV", "production"), "down", "usage"),
        (&app.clone().with("MONGRATE_ENV", "Production"), "mark pending 003_lower_emails", "usage"),
    ] {
        let (ran, told) = error(app, words).await;
        assert_eq!((ran.code, told.as_str()), (2, code), "{words}\n{ran}");
    }
    assert_eq!(status(&db, "module:menu:002_prices").await, "completed");
}

/// What is wrong with an argument is found before a server is looked for.
#[tokio::test]
async fn two_needs_no_server() {
    let app = MyApp::anywhere().at("mongodb://127.0.0.1:1/shop?serverSelectionTimeoutMS=600000");
    for (words, code) in [
        ("up 001_creat_users", "unknown-migration"),
        ("up --to 001_creat_users", "unknown-migration"),
        ("up users roles", "several"),
        ("plan 001_creat_users", "unknown-migration"),
        ("run 001_creat_users", "unknown-migration"),
        ("down 001_creat_users", "unknown-migration"),
        ("down --to users", "unknown-migration"),
        ("show users", "unknown-migration"),
        ("accept 001_creat_users", "unknown-migration"),
        ("mark applied 001_creat_users", "unknown-migration"),
        ("mark pending users", "unknown-migration"),
        ("baseline 001_creat_users", "unknown-migration"),
        ("prune 00_gone", "unknown-migration"),
        ("prune module:000_gone", "unknown-migration"),
        ("graph users", "unknown-migration"),
        ("graph --source moduel", "unknown-source"),
        ("history --migration users", "unknown-migration"),
        ("history --source menu", "unknown-source"),
        ("history --limit 0", "page-size"),
        ("history --limit 501 --source menu", "several"),
    ] {
        let (ran, told) = error(&app, words).await;
        assert_eq!((ran.code, told.as_str()), (2, code), "{words}\n{ran}");
    }
}

/// What needs no database needs no variable that says how to reach or migrate one.
#[tokio::test]
async fn zero_needs_no_variables() {
    let app = MyApp::anywhere()
        .with("MONGODB_URI", "mongodb:/localhost")
        .with("MONGRATE_LEASE_MS", "1")
        .with("MONGRATE_AUTO", "perhaps");
    for words in ["check", "completions bash", "graph --offline"] {
        let ran = app.run(words.split(' ')).await;
        assert_eq!(ran.code, 0, "{words}\n{ran}");
    }
}

/// An empty variable is one that is not set.
#[tokio::test]
async fn an_empty_uri_is_none() {
    let (ran, code) = error(&MyApp::anywhere().with("MONGODB_URI", ""), "status").await;
    assert_eq!((ran.code, code.as_str()), (2, "usage"));
    assert!(ran.stderr.contains("no database is configured"), "{ran}");
}

#[tokio::test]
async fn three_is_a_lock_that_another_process_holds() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    let holder = held(&app, &db).await;
    for words in ["up --lock-wait 0s", "deploy --lock-wait 100ms", "mark applied 003_lower_emails --yes --lock-wait 0s"]
    {
        let (ran, code) = error(&app, words).await;
        assert_eq!((ran.code, code.as_str()), (3, "lock-timeout"), "{words}\n{ran}");
        assert!(ran.stderr.contains(&format!("process {} on ", holder.pid())), "{ran}");
    }
    let (ran, _) = error(&app.clone().with("MONGRATE_LOCK_WAIT_MS", "0"), "up").await;
    assert_eq!(ran.code, 3, "{ran}");
    mend(&db, HELD).await;
    assert_eq!(holder.finish().await.code, 0);
}

#[tokio::test]
async fn three_is_a_lock_that_was_taken_away() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db).with("MONGRATE_LEASE_MS", "2000");
    let holder = held(&app, &db).await;
    let release = app.run(["lock", "release", "--confirm", "--because", "it hangs"]).await;
    assert_eq!(release.code, 0, "{release}");
    let ran = holder.finish().await;
    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.stderr.contains("error: lost the migration lock"), "{ran}");
}

#[tokio::test]
async fn three_is_a_lease_that_ran_out_while_the_process_was_paused() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db).with("MONGRATE_LEASE_MS", "1000");
    let paused = held(&app, &db).await;
    paused.pause();
    mend(&db, HELD).await;
    let successor = app.run(["up"]).await;
    assert_eq!(successor.code, 0, "{successor}");
    paused.go_on();
    let ran = paused.finish().await;
    assert_eq!(ran.code, 3, "{ran}");
}

/// A port at which nobody listens.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn four_is_no_server() {
    let port = closed_port();
    let hasty = format!("mongodb://127.0.0.1:{port}/shop?serverSelectionTimeoutMS=200");
    for app in [MyApp::anywhere().at(&hasty), MyApp::anywhere().with("MONGODB_URI", &hasty)] {
        for words in
            ["status", "up", "deploy", "lock release --confirm --because x", "history", "show 001_create_users"]
        {
            let (ran, code) = error(&app, words).await;
            assert_eq!((ran.code, code.as_str()), (4, "unreachable"), "{words}\n{ran}");
            assert!(ran.stderr.contains(&format!("127.0.0.1:{port}")), "{ran}");
        }
    }
}

/// Nor is one that has no primary yet, or is shutting down.
#[tokio::test]
async fn four_is_a_server_that_is_not_ready() {
    let db = TestDb::new().await;
    let app = MyApp::anywhere().at(&format!("{}&appName={}", MyApp::uri(&db), db.app_name()));
    for failing in [91, 189, 10058, 10107, 11600, 11602, 13435, 13436] {
        let fault = FailPoint::always(&db, doc! { "failCommands": ["find"], "errorCode": failing }).await;
        let (ran, code) = error(&app, "status").await;
        drop(fault);
        assert_eq!((ran.code, code.as_str()), (4, "unreachable"), "{failing}\n{ran}");
        assert!(ran.stderr.contains("error: MongoDB is not ready to read the records"), "{ran}");
        let direct = ran.stderr.contains("directConnection=true");
        assert_eq!(direct, [10058, 10107, 13435].contains(&failing), "{ran}");
    }
    // It was too busy: it can be reached, but not now.
    let fault = FailPoint::always(&db, doc! { "failCommands": ["find"], "errorCode": 50 }).await;
    let (ran, code) = error(&app, "status").await;
    drop(fault);
    assert_eq!((ran.code, code.as_str()), (4, "server"), "{ran}");
}

/// Not the driver's half a minute.
#[tokio::test]
async fn four_comes_within_seconds() {
    let app = MyApp::anywhere().at(&format!("mongodb://127.0.0.1:{}/shop", closed_port()));
    let ran = tokio::time::timeout(Duration::from_secs(15), app.run(["status"])).await.expect("it takes too long");
    assert_eq!(ran.code, 4, "{ran}");
}

#[tokio::test]
async fn five_is_something_pending() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    let checking = app.clone().with("MONGRATE_AUTO", "false");
    let (ran, code) = error(&app, "status --check").await;
    assert_eq!((ran.code, code.as_str()), (5, ""), "{ran}");
    for words in ["up", "up 001_create_users", "up 004_shrink_orders"] {
        let (ran, code) = error(&checking, words).await;
        assert_eq!((ran.code, code.as_str()), (5, "pending"), "{words}\n{ran}");
    }
    assert!(steps(&db).await.is_empty() && status(&db, "001_create_users").await.is_empty());

    // A manual one does not count, unless it is named.
    app.run(["up"]).await;
    for (app, words, code) in
        [(&app, "status --check", 0), (&checking, "up", 0), (&checking, "up 004_shrink_orders", 5)]
    {
        let (ran, _) = error(app, words).await;
        assert_eq!(ran.code, code, "{words}\n{ran}");
    }
}

#[tokio::test]
async fn a_hundred_and_thirty_is_interrupted() {
    for stop in [Running::interrupt, Running::terminate, Running::hang_up] {
        let db = TestDb::new().await;
        let app = MyApp::on(&db).heeding_hang_ups();
        let running = held(&app, &db).await;
        stop(&running);
        let ran = running.finish().await;
        assert_eq!(ran.code, 130, "{ran}");
        assert!(ran.stderr.contains("error: the run was interrupted"), "{ran}");
        assert!(lease_is_free(&db).await);
    }
}

/// Also one that has not begun.
#[tokio::test]
async fn a_hundred_and_thirty_is_interrupted_while_waiting() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    let holder = held(&app, &db).await;
    let waiting = app.start(["up", "-v"]);
    waiting.says("waiting for another process").await;
    waiting.interrupt();
    let ran = waiting.finish().await;
    assert_eq!(ran.code, 130, "{ran}");
    mend(&db, HELD).await;
    eventually("the holder to end", async || lease_is_free(&db).await.then_some(())).await;
    assert_eq!(holder.finish().await.code, 0);
}
