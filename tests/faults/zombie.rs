//! Former holders that are still alive. They are fenced off and commit nothing. But one can start a transaction before it notices,
//! and die in it. Its document locks must not delay its successors for more than a minute, until the server ends the transaction.

use std::time::Instant;

use mongodb::ClientSession;
use mongodb::bson::{Document, doc};
use mongrate::{Migrator, Registry, Tx, migration};
use mongrate_tests::stored::count;
use mongrate_tests::{Gate, TestDb};

use super::SOON;

static TAKEN_OVER: Gate = Gate::new();
static GO_ON: Gate = Gate::new();

#[migration(id = "001_wait", source = "module:zombie")]
async fn wait(_: &mut Tx) -> Result<(), mongodb::error::Error> {
    TAKEN_OVER.open();
    GO_ON.pass().await;
    Ok(())
}

#[migration(id = "002_count", source = "module:zombie", deps = ["module:zombie:001_wait"])]
async fn count_up(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    increment(tx).await
}

#[migration(id = "001_count", source = "module:zombie-unlocked")]
async fn count_up_alone(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    increment(tx).await
}

async fn increment(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("things").update_one(doc! { "_id": 1 }, doc! { "$inc": { "count": 1 } }).await?;
    Ok(())
}

/// Creates a document, and a lease whose holder has this session. With `over`, the lease has expired.
async fn held(db: &TestDb, over: bool) -> ClientSession {
    let session = db.client().start_session().await.unwrap();
    db.collection::<Document>("things").insert_one(doc! { "_id": 1, "count": 0 }).await.unwrap();
    let holder = doc! {
        "nonce": mongodb::bson::oid::ObjectId::new(),
        "host": "elsewhere",
        "pid": 1_i64,
        "actor": null,
        "session": session.id().clone(),
        "current": null,
    };
    let lease = doc! { "$set": {
        "holder": { "$mergeObjects": [holder, { "since": "$$NOW" }] },
        "token": 1_i64,
        "beat": 0_i64,
        "leaseMs": 1000_i64,
        "expiresAt": { "$add": ["$$NOW", if over { 0_i64 } else { 600_000 }] },
    } };
    let locks = db.collection::<Document>("migrations_lock");
    locks.insert_one(doc! { "_id": "fence", "token": 1_i64, "commits": 0_i64 }).await.unwrap();
    locks.update_one(doc! { "_id": "lease" }, vec![lease]).upsert(true).await.unwrap();
    session
}

/// Starts a transaction like a former holder that dies before it notices.
async fn begin(db: &TestDb, session: &mut ClientSession) {
    session.start_transaction().await.unwrap();
    let things = db.collection::<Document>("things");
    things.update_one(doc! { "_id": 1 }, doc! { "$inc": { "count": 100 } }).session(session).await.unwrap();
}

async fn plural(db: &TestDb) -> u64 {
    count(db, "things", doc! { "count": 1 }).await
}

fn migrator(db: &TestDb, source: &str) -> Migrator {
    Migrator::builder(db.database().clone()).registry(Registry::linked().source(source)).build().unwrap()
}

#[tokio::test]
async fn i6_a_transaction_that_begins_after_the_take_over() {
    let db = TestDb::new().await;
    let mut session = held(&db, true).await;
    let run = tokio::spawn(migrator(&db, "module:zombie").up().into_future());
    TAKEN_OVER.pass().await;
    begin(&db, &mut session).await;
    let began = Instant::now();
    GO_ON.open();
    run.await.unwrap().unwrap();
    assert!(began.elapsed() < SOON, "took {:?}", began.elapsed());
    assert_eq!(plural(&db).await, 1);
}

#[tokio::test]
async fn i6_a_transaction_that_begins_after_a_forced_unlock() {
    let db = TestDb::new().await;
    let mut session = held(&db, false).await;
    let migrator = migrator(&db, "module:zombie-unlocked");
    assert!(migrator.force_unlock().because("it hangs").await.unwrap().is_some());
    begin(&db, &mut session).await;
    let began = Instant::now();
    migrator.up().await.unwrap();
    assert!(began.elapsed() < SOON, "took {:?}", began.elapsed());
    assert_eq!(plural(&db).await, 1);
    // The lease was released normally, so the session is no longer remembered.
    assert_eq!(count(&db, "migrations_lock", doc! { "abandoned": { "$exists": true } }).await, 0);
}
