//! Stopping a run of another process.

use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use mongrate::events::Event;
use mongrate::{Error, Tx, migration};
use mongrate_tests::crash;
use mongrate_tests::stored::{can_be_written, count, lease_is_free, migrator, status, step, steps, tell, told, untell};
use mongrate_tests::{Gate, TestDb, Worker, eventually};

const FIRST: &str = "module:runs-stop:001_first";
const SECOND: &str = "module:runs-stop:002_second";

#[migration(id = "001_first", source = "module:runs-stop")]
async fn first(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "first").await?)
}

#[migration(id = "002_second", source = "module:runs-stop")]
async fn second(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "second").await?;
    while told(tx, "wait").await? {}
    Ok(())
}

/// Requests the run with this token to stop, from another process.
async fn request(db: &TestDb, token: i64) -> bool {
    let mut worker = Worker::start(&["request-stop", db.uri(), db.name(), &token.to_string()]);
    let requested = worker.line().await.unwrap();
    assert!(worker.finish().await.success());
    requested == "requested true"
}

/// Eight heartbeats in a lease.
const LEASE: Duration = Duration::from_secs(24);

#[tokio::test]
async fn i6_a_run_stops_at_the_request_of_another_process() {
    let db = TestDb::new().await;
    tell(&db, "wait").await;
    let migrator = migrator(&db, "module:runs-stop").lease(LEASE).build().unwrap();
    let mut events = migrator.events();
    let run = tokio::spawn(migrator.up().into_future());
    let Some(Event::Acquired { token }) = events.next().await else { panic!("it has no lease") };
    while !matches!(events.next().await, Some(Event::Operation { migration, .. }) if migration.id() == SECOND) {}
    assert!(request(&db, token).await);
    let requested = Instant::now();
    let error = run.await.unwrap().unwrap_err();
    assert!(requested.elapsed() < LEASE / 8 * 2, "stopped after {:?}", requested.elapsed());

    println!("{error}\n{}", error.report().unwrap());
    let Error::Interrupted { report } = &error else { panic!("{error}") };
    assert_eq!(report.applied().map(|execution| execution.id.as_str()).collect::<Vec<_>>(), [FIRST]);
    assert_eq!(report.stopped().unwrap().id, SECOND);
    assert_eq!(report.warnings(), ["a stop was requested by ana: see OPS-19"]);
    // Between two operations, and rolled back.
    assert_eq!(steps(&db).await, ["first"]);
    assert_eq!(status(&db, SECOND).await, "");
    assert!(lease_is_free(&db).await);
    can_be_written(&db, "steps").await;
    assert_eq!(count(&db, "migrations_lock", doc! { "stop": { "$exists": true } }).await, 0);
    let entry = doc! { "act": "run", "token": token, "error": { "$regex": "by ana: see OPS-19$" } };
    assert_eq!(count(&db, "migrations_history", entry).await, 1);

    // The request was for that run alone.
    untell(&db, "wait").await;
    assert!(!request(&db, token).await);
    let report = migrator.up().await.unwrap();
    assert!(report.warnings().is_empty(), "{report}");
    assert_eq!(steps(&db).await, ["first", "second"]);
}

static RUNS: Gate = Gate::new();
static GOES: Gate = Gate::new();

#[migration(id = "001_slow", source = "module:runs-stop-not")]
async fn slow(tx: &mut Tx) -> Result<(), anyhow::Error> {
    RUNS.open();
    GOES.pass().await;
    Ok(step(tx, "slow").await?)
}

#[tokio::test]
async fn a_request_with_another_token_stops_nothing() {
    let db = TestDb::new().await;
    // Heartbeats of 500 ms.
    let migrator = migrator(&db, "module:runs-stop-not").lease(Duration::from_secs(4)).build().unwrap();
    let mut events = migrator.events();
    let run = tokio::spawn(migrator.up().into_future());
    let Some(Event::Acquired { token }) = events.next().await else { panic!("it has no lease") };
    RUNS.pass().await;
    for other in [token - 1, token + 1] {
        assert!(!migrator.request_stop(other).await.unwrap());
    }
    let first = migrator.lock_status().await.unwrap().last_heartbeat.unwrap();
    let lease = doc! { "_id": "lease" };
    let lease = async || db.collection::<Document>("migrations_lock").find_one(lease.clone()).await.unwrap().unwrap();
    let beat = lease().await.get_i64("beat").unwrap();
    eventually("two heartbeats", async || (lease().await.get_i64("beat").unwrap() >= beat + 2).then_some(())).await;
    let status = migrator.lock_status().await.unwrap();
    assert!(status.last_heartbeat.unwrap() > first && status.holder.unwrap().since <= first, "{first}");
    assert!(!run.is_finished());
    GOES.open();
    let report = run.await.unwrap().unwrap();
    assert_eq!((report.applied().count(), report.warnings().len()), (1, 0), "{report}");
    assert_eq!(steps(&db).await, ["slow"]);
}

/// It is kept for its holder, and goes with it.
#[tokio::test]
async fn a_request_to_a_dead_holder_does_not_stop_the_next_one() {
    let db = TestDb::new().await;
    let mut worker = Worker::start(&["crash", db.uri(), db.name(), "2000", "die", "body 001_first"]);
    worker.finish().await;
    let successor = crash::migrator(db.database().clone(), Duration::from_secs(20));
    let before = successor.lock_status().await.unwrap();
    assert_eq!(before.stop_requested, None);
    assert!(before.expires_in.unwrap() <= Duration::from_secs(2), "{before:?}");
    let lease = before.expires_at.unwrap().timestamp_millis() - before.last_heartbeat.unwrap().timestamp_millis();
    assert_eq!(lease, 2_000, "{before:?}");
    assert!(successor.request_stop(before.token).by("$ana").because("$hangs").await.unwrap());
    let status = successor.lock_status().await.unwrap();
    println!("{status}");
    let request = status.stop_requested.unwrap();
    assert_eq!((request.by.as_deref(), request.because.as_deref()), (Some("$ana"), Some("$hangs")));
    assert!(request.at >= before.holder.unwrap().since);

    let report = successor.up().await.unwrap();
    assert!(report.warnings().iter().all(|warning| !warning.contains("requested")), "{report}");
    let status = successor.lock_status().await.unwrap();
    assert_eq!((status.holder, status.stop_requested, status.expires_in), (None, None, None));
    assert!(!successor.request_stop(status.token).await.unwrap());
}

#[tokio::test]
async fn a_forced_unlock_removes_a_request_and_nothing_is_created() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:runs-stop").build().unwrap();
    assert!(!migrator.request_stop(0).await.unwrap());
    assert!(db.list_collection_names().await.unwrap().is_empty());

    let mut worker = Worker::start(&["crash", db.uri(), db.name(), "600000", "die", "body 001_first"]);
    worker.finish().await;
    let token = migrator.lock_status().await.unwrap().token;
    assert!(migrator.request_stop(token).await.unwrap());
    migrator.force_unlock().await.unwrap().unwrap();
    let lease = db.collection::<Document>("migrations_lock").find_one(doc! { "_id": "lease" }).await.unwrap().unwrap();
    assert_eq!(lease.get("stop"), None);
}
