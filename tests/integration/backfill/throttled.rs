//! A backfill that is slowed and stopped while the servers are under strain.

use std::collections::BTreeSet;
use std::future::pending;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mongodb::Database;
use mongodb::bson::{Bson, DateTime, Document, doc};
use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;
use mongodb::options::ClientOptions;
use mongrate::context::Pace;
use mongrate::events::Event;
use mongrate::migrator::BackfillStatus;
use mongrate::{Backfill, Error, Migrator, Registry, migration};
use mongrate_testkit::mongod::Mongod;
use mongrate_tests::crash::backfill::{ID, MANY, assert_once, fill, migrator};
use mongrate_tests::stored::count;
use mongrate_tests::{FailPoint, TestDb, eventually, servers};

use super::quick;
use crate::access::guarded::Guarded;

/// How long a claim lasts: short, but longer than a busy machine delays a renewal.
const CLAIM: Duration = Duration::from_secs(5);

/// Both secondaries replicate from the primary: one that is behind, or does not answer, does not hold up the other.
async fn three_members() -> Mongod {
    let server = servers::builder().members(3).start().await.unwrap();
    let admin = server.client().await.unwrap().database("admin");
    let config = admin.run_command(doc! { "replSetGetConfig": 1 }).await.unwrap();
    let mut config = config.get_document("config").unwrap().clone();
    config.get_document_mut("settings").unwrap().insert("chainingAllowed", false);
    config.insert("version", config.get_i32("version").unwrap() + 1);
    admin.run_command(doc! { "replSetReconfig": config }).await.unwrap();
    eventually("the secondaries replicate from the primary", async || {
        let status = admin.run_command(doc! { "replSetGetStatus": 1 }).await.ok()?;
        let members = status.get_array("members").unwrap().iter().filter_map(Bson::as_document);
        let (primary, secondaries): (Vec<_>, Vec<_>) =
            members.partition(|member| member.get_str("stateStr").is_ok_and(|state| state == "PRIMARY"));
        let primary = primary.first()?.get_str("name").unwrap();
        let follows = |member: &&Document| member.get_str("syncSourceHost").is_ok_and(|source| source == primary);
        (secondaries.iter().filter(|member| follows(member)).count() == 2).then_some(())
    })
    .await;
    server
}

fn rate(documents: u32) -> Pace {
    Pace::Rate(NonZeroU32::new(documents).unwrap())
}

async fn status(watcher: &Migrator) -> BackfillStatus {
    watcher.backfills().await.unwrap().remove(0)
}

/// Starts a backfill with this pace, and returns another process that looks at it.
async fn started(db: &TestDb, pace: Pace) -> Migrator {
    fill(db, MANY).await;
    quick(db).up().background(true).await.unwrap();
    let watcher = migrator(db.replica("watcher").await.0, CLAIM);
    watcher.steer(ID).pace(pace).await.unwrap();
    watcher
}

/// The claimed ranges: number, token and when their workers have shown themselves.
async fn claims(db: &Database) -> Vec<(i64, i64, DateTime)> {
    let ranges = db.collection::<Document>("migrations_ranges");
    let mut found = ranges.find(doc! { "claim": { "$ne": null } }).sort(doc! { "_id.n": 1 }).await.unwrap();
    let mut claims = Vec::new();
    while found.advance().await.unwrap() {
        let range = found.deserialize_current().unwrap();
        let n = range.get_document("_id").unwrap().get_i64("n").unwrap();
        claims.push((n, range.get_i64("token").unwrap(), *range.get_datetime("active").unwrap()));
    }
    claims
}

const GATED: &str = "module:gated:001_numbers";

static PANICS: AtomicBool = AtomicBool::new(false);

/// Waits while there is a reason in `gates`.
#[migration(id = "001_numbers", source = "module:gated")]
async fn numbers(backfill: &mut Backfill) -> Result<(), Error> {
    // Before there is a future.
    let ask = |database| {
        assert!(!PANICS.load(Ordering::SeqCst), "as the gate says");
        gate(database)
    };
    backfill.collection("orders").throttle_when(ask).update(doc! { "$inc": { "n": 1 } }).await
}

async fn gate(database: Database) -> Result<Option<String>, String> {
    let gate = database.collection::<Document>("gates").find_one(doc! {}).await.map_err(|error| error.to_string())?;
    match gate.as_ref().map(|gate| gate.get_str("reason").unwrap()) {
        Some("fails") => Err("the queue does not answer".to_owned()),
        Some("waits") => pending().await,
        reason => Ok(reason.map(str::to_owned)),
    }
}

fn gated(db: &TestDb) -> Migrator {
    let builder = Migrator::builder((**db).clone()).registry(Registry::linked().source("module:gated")).assume_new();
    builder.lease(CLAIM).build().unwrap()
}

/// The application says when to wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_backfill_waits_while_the_application_has_a_reason() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let gates = db.collection::<Document>("gates");
    gates.insert_one(doc! { "reason": "1,200 jobs are waiting, limit 1,000" }).await.unwrap();
    let working = gated(&db);
    working.up().background(true).await.unwrap();
    working.steer(GATED).pace(rate(1_000)).await.unwrap();
    let shown = async |expected: &str| {
        eventually(expected, async || {
            let open = gated(&db).backfills().await.unwrap();
            (open.first()?.throttled.as_ref()?.to_string() == expected).then_some(())
        })
        .await;
    };
    let gate = async |reason: &str| {
        gates.update_one(doc! {}, doc! { "$set": { "reason": reason } }).await.unwrap();
    };
    let run = tokio::spawn(working.up().into_future());
    shown("stopped: 1,200 jobs are waiting, limit 1,000").await;
    // Not one batch has run before it had answered.
    assert_eq!(count(&db, "orders", doc! { "n": 1 }).await, 0);
    gate("fails").await;
    shown("slowed: `throttle_when` failed; the debug log has the error").await;
    PANICS.store(true, Ordering::SeqCst);
    shown("slowed: `throttle_when` panicked").await;
    PANICS.store(false, Ordering::SeqCst);
    // Neither does what was asked before a pause count after it.
    working.steer(GATED).pause().await.unwrap();
    let warned = run.await.unwrap().unwrap();
    assert!(warned.warnings().iter().any(|warning| warning.contains("is paused")), "{warned}");
    gate("waits").await;
    working.steer(GATED).resume().await.unwrap();
    let run = tokio::spawn(working.up().into_future());
    shown("stopped: `throttle_when` has not answered yet").await;
    shown("slowed: `throttle_when` has not answered within 10 s").await;
    let so_far = count(&db, "orders", doc! { "n": 1 }).await;
    assert!((1..MANY.unsigned_abs()).contains(&so_far), "{so_far}");
    gates.delete_many(doc! {}).await.unwrap();
    working.steer(GATED).pace(Pace::Full).await.unwrap();
    // What was asked last does not answer, so that it stays slowed.
    working.steer(GATED).pause().await.unwrap();
    run.await.unwrap().unwrap();
    working.steer(GATED).resume().await.unwrap();
    working.up().await.unwrap();
    assert_eq!(count(&db, "orders", doc! { "n": 1 }).await, MANY.unsigned_abs());
}

async fn stopped(watcher: &Migrator) -> BackfillStatus {
    let mut seen = BTreeSet::new();
    let stopped = eventually("the backfill is stopped", async || {
        let found = status(watcher).await;
        let throttled = found.throttled.clone()?;
        seen.insert(throttled.to_string());
        throttled.stopped.then_some(found)
    })
    .await;
    println!("{seen:?}");
    stopped
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_backfill_waits_for_a_secondary_that_is_behind() {
    let server = three_members().await;
    let db = TestDb::on(&server).await;
    let watcher = started(&db, rate(300)).await;
    let (one, other) = (migrator((*db).clone(), CLAIM), migrator(db.replica("other").await.0, CLAIM));
    let mut events = one.events();
    let work = tokio::spawn(async move { tokio::join!(one.up().into_future(), other.up().into_future()) });
    eventually("documents are changed", async || (count(&db, "orders", doc! { "n": 1 }).await > 0).then_some(())).await;
    let behind = &server.members()[(server.primary().await.unwrap() + 1) % 3];
    let lags = FailPoint::named("rsSyncApplyStop", "alwaysOn", &behind.uri(), doc! {}).await;

    let seen = stopped(&watcher).await;
    println!("{seen:?}");
    let reason = seen.throttled.unwrap().reason;
    assert!(
        reason.contains(&format!("member 127.0.0.1:{} is ", behind.port())) && reason.contains("limit"),
        "{reason}"
    );
    assert!(!seen.workers.is_empty());
    let told = loop {
        if let Event::Throttled { stopped: true, reason, .. } = events.next().await.unwrap() {
            break reason;
        }
    };
    assert!(told.contains(" is ") && told.contains("limit"), "{told}");

    // A batch may still have been under way.
    let before = eventually("both workers wait", async || {
        let claims = claims(&db).await;
        let waiting = count(&db, "migrations_ranges", doc! { "claim.throttled.stopped": true }).await;
        (claims.len() == 2 && waiting == 2).then_some(claims)
    })
    .await;
    let changed = count(&db, "orders", doc! { "n": 1 }).await;
    assert!(changed < MANY.unsigned_abs());
    // Longer than a claim lasts.
    eventually("the claims are renewed", async || {
        let now = claims(&db).await;
        let same =
            |claims: &[(i64, i64, DateTime)]| claims.iter().map(|(n, token, _)| (*n, *token)).collect::<Vec<_>>();
        assert_eq!(same(&now), same(&before));
        let since = |at: usize| now[at].2.timestamp_millis() - before[at].2.timestamp_millis();
        let long = i64::try_from(2 * CLAIM.as_millis()).unwrap();
        (since(0) > long && since(1) > long).then_some(())
    })
    .await;
    assert_eq!(count(&db, "orders", doc! { "n": 1 }).await, changed);
    assert!(status(&watcher).await.throttled.is_some_and(|throttle| throttle.stopped));

    // Workers that wait follow a person.
    watcher.steer(ID).pause().await.unwrap();
    eventually("nobody works", async || {
        let found = status(&watcher).await;
        (found.workers.is_empty() && found.throttled.is_none()).then_some(())
    })
    .await;
    // It goes on with the lag that a person accepts.
    watcher.steer(ID).resume().pace(Pace::Full).max_lag(Duration::from_secs(3_600)).await.unwrap();
    let (one, other) = work.await.unwrap();
    // Whoever saw the pause has returned.
    println!("{:?}, {:?}", one.unwrap().warnings(), other.unwrap().warnings());
    watcher.up().await.unwrap();
    assert_once(&db, MANY, "behind").await;
    drop(lags);
}

/// It may be gone, and the majority does without it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_backfill_does_not_wait_for_a_secondary_that_does_not_answer() {
    let server = three_members().await;
    let db = TestDb::on(&server).await;
    let watcher = started(&db, rate(1_500)).await;
    let silent = (server.primary().await.unwrap() + 1) % 3;
    let port = server.members()[silent].port();
    server.stop(silent).unwrap();
    let one = quick(&db);
    let work = tokio::spawn(async move { one.up().await });
    eventually("the end", async || {
        let open = watcher.backfills().await.unwrap();
        let throttled = open.first().and_then(|open| open.throttled.as_ref());
        // On a busy machine, the other one may be behind.
        let names_it = throttled.is_some_and(|throttle| throttle.reason.contains(&format!(":{port} ")));
        assert!(!names_it, "{throttled:?}");
        open.is_empty().then_some(())
    })
    .await;
    work.await.unwrap().unwrap();
    server.cont(silent).unwrap();
    assert_once(&db, MANY, "silent").await;
}

/// The server never writes a checkpoint by itself, and evicts nothing, so that its cache stays dirty.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_backfill_waits_until_the_cache_is_no_longer_dirty() {
    let lazy =
        "eviction_dirty_target=70,eviction_dirty_trigger=80,eviction_updates_target=60,eviction_updates_trigger=70";
    let server = Mongod::builder().arg("--syncdelay").arg("0").arg("--wiredTigerEngineConfigString").arg(lazy);
    let server = server.start().await.unwrap();
    let db = TestDb::on(&server).await;
    let watcher = started(&db, rate(300)).await;
    let large = (0..40).map(|_| doc! { "text": "x".repeat(1024 * 1024) });
    db.collection("large").insert_many(large).await.unwrap();
    let one = quick(&db);
    let work = tokio::spawn(async move { one.up().await });
    let reason = stopped(&watcher).await.throttled.unwrap().reason;
    assert!(reason.ends_with("% of the primary's cache is dirty, limit 15 %"), "{reason}");
    watcher.steer(ID).pace(Pace::Full).await.unwrap();
    db.client().database("admin").run_command(doc! { "fsync": 1 }).await.unwrap();
    work.await.unwrap().unwrap();
    assert_once(&db, MANY, "dirty").await;
}

/// The names of the commands that a client sends for the signals, and whether they succeeded.
async fn asked(uri: String, database: &str) -> (Database, tokio::sync::watch::Receiver<Vec<(String, bool)>>) {
    let (noted, asked) = tokio::sync::watch::channel(Vec::new());
    let note = move |name: String, succeeded| {
        if name == "serverStatus" {
            noted.send_modify(|noted| noted.push((name, succeeded)));
        }
    };
    let mut options = ClientOptions::parse(uri).await.unwrap();
    options.command_event_handler = Some(EventHandler::callback(move |event| match event {
        CommandEvent::Succeeded(event) => note(event.command_name, true),
        CommandEvent::Failed(event) => note(event.command_name, false),
        _ => {}
    }));
    (mongodb::Client::with_options(options).unwrap().database(database), asked)
}

/// Without the privilege, the state of the cache is asked for once; with it, every two seconds, whatever the number of workers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_works_without_the_privilege_to_see_the_state_of_the_server() {
    let server = Guarded::start().await;
    for (user, source, permitted) in [("shop", "shop", false), ("root", "admin", true)] {
        let admin = server.root().await;
        if !permitted {
            let create = doc! { "createUser": user, "pwd": user, "roles": ["readWrite"] };
            admin.client().database("shop").run_command(create).await.unwrap();
        }
        let (db, asked) = asked(server.client_uri(user, user, source), user).await;
        fill(&db, MANY).await;
        let migrator = migrator(db.clone(), CLAIM);
        migrator.up().background(true).await.unwrap();
        migrator.steer(ID).pace(rate(1_000)).await.unwrap();
        assert_eq!(*asked.borrow(), []);
        let (run, began) = (migrator.clone(), Instant::now());
        let work = tokio::spawn(async move { run.up().await });
        eventually("six seconds of work", async || (count(&db, "orders", doc! { "n": 1 }).await > 6_500).then_some(()))
            .await;
        let seen = asked.borrow().clone();
        if permitted {
            let most = began.elapsed().as_secs() / 2;
            assert!((2..=most).contains(&(seen.len() as u64)), "{seen:?}, {most}");
            assert!(seen.iter().all(|(_, succeeded)| *succeeded), "{seen:?}");
        } else {
            assert_eq!(seen, [("serverStatus".to_owned(), false)]);
        }
        migrator.steer(ID).pace(Pace::Full).await.unwrap();
        work.await.unwrap().unwrap();
        assert_once(&db, MANY, user).await;
    }
}
