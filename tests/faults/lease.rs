//! The lease and the fence: heartbeats, lost replies, and missing documents.

use std::time::{Duration, Instant};

use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongrate::{Error, Migrator, MigratorBuilder, Registry, Tx, migration};
use mongrate_tests::{FailPoint, Lost, Proxy, Strike, TestDb, Worker, crash, eventually, servers};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::{SOON, assert_all_done, count, ended, killed_at, successor, token};

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

/// Heartbeats prolong the lease however long the body takes: here, a third longer than the lease.
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

#[migration(id = "001_block", source = "module:block")]
async fn block(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! {}).await?;
    std::thread::sleep(Duration::from_secs(2));
    Ok(())
}

/// The body blocks the only thread, so that no heartbeat is sent. When it ends, another process may hold the lease, so nothing is
/// committed.
#[tokio::test(flavor = "current_thread")]
async fn i2_a_body_that_blocks_the_heartbeats() {
    let db = TestDb::new().await;
    let migrator = builder(db.database().clone(), "module:block").lease(Duration::from_secs(2)).build().unwrap();
    let error = migrator.up().await.unwrap_err();
    assert!(matches!(error, Error::LeaseLost { .. }), "{error:?}");
    assert_eq!(count(&db, "effects", doc! {}).await, 0);
    assert!(migrator.status().await.unwrap().holder().is_none());
}

/// The reply to the take-over is lost. The successor still has to end the transaction of the former holder, which has written the
/// fence.
#[tokio::test]
async fn i6_a_take_over_is_not_confirmed() {
    let db = TestDb::new().await;
    killed_at(&db, "commitTransaction 1").await;
    let over = doc! { "_id": "lease", "$expr": { "$lt": ["$expiresAt", "$$NOW"] } };
    let leases = db.collection::<Document>("migrations_lock");
    eventually("the end of the lease", async || leases.find_one(over.clone()).await.unwrap()).await;

    let port = servers::replica_set().await.members()[0].port();
    let proxy = Proxy::to(port, Strike::Named("findAndModify", 1..=1), Lost::Reply).await;
    let client = Client::with_uri_str(format!("{}&retryWrites=false", proxy.uri())).await.unwrap();
    let began = Instant::now();
    // A lease without heartbeats during the test, which are the same command.
    crash::migrator(client.database(db.name()), Duration::from_secs(600)).up().await.unwrap();
    assert!(began.elapsed() < SOON, "took {:?}", began.elapsed());
    assert_eq!(proxy.commands().iter().filter(|name| *name == "findAndModify").count(), 2);
    assert_all_done(&db, "take-over not confirmed").await;
}

/// A process holds the lease without knowing it. With retries, the driver asks again and gets the first reply. Without, the
/// process recognizes itself in the lease. It does not wait for itself, and there is never another holder.
#[tokio::test]
async fn i6_the_reply_to_the_acquisition_is_lost() {
    for (retries, takes) in [(true, 1), (false, 2)] {
        let db = TestDb::new().await;
        let port = servers::replica_set().await.members()[0].port();
        let proxy = Proxy::to(port, Strike::Named("findAndModify", 1..=1), Lost::Reply).await;
        let uri = format!("{}&retryWrites={retries}", proxy.uri());
        let database = Client::with_uri_str(uri).await.unwrap().database(db.name());
        let began = Instant::now();
        // A lease that is much longer than the test.
        crash::migrator(database, Duration::from_secs(10 * 60)).up().await.unwrap();
        println!("retryWrites={retries}: token {}, all done after {:?}", token(&db).await, began.elapsed());
        assert!(began.elapsed() < SOON, "took {:?}", began.elapsed());
        assert_eq!(token(&db).await, takes);
        assert_all_done(&db, "acquisition not confirmed").await;
    }
}

/// The first of these commands takes the lease; all later ones are heartbeats.
#[tokio::test]
async fn heartbeats_are_lost() {
    let db = TestDb::new().await;
    let port = servers::replica_set().await.members()[0].port();
    let proxy = Proxy::to(port, Strike::Named("findAndModify", 2..=3), Lost::Reply).await;
    let client = Client::with_uri_str(format!("{}&retryWrites=false", proxy.uri())).await.unwrap();
    let migrator = builder(client.database(db.name()), "module:nap").lease(Duration::from_secs(4)).build().unwrap();
    let report = migrator.up().await.unwrap();
    assert_eq!(report.applied().next().unwrap().attempts, 1, "{report}");
    assert_eq!(count(&db, "effects", doc! {}).await, 1);
    assert_eq!(token(&db).await, 1);
}

/// The server does not answer for most of the lease. The holder stops, commits nothing, and releases the lease if it is still its
/// own.
#[tokio::test]
async fn i6_a_heartbeat_is_not_answered() {
    let db = TestDb::new().await;
    let migrator = builder(db.database().clone(), "module:sleep").lease(Duration::from_secs(3)).build().unwrap();
    let began = Instant::now();
    let run = tokio::spawn(migrator.up().into_future());
    STARTED.notified().await;
    let unanswered = doc! {
        "failCommands": ["findAndModify"],
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

/// The write that raised the fence may be rolled back, so the fence has to be raised again.
#[tokio::test]
async fn i2_the_fence_is_raised_in_doubt() {
    let db = TestDb::new().await;
    builder(db.database().clone(), "module:quick").build().unwrap().up().await.unwrap();
    let _ = db.commands().take();
    let in_doubt = doc! {
        "failCommands": ["update"],
        "namespace": format!("{}.migrations_lock", db.name()),
        "writeConcernError": { "code": 91, "errmsg": "shutting down" },
    };
    let _fail_point = FailPoint::times(1, &db, in_doubt).await;
    builder(db.database().clone(), "module:nap").build().unwrap().up().await.unwrap();
    let commands = db.commands().take();
    let raising = commands.split(|name| name == "findAndModify").nth(1).unwrap();
    let raised = raising.iter().take_while(|name| *name == "update").count();
    assert_eq!(raised, 2, "{commands:?}");
}

/// The collection of the lock was dropped after a failure was recorded.
#[tokio::test]
async fn the_lock_is_dropped() {
    let db = TestDb::new().await;
    let migrator = builder(db.database().clone(), "module:quick").build().unwrap();
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
