//! The sessions of runs, and the application's pool. A successor may end the transactions of a holder that did not release its
//! lease, but never those of the application.

use std::time::Duration;

use mongodb::ClientSession;
use mongodb::bson::{Document, doc};
use mongrate::{Error, Migrator, Registry, Tx, migration};
use mongrate_tests::stored::can_be_written;
use mongrate_tests::{Gate, TestDb, eventually};
use tokio::time::timeout;

use super::{SOON, count, successor};

static BEGUN: Gate = Gate::new();
static REFUSED: Gate = Gate::new();
static HANGING: Gate = Gate::new();
static RELEASED: Gate = Gate::new();
static GO_ON: Gate = Gate::new();

#[migration(id = "001_write", source = "module:session-lost")]
async fn write_until_refused(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! { "_id": 1 }).await?;
    BEGUN.open();
    REFUSED.pass().await;
    tx.collection::<Document>("effects").insert_one(doc! { "_id": 2 }).await?;
    Ok(())
}

#[migration(id = "001_hang", source = "module:session-hangs")]
async fn hang(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! { "_id": 1 }).await?;
    HANGING.open();
    std::future::pending().await
}

#[migration(id = "001_wait", source = "module:session-released")]
async fn wait(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! { "_id": 1 }).await?;
    RELEASED.open();
    GO_ON.pass().await;
    Ok(())
}

fn migrator(db: &TestDb, source: &str) -> Migrator {
    Migrator::builder(db.database().clone())
        .registry(Registry::linked().source(source))
        .lease(Duration::from_secs(2))
        .build()
        .unwrap()
}

/// Returns sessions that the application gets from its pool.
async fn pooled(db: &TestDb) -> Vec<ClientSession> {
    let mut sessions = Vec::new();
    for _ in 0..20 {
        sessions.push(db.client().start_session().await.unwrap());
    }
    sessions
}

/// Asserts that the application's transactions in all sessions of its pool survive a run after one that lost its lease.
async fn assert_left_alone(db: &TestDb) {
    let orders = db.collection::<Document>("orders");
    let mut sessions = pooled(db).await;
    for (number, session) in (0_i32..).zip(&mut sessions) {
        session.start_transaction().await.unwrap();
        orders.insert_one(doc! { "_id": number }).session(session).await.unwrap();
    }
    // Acquires the lease, with the list of sessions whose transactions it ends.
    successor(db).await.up().await.unwrap();
    for session in &mut sessions {
        session.commit_transaction().await.unwrap();
    }
    assert_eq!(count(db, "orders", doc! {}).await, 20);
    drop(sessions);
    // And `Client::shutdown` has nothing to wait for.
    let client = db.client().clone();
    timeout(SOON, client.shutdown().into_future()).await.expect("the client waits for a session that was kept");
}

#[tokio::test]
async fn i2_the_session_of_a_lost_lease_is_not_the_applications() {
    let db = TestDb::new().await;
    db.create_collection("orders").await.unwrap();
    let run = tokio::spawn(migrator(&db, "module:session-lost").up().into_future());
    BEGUN.pass().await;
    let (other, _) = db.replica("operator").await;
    assert!(Migrator::new(other).force_unlock().because("a test").await.unwrap().is_some());
    REFUSED.open();
    let error = run.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::LeaseLost { .. } | Error::Failed { .. }), "{error:?}");
    assert_left_alone(&db).await;
}

#[tokio::test]
async fn i2_the_session_of_an_abandoned_body_is_not_the_applications() {
    let db = TestDb::new().await;
    db.create_collection("orders").await.unwrap();
    let run = tokio::spawn(migrator(&db, "module:session-hangs").up().into_future());
    HANGING.pass().await;
    let (other, _) = db.replica("operator").await;
    assert!(Migrator::new(other).force_unlock().because("a test").await.unwrap().is_some());
    let error = run.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::LeaseLost { .. }), "{error:?}");
    can_be_written(&db, "effects").await;
    assert_left_alone(&db).await;
}

#[tokio::test]
async fn the_session_of_a_released_lease_returns_to_the_pool() {
    let db = TestDb::new().await;
    let run = tokio::spawn(migrator(&db, "module:session-released").up().into_future());
    RELEASED.pass().await;
    let leases = db.collection::<Document>("migrations_lock");
    let lease = leases.find_one(doc! { "_id": "lease" }).await.unwrap().unwrap();
    let ours = lease.get_document("holder").unwrap().get_document("session").unwrap().clone();
    GO_ON.open();
    run.await.unwrap().unwrap();
    eventually("the session to be in the pool", async || {
        pooled(&db).await.iter().any(|session| *session.id() == ours).then_some(())
    })
    .await;
}
