//! A lock that does not match the records: the database was restored or copied without it, or a part of it was deleted.

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::{Migrator, Registry, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::executions;

use super::{count, token};

const ID: &str = "module:damaged-lock:001_once";

#[migration(id = "001_once", source = "module:damaged-lock", down = undo)]
async fn once(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! {}).await?;
    Ok(())
}

async fn undo(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("undone").insert_one(doc! {}).await?;
    Ok(())
}

fn migrator(db: &TestDb) -> Migrator {
    Migrator::builder(db.database().clone()).registry(Registry::linked().source("module:damaged-lock")).build().unwrap()
}

/// Damage to Mongrate's documents while no process migrates.
#[derive(Clone, Copy, Debug)]
enum Damage {
    /// The database was restored from a copy without the lock.
    LockDropped,
    LockEmptied,
    /// Only the lock was restored, from an older copy.
    LockIsOlder,
    FenceDeleted,
    LeaseDeleted,
    /// The lease was deleted, and the fence is newer than all records.
    LeaseDeletedBehindTheFence,
    /// The lease is older than the fence.
    LeaseIsOlder,
    HistoryDropped,
}

/// The newest token on record before the damage.
const NEWEST: i64 = 1_000;

impl Damage {
    const ALL: [Self; 8] = [
        Self::LockDropped,
        Self::LockEmptied,
        Self::LockIsOlder,
        Self::FenceDeleted,
        Self::LeaseDeleted,
        Self::LeaseDeletedBehindTheFence,
        Self::LeaseIsOlder,
        Self::HistoryDropped,
    ];

    async fn happen(self, db: &Database) {
        let lock = db.collection::<Document>("migrations_lock");
        let set = async |id: &str, token: i64| {
            lock.update_one(doc! { "_id": id }, doc! { "$set": { "token": token } }).await.unwrap();
        };
        let delete = async |id: &str| {
            lock.delete_one(doc! { "_id": id }).await.unwrap();
        };
        let records = db.collection::<Document>("migrations");
        records.update_many(doc! {}, doc! { "$set": { "token": NEWEST } }).await.unwrap();
        set("lease", NEWEST).await;
        set("fence", NEWEST).await;
        match self {
            Self::LockDropped => lock.drop().await.unwrap(),
            Self::LockEmptied => drop(lock.delete_many(doc! {}).await.unwrap()),
            Self::LockIsOlder => {
                set("lease", 2).await;
                set("fence", 2).await;
            }
            Self::FenceDeleted => delete("fence").await,
            Self::LeaseDeleted => delete("lease").await,
            Self::LeaseDeletedBehindTheFence => {
                delete("lease").await;
                set("fence", NEWEST + 40).await;
            }
            Self::LeaseIsOlder => {
                set("lease", 2).await;
                set("fence", NEWEST + 40).await;
            }
            Self::HistoryDropped => db.collection::<Document>("migrations_history").drop().await.unwrap(),
        }
    }
}

/// One run of any verb repairs the lock, and nothing commits under a token that is not newer than everything on record.
#[tokio::test]
async fn i2_the_next_run_repairs_a_damaged_lock() {
    for damage in Damage::ALL {
        for standalone in [false, true] {
            let db = if standalone { TestDb::standalone().await } else { TestDb::new().await };
            let migrator = migrator(&db);
            migrator.up().await.unwrap();

            damage.happen(&db).await;
            let report = migrator.down().await.unwrap_or_else(|error| panic!("{damage:?}: {error}"));
            assert_eq!(report.reverted().count(), 1, "{damage:?}: {report}");
            assert_eq!(count(&db, "undone", doc! {}).await, 1, "{damage:?}");
            let first = token(&db).await;
            assert!(first > NEWEST, "{damage:?}: token {first}");
            assert_eq!(count(&db, "migrations", doc! { "token": first }).await, 1, "{damage:?}");
            assert_eq!(count(&db, "migrations_lock", doc! { "_id": "fence", "token": first }).await, 1, "{damage:?}");
            let kept = if matches!(damage, Damage::HistoryDropped) { 1 } else { 2 };
            assert_eq!(executions(&db).await.len(), kept, "{damage:?}");

            damage.happen(&db).await;
            let report = migrator.up().await.unwrap_or_else(|error| panic!("{damage:?}: {error}"));
            assert_eq!(report.applied().count(), 1, "{damage:?}: {report}");
            assert_eq!(count(&db, "effects", doc! {}).await, 2, "{damage:?}");

            damage.happen(&db).await;
            migrator.mark_pending([ID]).await.unwrap_or_else(|error| panic!("{damage:?}: {error}"));
            damage.happen(&db).await;
            migrator.mark_applied([ID]).await.unwrap_or_else(|error| panic!("{damage:?}: {error}"));
            assert!(migrator.status().await.unwrap().holder().is_none(), "{damage:?}");
        }
    }
}

/// A forced unlock also fences off processes with a token from before the damage.
#[tokio::test]
async fn i2_a_forced_unlock_repairs_a_damaged_lock() {
    for damage in Damage::ALL {
        let db = TestDb::new().await;
        let migrator = migrator(&db);
        migrator.up().await.unwrap();
        damage.happen(&db).await;
        migrator.force_unlock().await.unwrap();
        if !matches!(damage, Damage::LockDropped | Damage::LockEmptied) {
            let token = token(&db).await;
            assert!(token > NEWEST, "{damage:?}: token {token}");
            assert_eq!(count(&db, "migrations_lock", doc! { "_id": "fence", "token": token }).await, 1, "{damage:?}");
        }
        migrator.down().await.unwrap_or_else(|error| panic!("{damage:?}: {error}"));
        assert_eq!(count(&db, "undone", doc! {}).await, 1, "{damage:?}");
    }
}
