//! The guarantees I1, I2 and I6 when processes die, pause or lose replies, and when servers fail over or reject commands.
//! docs/RELIABILITY.md lists the scenarios.
//!
//! The victim is a separate process with a short lease. The successor runs in the test, with a lease that is long enough for a
//! slow machine.

mod abandoned;
mod backfill;
mod backfill_chaos;
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
mod terminated;
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

/// Time limit of a successor: the lease, plus time for a slow machine. Much less than the 60 s after which the server itself ends
/// a transaction.
const SOON: Duration = Duration::from_secs(15);

/// Starts a process that migrates `db` and halts.
fn victim(db: &TestDb, halt: &[&str]) -> Worker {
    Worker::start(&[&["crash", db.uri(), db.name(), LEASE_MS], halt].concat())
}

/// Starts a victim and waits until it is paused at `position`.
async fn paused_at(db: &TestDb, position: &str) -> Worker {
    let mut worker = victim(db, &["pause", position]);
    assert_eq!(worker.line().await, Some(format!("halted at {position}")));
    worker.paused().await;
    worker
}

/// Starts a victim and waits until it was killed at `position`.
async fn killed_at(db: &TestDb, position: &str) {
    let mut worker = victim(db, &["die", position]);
    assert_eq!(worker.line().await, Some(format!("halted at {position}")));
    worker.finish().await;
}

/// Waits for the end of a worker, and returns its result.
async fn ended(worker: &mut Worker) -> String {
    loop {
        let line = worker.line().await.expect("the worker said nothing of its end");
        if let Some(how) = line.strip_prefix("ended ") {
            return how.to_owned();
        }
    }
}

/// Creates a migrator in this process, with its own client.
async fn successor(db: &TestDb) -> Migrator {
    let (database, _) = db.replica("successor").await;
    migrator(database, Duration::from_secs(20))
}

/// Returns the qualified ids of the migrations that a run applied, in order.
fn applied(report: &Report) -> Vec<&str> {
    report.applied().map(|execution| execution.id.as_str()).collect()
}

/// Counts matching documents with a majority read, which a fail-over cannot undo.
async fn count(db: &Database, collection: &str, filter: Document) -> u64 {
    let majority = CollectionOptions::builder().read_concern(ReadConcern::majority()).build();
    db.collection_with_options::<Document>(collection, majority).count_documents(filter).await.unwrap()
}

/// Returns the token of the newest lease.
async fn token(db: &Database) -> i64 {
    let leases = db.collection::<Document>("migrations_lock");
    leases.find_one(doc! { "_id": "lease" }).await.unwrap().unwrap().get_i64("token").unwrap()
}

/// Returns how often a migration has taken effect.
async fn effects(db: &Database, id: &str) -> u64 {
    count(db, EFFECTS, doc! { "migration": id }).await
}

/// Asserts that everything is applied and recorded, exactly once where that is guaranteed, and that the lease is free (I6).
async fn assert_all_done(db: &TestDb, context: &str) {
    assert_all_applied(db, context).await;
    let status = successor(db).await.status().await.unwrap();
    assert!(status.holder().is_none(), "the lease is still held, {context}: {status}");
}

/// The first migration was interrupted after its effect on a server without transactions. Runs are refused until an operator has
/// marked it.
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
