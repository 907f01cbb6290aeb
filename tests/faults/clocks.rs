//! Wrong clocks: the server's after a fail-over, and the client's at any time. The lease depends on neither alone.
//!
//! The ignored tests run processes with wrong clocks, and need libfaketime (package `faketime`).

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mongodb::Client;
use mongodb::bson::{Bson, DateTime, Document, doc};
use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;
use mongodb::options::ClientOptions;
use mongrate_testkit::mongod::Mongod;
use mongrate_tests::crash::{ALL, migrator};
use mongrate_tests::{Scratch, TestDb, Worker, eventually, servers};
use tokio::time::sleep;

use super::{SOON, applied, assert_all_done, effects, ended, killed_at, successor, token};

/// Path on Debian.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// A fail-over has moved the server's clock ahead of every lease. The heartbeats still show that the holder is alive.
#[tokio::test]
async fn i2_a_clock_that_is_ahead() {
    let db = TestDb::new().await;
    let mut worker = Worker::start(&["crash", db.uri(), db.name(), "3000", "nap", "body 001_first"]);
    worker.line().await.unwrap();
    let leases = db.collection::<Document>("migrations_lock");
    let ahead = tokio::spawn(async move {
        let held = doc! { "_id": "lease", "holder": { "$ne": null } };
        let past = doc! { "$set": { "expiresAt": DateTime::from_millis(0) } };
        while leases.update_one(held.clone(), past.clone()).await.unwrap().matched_count == 1 {
            sleep(Duration::from_millis(50)).await;
        }
    });
    let report = successor(&db).await.up().await.unwrap();
    assert!(report.is_empty(), "{report}");
    ahead.await.unwrap();
    assert_eq!(ended(&mut worker).await, "ok");
    assert_all_done(&db, "clock ahead").await;
}

/// A fail-over has moved the server's clock back, so that the lease of a dead holder would last for hours.
#[tokio::test]
async fn i6_a_clock_that_is_behind() {
    let db = TestDb::new().await;
    killed_at(&db, "createIndexes 1").await;
    let future =
        doc! { "$set": { "expiresAt": DateTime::from_millis(DateTime::now().timestamp_millis() + 7_200_000) } };
    db.collection::<Document>("migrations_lock").update_one(doc! { "_id": "lease" }, future).await.unwrap();
    let began = Instant::now();
    successor(&db).await.up().await.unwrap();
    assert!(began.elapsed() < SOON, "took {:?}", began.elapsed());
    assert_all_done(&db, "clock behind").await;
}

fn has_date(value: &Bson) -> bool {
    match value {
        Bson::DateTime(_) => true,
        Bson::Document(document) => document.values().any(has_date),
        Bson::Array(values) => values.iter().any(has_date),
        _ => false,
    }
}

/// All times in the lock are the server's: the process sends no date.
#[tokio::test]
async fn i2_the_clients_clock_does_not_reach_the_lock() {
    let db = TestDb::new().await;
    killed_at(&db, "body 001_first").await;
    let sent = Arc::new(Mutex::new(Vec::new()));
    let mut options = ClientOptions::parse(db.uri()).await.unwrap();
    let seen = sent.clone();
    options.command_event_handler = Some(EventHandler::callback(move |event| {
        if let CommandEvent::Started(event) = event
            && event.command.get_str(&event.command_name).is_ok_and(|name| name == "migrations_lock")
        {
            seen.lock().unwrap().push(event.command);
        }
    }));
    let database = Client::with_options(options).unwrap().database(db.name());
    migrator(database, Duration::from_secs(20)).up().await.unwrap();
    let sent = std::mem::take(&mut *sent.lock().unwrap());
    println!("{} commands to the lock in a take-over and a run", sent.len());
    assert!(sent.len() > 10, "{sent:?}");
    // The driver's own `$clusterTime` is the server's.
    let with_date: Vec<_> = sent.iter().filter(|command| command.values().any(has_date)).collect();
    assert!(with_date.is_empty(), "{with_date:?}");
    assert_all_done(&db, "no date in the lock").await;
}

/// Starts three members whose clocks are right, an hour ahead, and an hour behind.
async fn members_with_wrong_clocks() -> (Mongod, Scratch) {
    let mongod = servers::program().await;
    let folder = Scratch::new();
    let script = format!(
        "case \"$*\" in\n*member-1*) export FAKETIME=+1h ;;\n*member-2*) export FAKETIME=-1h ;;\n\
         *) exec {mongod} \"$@\" ;;\nesac\n\
         export LD_PRELOAD={FAKETIME} FAKETIME_DONT_FAKE_MONOTONIC=1\nexec {mongod} \"$@\"",
        mongod = mongod.display()
    );
    let program = folder.script("mongod-with-a-wrong-clock", &script);
    (servers::builder().binary(&program).members(3).start().await.unwrap(), folder)
}

/// Makes a member the primary.
async fn step_up(server: &Mongod, member: usize) {
    let client = Client::with_uri_str(server.members()[member].uri()).await.unwrap();
    eventually("the member to be the primary", async || {
        if server.primary().await.unwrap() == member {
            return Some(());
        }
        // Refused while it has not caught up.
        let _ = client.database("admin").run_command(doc! { "replSetStepUp": 1 }).await;
        None
    })
    .await;
}

/// A holder survives a fail-over to a wrong clock while another process waits. Then a holder dies just before such a fail-over.
async fn fail_over_to_a_wrong_clock(member: usize) {
    let (server, _folder) = members_with_wrong_clocks().await;
    for wrong in [1, 2] {
        let client = Client::with_uri_str(server.members()[wrong].uri()).await.unwrap();
        let hello = client.database("admin").run_command(doc! { "hello": 1 }).await.unwrap();
        let off = hello.get_datetime("localTime").unwrap().timestamp_millis() - DateTime::now().timestamp_millis();
        assert!(off.abs() > 3_000_000, "{off} ms: libfaketime did nothing");
    }
    let lease = Duration::from_secs(4);
    let start = |db: &TestDb, halt: [&str; 2]| {
        Worker::start(&["crash", db.uri(), db.name(), &lease.as_millis().to_string(), halt[0], halt[1]])
    };
    step_up(&server, 0).await;
    let db = TestDb::on(&server).await;
    let mut living = start(&db, ["nap", "body 004_last"]);
    assert_eq!(living.line().await.as_deref(), Some("halted at body 004_last"));
    let waiting = tokio::spawn(successor(&db).await.up().into_future());
    step_up(&server, member).await;
    let (end, report) = (ended(&mut living).await, waiting.await.unwrap().unwrap());
    println!("the holder lives: {end}; the one that waited: {report}");
    assert_eq!(end, "ok");
    assert!(report.is_empty(), "{report}");
    assert_eq!(token(&db).await, 1);
    assert_all_done(&db, "a living holder").await;

    step_up(&server, 0).await;
    let db = TestDb::on(&server).await;
    let mut dead = start(&db, ["die", "after findAndModify 1"]);
    dead.finish().await;
    step_up(&server, member).await;
    let began = Instant::now();
    assert_eq!(applied(&successor(&db).await.up().await.unwrap()), ALL);
    println!("the holder is dead: taken over, and all done, after {:?}", began.elapsed());
    assert!(began.elapsed() < 2 * lease + SOON, "took {:?}", began.elapsed());
    assert_eq!(token(&db).await, 2);
    assert_all_done(&db, "a dead holder").await;
}

#[tokio::test]
#[ignore = "needs libfaketime"]
async fn i1_fail_over_to_a_clock_an_hour_ahead() {
    fail_over_to_a_wrong_clock(1).await;
}

#[tokio::test]
#[ignore = "needs libfaketime"]
async fn i1_fail_over_to_a_clock_an_hour_behind() {
    fail_over_to_a_wrong_clock(2).await;
}

/// Tests both a living and a dead holder.
#[tokio::test]
#[ignore = "needs libfaketime"]
async fn i2_a_client_whose_clock_is_a_day_off() {
    for offset in ["+1d", "-1d"] {
        let wrong = [("LD_PRELOAD", FAKETIME), ("FAKETIME", offset), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
        let db = TestDb::new().await;
        let mut living = Worker::start_with(&wrong, &["crash", db.uri(), db.name(), "3000", "nap", "body 001_first"]);
        assert_eq!(living.line().await.as_deref(), Some("halted at body 001_first"));
        let report = successor(&db).await.up().await.unwrap();
        assert!(report.finished_elsewhere() && report.is_empty(), "{report}");
        assert_eq!(ended(&mut living).await, "ok");
        // The client writes the record, which shows that its clock was wrong.
        let executed = db.collection::<Document>("migrations").find_one(doc! { "_id": ALL[0] }).await.unwrap().unwrap();
        let off = executed.get_datetime("executedAt").unwrap().timestamp_millis() - DateTime::now().timestamp_millis();
        assert!(off.abs() > 80_000_000, "{off} ms: libfaketime did nothing");
        assert_all_done(&db, offset).await;

        let db = TestDb::new().await;
        let mut dead = Worker::start_with(&wrong, &["crash", db.uri(), db.name(), "2000", "die", "body 001_first"]);
        dead.finish().await;
        let began = Instant::now();
        assert_eq!(applied(&successor(&db).await.up().await.unwrap()), ALL);
        println!("{offset}: waited for the living, and had all done {:?} after the dead", began.elapsed());
        assert!(began.elapsed() > Duration::from_secs(1) && began.elapsed() < SOON, "took {:?}", began.elapsed());
        assert_eq!(effects(&db, ALL[0]).await, 1);
        assert_all_done(&db, offset).await;
    }
}
