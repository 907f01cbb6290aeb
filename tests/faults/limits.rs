//! Transactions that are too slow or too large for the server: they fail once, with advice, and are not retried.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use mongodb::Database;
use mongodb::bson::{Binary, Document, doc, spec::BinarySubtype};
use mongrate::{Error, Migrator, Registry, Tx, migration};
use mongrate_testkit::mongod::Mongod;
use mongrate_tests::{TestDb, servers};
use tokio::sync::OnceCell;
use tokio::time::sleep;

use super::count;

static TOO_SLOW: AtomicU32 = AtomicU32::new(0);
static TOO_SLOW_AT_THE_END: AtomicU32 = AtomicU32::new(0);
static TOO_SLOW_IN_A_CALL: AtomicU32 = AtomicU32::new(0);
static DDL_BESIDE: AtomicU32 = AtomicU32::new(0);
static TOO_LARGE: AtomicU32 = AtomicU32::new(0);
static TOO_LARGE_UPDATE: AtomicU32 = AtomicU32::new(0);

#[migration(id = "001_slow", source = "module:slow")]
async fn slow(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    TOO_SLOW.fetch_add(1, Relaxed);
    let effects = tx.collection::<Document>("effects");
    effects.insert_one(doc! {}).await?;
    sleep(Duration::from_secs(3)).await;
    effects.insert_one(doc! {}).await?;
    Ok(())
}

#[migration(id = "001_slow", source = "module:slow-end")]
async fn slow_at_the_end(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    TOO_SLOW_AT_THE_END.fetch_add(1, Relaxed);
    tx.collection::<Document>("effects").insert_one(doc! {}).await?;
    sleep(Duration::from_secs(3)).await;
    Ok(())
}

#[migration(id = "001_slow", source = "module:slow-call")]
async fn slow_in_a_call(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    TOO_SLOW_IN_A_CALL.fetch_add(1, Relaxed);
    let effects = tx.collection::<Document>("effects");
    effects.insert_one(doc! {}).await?;
    effects.find_one(doc! { "$where": "sleep(5000) || true" }).await?;
    Ok(())
}

#[migration(id = "001_large", source = "module:large")]
async fn large(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    TOO_LARGE.fetch_add(1, Relaxed);
    let effects = tx.collection::<Document>("effects");
    for _ in 0..60 {
        effects.insert_one(doc! { "filling": filling(8_000_000) }).await?;
    }
    Ok(())
}

fn filling(size: usize) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: vec![7; size] }
}

#[migration(id = "001_large", source = "module:large-update")]
async fn large_update(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    TOO_LARGE_UPDATE.fetch_add(1, Relaxed);
    tx.collection::<Document>("large").update_many(doc! {}, doc! { "$set": { "touched": true } }).await?;
    Ok(())
}

static CAPPED: AtomicU32 = AtomicU32::new(0);
static OUT: AtomicU32 = AtomicU32::new(0);

/// The server labels the error as transient.
#[migration(id = "001_capped", source = "module:capped")]
async fn reads_a_capped_collection(tx: &mut Tx) -> Result<(), anyhow::Error> {
    CAPPED.fetch_add(1, Relaxed);
    tx.collection::<Document>("effects").insert_one(doc! {}).await?;
    tx.collection::<Document>("audit").find_one(doc! {}).await?;
    Ok(())
}

#[migration(id = "001_writes", source = "module:capped-write")]
async fn writes_to_a_capped_collection(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    OUT.fetch_add(1, Relaxed);
    tx.collection::<Document>("audit").insert_one(doc! {}).await?;
    Ok(())
}

/// A handle that an application may keep, and must not use here.
static RAW: Mutex<Option<Database>> = Mutex::new(None);

#[migration(id = "001_index", source = "module:ddl-beside")]
async fn ddl_beside_the_transaction(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    DDL_BESIDE.fetch_add(1, Relaxed);
    tx.collection::<Document>("effects").insert_one(doc! {}).await?;
    let raw = RAW.lock().unwrap().take().unwrap();
    let index = doc! { "createIndexes": "effects", "indexes": [{ "key": { "a": 1 }, "name": "a_1" }] };
    raw.run_command(index).await?;
    Ok(())
}

/// A server on which transactions are limited to one second.
async fn impatient() -> &'static Mongod {
    static SERVER: OnceCell<Mongod> = OnceCell::const_new();
    let start = async || servers::builder().set_parameter("transactionLifetimeLimitSeconds", 1).start().await.unwrap();
    SERVER.get_or_init(start).await
}

/// Runs the migration of a source, which fails, leaves only its record, and has run its body once.
async fn fails(server: &Mongod, source: &str, bodies: &AtomicU32) -> Error {
    let db = TestDb::on(server).await;
    if source == "module:ddl-beside" {
        // The body has created the collection; the index waits for the body's own transaction.
        db.create_collection("effects").await.unwrap();
        *RAW.lock().unwrap() = Some(db.database().clone());
    }
    if source.starts_with("module:capped") {
        db.create_collection("audit").capped(true).size(4096).await.unwrap();
        db.collection::<Document>("audit").insert_one(doc! {}).await.unwrap();
    }
    if source == "module:large-update" {
        let large = db.collection::<Document>("large");
        for _ in 0..100 {
            large.insert_one(doc! { "filling": filling(1_000_000) }).await.unwrap();
        }
    }
    let migrator =
        Migrator::builder(db.database().clone()).registry(Registry::linked().source(source)).build().unwrap();
    let error = migrator.up().await.unwrap_err();
    assert_eq!(bodies.load(Relaxed), 1, "{error}");
    assert_eq!(count(&db, "effects", doc! {}).await, 0);
    assert_eq!(count(&db, "migrations_history", doc! { "act": "up", "status": "failed" }).await, 1);
    let status = migrator.status().await.unwrap();
    assert_eq!(status.failed().count(), 1, "{status}");
    assert!(status.holder().is_none(), "{status}");
    let Error::Failed { source, .. } = error else { panic!("{error:?}") };
    let error = source.downcast_ref::<Error>().unwrap_or_else(|| panic!("{source:?}"));
    match error {
        Error::TransactionTooSlow { source } => Error::TransactionTooSlow { source: source.clone() },
        Error::TransactionTooLarge { source } => Error::TransactionTooLarge { source: source.clone() },
        Error::OutsideTransactions { source } => Error::OutsideTransactions { source: source.clone() },
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn i6_too_slow_between_two_calls() {
    let error = fails(impatient().await, "module:slow", &TOO_SLOW).await;
    assert!(matches!(error, Error::TransactionTooSlow { .. }), "{error:?}");
}

#[tokio::test]
async fn i6_too_slow_after_the_last_call() {
    let error = fails(impatient().await, "module:slow-end", &TOO_SLOW_AT_THE_END).await;
    assert!(matches!(error, Error::TransactionTooSlow { .. }), "{error:?}");
}

#[tokio::test]
async fn i6_too_slow_in_a_call() {
    let error = fails(impatient().await, "module:slow-call", &TOO_SLOW_IN_A_CALL).await;
    assert!(matches!(error, Error::TransactionTooSlow { .. }), "{error:?}");
}

/// `Tx` has no method for indexes and does not expose its session. But a handle of the application can be used inside the body, and
/// waits for the transaction until the server ends it.
#[tokio::test]
async fn i6_ddl_beside_its_own_transaction() {
    let error = fails(impatient().await, "module:ddl-beside", &DDL_BESIDE).await;
    println!("{error}");
    assert!(matches!(error, Error::TransactionTooSlow { .. }), "{error:?}");
}

const AS_A_CONFLICT: &str = "it reports a transaction that is too large as a write conflict, so it is tried again";

/// On a server with the smallest possible cache.
#[tokio::test]
async fn i6_too_large() {
    if servers::skip_before(6, AS_A_CONFLICT).await {
        return;
    }
    let server = servers::builder().start().await.unwrap();
    let error = fails(&server, "module:large", &TOO_LARGE).await;
    assert!(matches!(error, Error::TransactionTooLarge { .. }), "{error:?}");
}

/// The server labels this as transient although it happens again on every attempt.
#[tokio::test]
async fn i6_too_large_in_one_update() {
    if servers::skip_before(6, AS_A_CONFLICT).await {
        return;
    }
    // With the testkit's small cache.
    let server = Mongod::start().await.unwrap();
    let error = fails(&server, "module:large-update", &TOO_LARGE_UPDATE).await;
    println!("{error:?}");
    assert!(matches!(error, Error::TransactionTooLarge { .. }), "{error:?}");
}

/// The first error is labeled as transient.
#[tokio::test]
async fn i6_operations_that_transactions_do_not_support() {
    for (source, bodies) in [("module:capped", &CAPPED), ("module:capped-write", &OUT)] {
        let error = fails(servers::replica_set().await, source, bodies).await;
        assert!(matches!(error, Error::OutsideTransactions { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("capped collection") && text.contains("takes `&Database`"), "{text}");
    }
}
