//! Backfills while processes, servers and the application do what they want. Each document is changed once (I1).

use std::time::Duration;

use futures_util::future::select;
use mongodb::bson::{Document, doc};
use mongodb::{Client, Database};
use mongrate::Error;
use mongrate_tests::crash::backfill::{ID, MANY, assert_once, computed_migrator, fill, migrator};
use mongrate_tests::stored::{count, record};
use mongrate_tests::{TestDb, Worker, eventually};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::elections::{one_primary, three_members};
use super::{LEASE_MS, SOON, ended};

const DOCUMENTS: i64 = 20_000;

/// Number of processes that work on the backfill.
const PROCESSES: usize = 4;

/// How long there are faults, one in each interval.
const FAULTY: Duration = Duration::from_secs(8);
const INTERVAL: Duration = Duration::from_millis(300);

/// A long lease, which a successor would have to wait for.
const LONG_LEASE_MS: &str = "600000";

fn start(db: &TestDb) -> Worker {
    Worker::start(&["backfill", db.uri(), db.name(), LEASE_MS])
}

/// A reproducible sequence (Marsaglia's xorshift).
fn random(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    }
}

/// Updates, inserts and deletes documents without end. Inserted ones have an `_id` between two others.
async fn application(db: Database, mut random: impl FnMut(u64) -> u64) {
    let orders = db.collection::<Document>("orders");
    loop {
        let id = i64::try_from(random(DOCUMENTS.unsigned_abs())).unwrap();
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let between = id as f64 + 0.5;
        match random(10) {
            0 => drop(orders.delete_one(doc! { "_id": id }).await.unwrap()),
            1 => drop(orders.replace_one(doc! { "_id": between }, doc! { "new": true }).upsert(true).await.unwrap()),
            _ => drop(orders.update_one(doc! { "_id": id }, doc! { "$inc": { "app": 1 } }).await.unwrap()),
        }
        sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_workers_are_killed_paused_and_terminated_while_the_application_writes() {
    let db = TestDb::new().await;
    fill(&db, DOCUMENTS).await;
    let application = tokio::spawn(application((*db).clone(), random(7)));
    let mut random = random(42);
    let mut workers: Vec<_> = (0..PROCESSES).map(|_| start(&db)).collect();
    let (mut faults, began, mut ticks) = ([0; 3], Instant::now(), interval(INTERVAL));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while began.elapsed() < FAULTY {
        ticks.tick().await;
        let worker = &mut workers[usize::try_from(random(4)).unwrap()];
        // It may have been paused before.
        worker.cont();
        let fault = usize::try_from(random(3)).unwrap();
        match fault {
            0 => worker.kill(),
            1 => worker.stop(),
            _ => worker.terminate(),
        }
        faults[fault] += 1;
        for ended in workers.iter_mut().filter_map(|worker| worker.ended().is_some().then_some(worker)) {
            *ended = start(&db);
        }
    }
    for worker in &mut workers {
        worker.kill();
    }
    application.abort();
    let _ = application.await;
    let before = count(&db, "orders", doc! { "n": 1 }).await;
    println!("killed, paused, terminated: {faults:?}; {before} documents were changed");
    migrator((*db).clone(), Duration::from_secs(5)).up().await.unwrap();
    let planned = doc! { "_id": { "$type": "long" }, "n": { "$ne": 1 } };
    assert_eq!(count(&db, "orders", planned).await, 0);
    assert_eq!(count(&db, "orders", doc! { "n": { "$gt": 1 } }).await, 0);
    assert_eq!(record(&db, ID).await.unwrap().get_str("status").unwrap(), "completed");
}

/// A worker that is terminated gives its range back. Otherwise, nobody could claim it for ten minutes.
#[tokio::test]
async fn i6_a_terminated_backfill_gives_its_ranges_back() {
    let db = TestDb::new().await;
    fill(&db, 3 * MANY).await;
    let mut worker = Worker::start(&["backfill", db.uri(), db.name(), LONG_LEASE_MS]);
    eventually("a batch", async || (count(&db, "orders", doc! { "n": 1 }).await > 0).then_some(())).await;
    worker.terminate();
    let end = ended(&mut worker).await;
    assert!(end.starts_with("Interrupted"), "{end}");
    let (changed, claimed) = (
        count(&db, "orders", doc! { "n": 1 }).await,
        count(&db, "migrations_ranges", doc! { "claim": { "$ne": null } }).await,
    );
    assert!(changed < 36_000, "it had ended before");
    assert_eq!(claimed, 0);
    migrator((*db).clone(), Duration::from_millis(LONG_LEASE_MS.parse().unwrap())).up().await.unwrap();
    assert_once(&db, 3 * MANY, "terminated").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_step_downs_during_a_backfill() {
    let server = three_members().await;
    let (db, computed) = (TestDb::on(&server).await, TestDb::on(&server).await);
    fill(&db, 3 * MANY).await;
    fill(&computed, 3 * MANY).await;
    let run = tokio::spawn(migrator((*db).clone(), SOON).up().into_future());
    let computing = tokio::spawn(computed_migrator((*computed).clone(), SOON).up().into_future());
    for batches in [2, 20] {
        eventually("the next batches", async || {
            let changed = db.collection::<Document>("orders").count_documents(doc! { "n": 1 }).await;
            changed.is_ok_and(|changed| changed >= batches * 100).then_some(())
        })
        .await;
        let primary = server.primary().await.unwrap();
        let client = Client::with_uri_str(server.members()[primary].uri()).await.unwrap();
        let step_down = doc! { "replSetStepDown": 2, "secondaryCatchUpPeriodSecs": 1, "force": true };
        client.database("admin").run_command(step_down).await.unwrap();
    }
    for result in [run.await.unwrap(), computing.await.unwrap()] {
        println!("{:?}", result.as_ref().map(ToString::to_string).map_err(ToString::to_string));
    }
    one_primary(&server).await;
    migrator((*db).clone(), SOON).up().await.unwrap();
    computed_migrator((*computed).clone(), SOON).up().await.unwrap();
    assert_once(&db, 3 * MANY, "stepped down").await;
    assert_once(&computed, 3 * MANY, "stepped down").await;
}

/// Without a majority, no batch commits. The run ends at its limit, and does not claim to have completed anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i6_a_backfill_without_a_majority_ends_at_its_limit() {
    let server = three_members().await;
    let db = TestDb::on(&server).await;
    fill(&db, 3 * MANY).await;
    let limit = Duration::from_secs(6);
    let run = tokio::spawn(migrator((*db).clone(), SOON).up().timeout(limit).into_future());
    eventually("a batch", async || (count(&db, "orders", doc! { "n": 1 }).await > 0).then_some(())).await;
    let primary = server.primary().await.unwrap();
    let others: Vec<_> = (0..3).filter(|member| *member != primary).collect();
    for member in &others {
        server.stop(*member).unwrap();
    }
    let began = Instant::now();
    let error = run.await.unwrap().unwrap_err();
    println!("after {:?}: {error}", began.elapsed());
    assert!(began.elapsed() < limit + Duration::from_secs(6), "{error}");
    assert!(matches!(error, Error::Unacknowledged { .. } | Error::RunTimedOut { .. }), "{error:?}");
    for member in &others {
        server.cont(*member).unwrap();
    }
    one_primary(&server).await;
    migrator((*db).clone(), SOON).up().await.unwrap();
    assert_once(&db, 3 * MANY, "without a majority").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i6_a_backfill_whose_future_is_dropped_is_continued() {
    let db = TestDb::new().await;
    fill(&db, 3 * MANY).await;
    let run = Box::pin(migrator((*db).clone(), Duration::from_secs(600)).up().into_future());
    let batch =
        Box::pin(eventually("a batch", async || (count(&db, "orders", doc! { "n": 1 }).await > 0).then_some(())));
    select(run, batch).await;
    assert!(count(&db, "orders", doc! { "n": 1 }).await < 36_000, "it had ended before");
    // A claim that is not given back would be kept for ten minutes.
    migrator((*db).clone(), Duration::from_secs(600)).up().await.unwrap();
    assert_once(&db, 3 * MANY, "dropped").await;
}
