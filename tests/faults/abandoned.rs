//! Bodies that do not return: their transactions and leases must not delay the next run.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use mongrate::{Error, Migrator, Registry, Tx, migration};
use mongrate_tests::stored::can_be_written;
use mongrate_tests::{FailPoint, TestDb, eventually};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::{SOON, count};

static HANGS: AtomicU32 = AtomicU32::new(0);
static DROPPED: AtomicU32 = AtomicU32::new(0);
static STARTED: Notify = Notify::const_new();
static BUSY: Notify = Notify::const_new();

/// Hangs on its first execution.
#[migration(id = "001_hang", source = "module:hang", timeout = "1s")]
async fn hang(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! { "_id": 1 }).await?;
    if HANGS.fetch_add(1, Relaxed) == 0 {
        std::future::pending::<()>().await;
    }
    Ok(())
}

#[migration(id = "001_hang", source = "module:hang-dropped")]
async fn hang_until_dropped(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! { "_id": 1 }).await?;
    if DROPPED.fetch_add(1, Relaxed) == 0 {
        STARTED.notify_one();
        std::future::pending::<()>().await;
    }
    Ok(())
}

/// Drops its second call before it completes.
#[migration(id = "001_impatient", source = "module:impatient")]
async fn impatient(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let effects = tx.collection::<Document>("effects");
    effects.insert_one(doc! { "_id": 1 }).await?;
    let _ = timeout(Duration::from_millis(300), effects.insert_one(doc! { "_id": 2 }).into_future()).await;
    effects.insert_one(doc! { "_id": 3 }).await?;
    Ok(())
}

fn migrator(db: &TestDb, source: &str) -> Migrator {
    Migrator::builder(db.database().clone()).registry(Registry::linked().source(source)).build().unwrap()
}

/// As long as the first transaction is open, writing the same document again would be a write conflict.
#[tokio::test]
async fn i6_a_body_that_does_not_return_in_time() {
    let db = TestDb::new().await;
    db.create_collection("effects").await.unwrap();
    let migrator = migrator(&db, "module:hang");
    let error = migrator.up().await.unwrap_err();
    let Error::Failed { source, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(source.downcast_ref(), Some(Error::TimedOut { .. })), "{error:?}");
    assert!(migrator.status().await.unwrap().holder().is_none());

    let report = migrator.up().await.unwrap();
    assert_eq!(report.applied().next().unwrap().attempts, 1, "{report}");
    assert_eq!(count(&db, "effects", doc! {}).await, 1);
}

#[tokio::test]
async fn i6_a_run_that_is_dropped_in_a_body() {
    let db = TestDb::new().await;
    db.create_collection("effects").await.unwrap();
    let migrator = migrator(&db, "module:hang-dropped");
    let run = tokio::spawn(migrator.up().into_future());
    STARTED.notified().await;
    run.abort();
    let began = Instant::now();
    eventually("the lease to be free", async || migrator.status().await.unwrap().holder().is_none().then_some(()))
        .await;
    assert!(began.elapsed() < SOON, "took {:?}", began.elapsed());

    let report = migrator.up().await.unwrap();
    assert_eq!(report.applied().next().unwrap().attempts, 1, "{report}");
    assert_eq!(count(&db, "effects", doc! {}).await, 1);
}

/// Returns as soon as a call is refused.
#[migration(id = "001_busy", source = "module:busy")]
async fn busy(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let effects = tx.collection::<Document>("effects");
    effects.insert_one(doc! { "_id": 1 }).await?;
    BUSY.notify_one();
    loop {
        effects.find_one(doc! {}).await?;
    }
}

/// The driver does not report whether a rollback has reached the server.
#[tokio::test]
async fn i6_a_stopped_run_whose_rollback_does_not_arrive() {
    let db = TestDb::new().await;
    db.create_collection("effects").await.unwrap();
    let migrator = migrator(&db, "module:busy");
    let lost = doc! { "failCommands": ["abortTransaction"], "closeConnection": true };
    let fail_point = FailPoint::always(&db, lost).await;
    let run = tokio::spawn(migrator.up().into_future());
    BUSY.notified().await;
    migrator.shutdown().await;
    let error = run.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }), "{error:?}");
    drop(fail_point);
    can_be_written(&db, "effects").await;
    can_be_written(&db, "migrations").await;
}

/// It is unknown whether the dropped call takes effect. The migration has all of its effects, or none.
#[tokio::test]
async fn i1_a_body_that_drops_a_call_under_way() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:impatient");
    let slow = doc! {
        "failCommands": ["insert"],
        "namespace": format!("{}.effects", db.name()),
        "blockConnection": true,
        "blockTimeMS": 1_000,
    };
    let _fail_point = FailPoint::always(&db, slow).await;
    let result = migrator.up().await;
    let effects = count(&db, "effects", doc! {}).await;
    assert!(result.is_err(), "{result:?}, {effects} effects");
    assert_eq!(effects, 0, "{result:?}");
    assert!(migrator.status().await.unwrap().holder().is_none());
}
