//! The lease and the fence themselves: heartbeats, replies in doubt, documents that are gone.

use std::time::{Duration, Instant};

use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongrate::{Error, Migrator, MigratorBuilder, Registry, Tx, migration};
use mongrate_tests::{FailPoint, Lost, Proxy, Strike, TestDb, Worker, servers};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::{assert_all_done, count, ended, successor};

static STARTED: Notify = Notify::const_new();

#[migration(id = "001_quick", source = "module:quick")]
async fn quick(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! {}).await?;
    Ok(())
}

#[migration(id = "001_nap", source = "module:nap")]
async fn nap(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! {}).await?;
    sleep(Duration::from_secs(2)).await;
    Ok(())
}

#[migration(id = "001_sleep", source = "module:sleep")]
async fn sleep_long(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! {}).await?;
    STARTED.notify_one();
    sleep(Duration::from_secs(20)).await;
    Ok(())
}

fn builder(database: mongodb::Database, source: &str) -> MigratorBuilder {
    Migrator::builder(database).registry(Registry::linked().source(source))
}

/// Its heartbeats keep the lease, however long the body takes: here, a third longer than the lease.
#[tokio::test]
async fn i2_a_holder_that_is_alive_is_not_taken_over() {
    let db = TestDb::new().await;
    let mut worker = Worker::start(&["crash", db.uri(), db.name(), "3000", "nap", "body 001_first"]);
    worker.line().await.unwrap();
    let report = successor(&db).await.up().await.unwrap();
    assert!(report.finished_elsewhere() && report.is_empty(), "{report}");
    assert_eq!(ended(&mut worker).await, "ok");
    assert_all_done(&db, "long body").await;
}

/// Two updates make the documents and one raises the fence; those that are struck are heartbeats.
#[tokio::test]
async fn heartbeats_are_lost() {
    let db = TestDb::new().await;
    let port = servers::replica_set().await.members()[0].port();
    let proxy = Proxy::to(port, Strike::Named("update", 4..=5), Lost::Reply).await;
    let client = Client::with_uri_str(format!("{}&retryWrites=false", proxy.uri())).await.unwrap();
    let migrator = builder(client.database(db.name()), "module:nap").lease(Duration::from_secs(4)).build();
    let report = migrator.up().await.unwrap();
    assert_eq!(report.applied().next().unwrap().attempts, 1, "{report}");
    assert_eq!(count(&db, "effects", doc! {}).await, 1);
}

/// The holder does not hear from the server for most of its lease: it stops by itself, commits nothing, and gives back
/// what may still be its own.
#[tokio::test]
async fn i6_a_heartbeat_is_not_answered() {
    let db = TestDb::new().await;
    let migrator = builder(db.database().clone(), "module:sleep").lease(Duration::from_secs(3)).build();
    let began = Instant::now();
    let run = tokio::spawn(migrator.up().into_future());
    STARTED.notified().await;
    let unanswered = doc! {
        "failCommands": ["update"],
        "namespace": format!("{}.migrations_lock", db.name()),
        "blockConnection": true,
        "blockTimeMS": 4_000,
    };
    let fail_point = FailPoint::times(1, &db, unanswered).await;
    let error = run.await.unwrap().unwrap_err();
    drop(fail_point);
    assert!(matches!(error, Error::LeaseLost { .. }), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(15), "took {:?}", began.elapsed());
    assert_eq!(count(&db, "effects", doc! {}).await, 0);
    assert!(migrator.status().await.unwrap().holder().is_none());
}

/// The fence was raised on a primary that may be about to lose this write: it has to be raised again.
#[tokio::test]
async fn i2_the_fence_is_raised_in_doubt() {
    let db = TestDb::new().await;
    builder(db.database().clone(), "module:quick").build().up().await.unwrap();
    let _ = db.commands().take();
    let in_doubt = doc! {
        "failCommands": ["update"],
        "namespace": format!("{}.migrations_lock", db.name()),
        "writeConcernError": { "code": 91, "errmsg": "shutting down" },
    };
    let _fail_point = FailPoint::times(1, &db, in_doubt).await;
    builder(db.database().clone(), "module:nap").build().up().await.unwrap();
    let commands = db.commands().take();
    let raising = commands.split(|name| name == "findAndModify").nth(1).unwrap();
    let raised = raising.iter().take_while(|name| *name == "update").count();
    assert_eq!(raised, 2, "{commands:?}");
}

/// Somebody has dropped the collection of the lock, as people do with locks, after a failure had been put on record.
#[tokio::test]
async fn the_lock_is_dropped() {
    let db = TestDb::new().await;
    let migrator = builder(db.database().clone(), "module:quick").build();
    for _ in 0..3 {
        let fault = doc! { "failCommands": ["insert"], "namespace": format!("{}.effects", db.name()), "errorCode": 2 };
        let _fail_point = FailPoint::times(1, &db, fault).await;
        migrator.up().await.unwrap_err();
    }
    db.collection::<Document>("migrations_lock").drop().await.unwrap();
    let report = migrator.up().await.unwrap();
    assert_eq!(report.applied().count(), 1, "{report}");
    assert_eq!(count(&db, "effects", doc! {}).await, 1);
}
