//! Cases in which only the fence protects: the former holder's lease seems valid by its own clock.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongrate::{Migrator, Registry, Tx, migration};
use mongrate_tests::crash::{ALL, migrator};
use mongrate_tests::{TestDb, Worker, eventually};
use tokio::time::{Instant, sleep};

use super::{SOON, applied, assert_all_done, count, effects, ended, killed_at, successor, token, victim};

/// A lease that is longer than any test, with no heartbeat during one.
const LONG_LEASE_MS: &str = "600000";

/// Releases the lock of a paused process by force, and resumes it while no other process migrates: only the fence can stop it.
/// Nothing that it does takes effect (I2), and it fails with the reason.
async fn taken_over_by_force(position: &str) {
    let db = TestDb::new().await;
    let mut stale = Worker::start(&["crash", db.uri(), db.name(), LONG_LEASE_MS, "pause", position]);
    assert_eq!(stale.line().await, Some(format!("halted at {position}")));
    stale.paused().await;
    let operator = successor(&db).await;
    operator.force_unlock().await.unwrap().expect("nobody held the lock");

    stale.cont();
    let end = ended(&mut stale).await;
    println!("taken over by force before `{position}`: {end}");
    assert!(end.starts_with("LeaseLost"), "it ended: {end}");
    assert_eq!(effects(&db, ALL[0]).await, 0, "{end}");
    assert_eq!(count(&db, "migrations", doc! {}).await, 0, "{end}");
    operator.up().await.unwrap();
    assert_all_done(&db, position).await;
}

/// The snapshot is newer than the take-over, so there is no write conflict, but the token does not match.
#[tokio::test]
async fn i2_a_snapshot_opened_after_a_take_over() {
    taken_over_by_force("tx insert effects 1").await;
}

#[tokio::test]
async fn i2_taken_over_before_the_fence_write() {
    taken_over_by_force("tx update migrations_lock 1").await;
}

#[tokio::test]
async fn i2_taken_over_between_fence_write_and_commit() {
    taken_over_by_force("commitTransaction 1").await;
}

/// The records show what a former holder runs outside of transactions, and must be read behind the fence. Nothing is killed before
/// that.
#[tokio::test]
async fn i2_a_take_over_reads_the_records_behind_the_fence_and_only_then_kills() {
    let db = TestDb::new().await;
    killed_at(&db, "body 001_first").await;
    let (database, commands) = db.replica("successor").await;
    migrator(database, Duration::from_secs(60)).up().await.unwrap();
    let commands = commands.take();
    let taken = commands.iter().rposition(|name| name == "findAndModify").unwrap();
    assert_eq!(commands[taken..taken + 4], ["findAndModify", "update", "find", "killSessions"], "{commands:?}");
    assert_all_done(&db, "taken over").await;
}

/// A transaction that has passed the fence blocks it, and is killed immediately.
#[tokio::test]
async fn i2_a_take_over_kills_a_transaction_that_blocks_the_fence() {
    let db = TestDb::new().await;
    killed_at(&db, "commitTransaction 1").await;
    let (database, commands) = db.replica("successor").await;
    migrator(database, Duration::from_secs(60)).up().await.unwrap();
    let commands = commands.take();
    let taken = commands.iter().rposition(|name| name == "findAndModify").unwrap();
    let fenced = ["findAndModify", "update", "killSessions", "update", "find", "killSessions"];
    assert_eq!(commands[taken..taken + 6], fenced, "{commands:?}");
    assert_all_done(&db, "taken over").await;
}

/// A no-op update takes no write lock. Every write of the fence therefore increments a counter, and conflicts with every open
/// transaction that has written it.
#[tokio::test]
async fn i2_the_fence_write_is_never_a_no_op() {
    let db = TestDb::new().await;
    let mut worker = Worker::start(&["crash", db.uri(), db.name(), LONG_LEASE_MS, "pause", "commitTransaction 1"]);
    worker.line().await.unwrap();
    worker.paused().await;
    // The same token again, like another write of the same holder.
    let again = doc! { "q": { "_id": "fence" }, "u": { "$inc": { "commits": 0_i64 }, "$set": { "seen": true } } };
    let blocked = db.run_command(doc! { "update": "migrations_lock", "updates": [again], "maxTimeMS": 300 }).await;
    println!("a write beside an open transaction that has passed the fence: {blocked:?}");
    assert!(blocked.is_err(), "the transaction does not hold the fence: {blocked:?}");

    worker.cont();
    assert_eq!(ended(&mut worker).await, "ok");
    let fence = db.collection::<Document>("migrations_lock").find_one(doc! { "_id": "fence" }).await.unwrap().unwrap();
    println!("{fence}");
    // Raised once. Then one transaction for each `Tx` migration, one more than its effects for the `Schema` migration, and two
    // for the `&Database` migration.
    assert_eq!(fence.get_i64("commits").unwrap(), 1 + 2 + 3 + 2);
    assert_eq!(fence.get_i64("token").unwrap(), 1);
    assert_all_done(&db, "counting the fence").await;
}

/// The lock was dropped while a process held it, so that the next one gets the same token. Both believe that they hold the lease,
/// and work on the same record. The record decides.
#[tokio::test]
async fn i1_two_holders_of_one_record() {
    for position in ["body 001_first", "tx update migrations_lock 1"] {
        let db = TestDb::new().await;
        let mut first = Worker::start(&["crash", db.uri(), db.name(), LONG_LEASE_MS, "pause", position]);
        first.line().await.unwrap();
        first.paused().await;
        db.collection::<Document>("migrations_lock").drop().await.unwrap();
        let second = tokio::spawn(successor(&db).await.up().into_future());
        // Both are running: the second one has the same token.
        eventually("a second holder", async || {
            (count(&db, "migrations_lock", doc! { "_id": "lease", "holder": { "$ne": null } }).await == 1).then_some(())
        })
        .await;
        assert_eq!(token(&db).await, 1);
        first.cont();
        let end = ended(&mut first).await;
        let result = second.await.unwrap();
        println!("two holders, the first one paused before `{position}`: {end}; {:?}", result.as_ref().err());
        assert!(end == "ok" || result.is_ok(), "{end}; {result:?}");
        // The loser has left no lock that delays others.
        drop(first);
        successor(&db).await.up().await.unwrap();
        assert_all_done(&db, position).await;
    }
}

static HEARTBEATS: AtomicU32 = AtomicU32::new(0);
static LONG_HEARTBEATS: AtomicU32 = AtomicU32::new(0);

#[migration(id = "001_long", source = "module:fence-heartbeats")]
async fn beside_heartbeats(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    HEARTBEATS.fetch_add(1, Relaxed);
    insert_for(tx, Duration::from_secs(5)).await
}

#[migration(id = "001_long", source = "module:fence-heartbeats-30s")]
async fn long_beside_heartbeats(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    LONG_HEARTBEATS.fetch_add(1, Relaxed);
    insert_for(tx, Duration::from_secs(30)).await
}

async fn insert_for(tx: &mut Tx, time: Duration) -> Result<(), mongodb::error::Error> {
    let (effects, began) = (tx.collection::<Document>("effects"), Instant::now());
    while began.elapsed() < time {
        effects.insert_one(doc! { "at": i64::try_from(began.elapsed().as_millis()).unwrap() }).await?;
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Heartbeats write the lease during the whole transaction, which runs once and commits.
async fn heartbeats(source: &str, bodies: &AtomicU32, at_least: i64) {
    let db = TestDb::new().await;
    let migrator = Migrator::builder(db.database().clone()).registry(Registry::linked().source(source));
    let report = migrator.lease(Duration::from_secs(2)).build().unwrap().up().await.unwrap();
    let lease = db.collection::<Document>("migrations_lock").find_one(doc! { "_id": "lease" }).await.unwrap().unwrap();
    let (beats, effects) = (lease.get_i64("beat").unwrap(), count(&db, "effects", doc! {}).await);
    println!("{beats} heartbeats beside one transaction, {effects} inserts; {report}");
    assert!(beats >= at_least, "{lease}");
    assert_eq!((bodies.load(Relaxed), report.applied().next().unwrap().attempts), (1, 1), "{report}");
    assert!(effects > 0);
    assert_eq!(count(&db, "migrations_history", doc! { "act": "up", "status": "completed" }).await, 1);
}

#[tokio::test]
async fn i2_heartbeats_do_not_disturb_a_transaction() {
    heartbeats("module:fence-heartbeats", &HEARTBEATS, 10).await;
}

#[tokio::test]
#[ignore = "takes 30 s"]
async fn i2_heartbeats_do_not_disturb_a_transaction_of_30_seconds() {
    heartbeats("module:fence-heartbeats-30s", &LONG_HEARTBEATS, 60).await;
}

/// The process is killed right after it has acquired the lease. The next one acquires it once it has expired.
#[tokio::test]
async fn i2_killed_right_after_acquiring() {
    let db = TestDb::new().await;
    let mut worker = victim(&db, &["die", "after findAndModify 1"]);
    assert_eq!(worker.line().await.as_deref(), Some("halted at after findAndModify 1"));
    worker.finish().await;
    assert_eq!((token(&db).await, count(&db, "migrations", doc! {}).await), (1, 0));
    let began = Instant::now();
    let report = successor(&db).await.up().await.unwrap();
    println!("taken over, and all done, after {:?}", began.elapsed());
    assert_eq!(applied(&report), ALL);
    assert!(began.elapsed() < SOON, "took {:?}", began.elapsed());
    assert_eq!(token(&db).await, 2);
    assert_all_done(&db, "killed right after acquiring").await;
}
