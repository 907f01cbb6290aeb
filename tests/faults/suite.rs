//! Processes that die, stand still or lose their replies, servers that fail over or refuse: what the engine promises then
//! (I1, I2, I6). docs/RELIABILITY.md lists the scenarios.
//!
//! The victim is a process of its own with a short lease; the one that comes after it runs in the test, with a long
//! lease, so that a slow machine takes nothing away from it.

mod abandoned;
mod boot;
mod builds;
mod clocks;
mod cut_off;
mod damaged_lock;
mod ddl_elections;
mod dropped;
mod elections;
mod everywhere;
mod fence;
mod killed;
mod late;
mod lease;
mod leftovers;
mod limits;
mod list;
mod negative;
mod paused;
mod refused;
mod restructure;
mod sessions;
mod told;
mod transient;
mod unacknowledged;
mod zombie;

use std::time::Duration;

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongodb::options::{CollectionOptions, ReadConcern};
use mongrate::{Error, Migrator, Report};
use mongrate_tests::crash::{ALL, EFFECTS, EXACTLY_ONCE, migrator};
use mongrate_tests::{TestDb, Worker};

/// The lease of a victim, in milliseconds.
const LEASE_MS: &str = "2000";

/// How long the one that comes after a victim may take: its lease, and a slow machine. Far from the 60 s after which
/// the server itself ends a transaction.
const SOON: Duration = Duration::from_secs(15);

/// A process that migrates `db` and halts at a place.
fn victim(db: &TestDb, halt: &[&str]) -> Worker {
    Worker::start(&[&["crash", db.uri(), db.name(), LEASE_MS], halt].concat())
}

/// A victim that stands still at a place.
async fn paused_at(db: &TestDb, place: &str) -> Worker {
    let mut worker = victim(db, &["pause", place]);
    assert_eq!(worker.line().await, Some(format!("halted at {place}")));
    worker.paused().await;
    worker
}

/// A victim that was killed at a place.
async fn killed_at(db: &TestDb, place: &str) {
    let mut worker = victim(db, &["die", place]);
    assert_eq!(worker.line().await, Some(format!("halted at {place}")));
    worker.finish().await;
}

/// Waits for the end of a worker, and gives what it said of it.
async fn ended(worker: &mut Worker) -> String {
    loop {
        let line = worker.line().await.expect("the worker said nothing of its end");
        if let Some(how) = line.strip_prefix("ended ") {
            return how.to_owned();
        }
    }
}

/// A migrator in this process, with a client of its own.
async fn successor(db: &TestDb) -> Migrator {
    let (database, _) = db.replica("successor").await;
    migrator(database, Duration::from_secs(20))
}

/// Qualified ids of what a run applied, in its order.
fn applied(report: &Report) -> Vec<&str> {
    report.applied().map(|execution| execution.id.as_str()).collect()
}

/// How many documents match, as a fail-over cannot undo them.
async fn count(db: &Database, collection: &str, filter: Document) -> u64 {
    let majority = CollectionOptions::builder().read_concern(ReadConcern::majority()).build();
    db.collection_with_options::<Document>(collection, majority).count_documents(filter).await.unwrap()
}

/// The token of the newest lease.
async fn token(db: &Database) -> i64 {
    let leases = db.collection::<Document>("migrations_lock");
    leases.find_one(doc! { "_id": "lease" }).await.unwrap().unwrap().get_i64("token").unwrap()
}

/// How often a migration has taken effect.
async fn effects(db: &Database, id: &str) -> u64 {
    count(db, EFFECTS, doc! { "migration": id }).await
}

/// Everything is applied, exactly once where that is promised, and on record; and the lease is free (I6).
async fn assert_all_done(db: &TestDb, context: &str) {
    assert_all_applied(db, context).await;
    let status = successor(db).await.status().await.unwrap();
    assert!(status.holder().is_none(), "the lease is still held, {context}: {status}");
}

/// The first migration had its effect on a server without transactions, and was cut off before it was completed: no run goes on
/// before somebody has said what has become of it.
async fn settle_by_hand(db: &TestDb, migrator: &Migrator) {
    let error = migrator.up().await.unwrap_err();
    assert!(matches!(&error, Error::PartiallyApplied { ids } if *ids == ALL[..1]), "{error:?}");
    assert_eq!(effects(db, ALL[0]).await, 1);
    migrator.mark_applied([ALL[0]]).because("its effect is there").await.unwrap();
    assert_eq!(applied(&migrator.up().await.unwrap()), ALL[1..]);
    for id in EXACTLY_ONCE {
        assert_eq!(effects(db, id).await, 1, "effects of {id}");
    }
}

async fn assert_all_applied(db: &TestDb, context: &str) {
    for id in EXACTLY_ONCE {
        assert_eq!(effects(db, id).await, 1, "effects of {id}, {context}");
    }
    assert!(effects(db, "module:crash:003_raw").await >= 1, "{context}");
    for id in ALL {
        let completed = doc! { "migrationId": id, "status": "completed" };
        assert_eq!(count(db, "migrations_history", completed).await, 1, "executions of {id}, {context}");
    }
    let status = successor(db).await.status().await.unwrap();
    assert_eq!(status.completed().count(), ALL.len(), "{context}: {status}");
}
