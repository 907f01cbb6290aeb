//! Servers that reject commands: full disk, read-only mode, missing user.

use std::time::{Duration, Instant};

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::{Error, Tx, migration};
use mongrate_tests::crash;
use mongrate_tests::crash::backfill::{self, MANY, assert_once, fill};
use mongrate_tests::stored::{can_be_written, collections, migrator};
use mongrate_tests::{FailPoint, Gate, TestDb, Worker, servers};

use super::{SOON, count, ended};
use crate::access::guarded::Guarded;

/// Asserts that nothing is recorded partially: no effect, no completed record, no completed history entry.
async fn nothing_is_recorded(db: &Database) {
    assert_eq!(count(db, "effects", doc! {}).await, 0);
    assert_eq!(count(db, "migrations", doc! { "status": { "$ne": "failed" } }).await, 0);
    assert_eq!(count(db, "migrations_history", doc! { "act": "up", "status": { "$ne": "failed" } }).await, 0);
}

/// Asserts that the effect exists once, with its record.
async fn all_is_recorded(db: &Database) {
    assert_eq!(count(db, "effects", doc! {}).await, 1);
    assert_eq!(count(db, "migrations", doc! { "status": "completed" }).await, 1);
    assert_eq!(count(db, "migrations_history", doc! { "act": "up", "status": "completed" }).await, 1);
}

#[migration(id = "001_insert", source = "module:refused-space")]
async fn without_space(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! {}).await?;
    Ok(())
}

/// In the body, at the record, and at the commit.
#[tokio::test]
async fn i6_the_disk_is_full() {
    for (command, collection) in
        [("insert", Some("effects")), ("insert", Some("migrations")), ("commitTransaction", None)]
    {
        let db = TestDb::new().await;
        let migrator = migrator(&db, "module:refused-space").build().unwrap();
        let mut full = doc! { "failCommands": [command], "errorCode": 14031 };
        if let Some(collection) = collection {
            full.insert("namespace", format!("{}.{collection}", db.name()));
        }
        let fail_point = FailPoint::always(&db, full).await;
        let error = migrator.up().await.unwrap_err();
        println!("no space at {command}: {error}");
        assert!(matches!(error, Error::Failed { .. }), "{error:?}");
        assert!(error.to_string().contains("OutOfDiskSpace"), "{error}");
        nothing_is_recorded(&db).await;
        drop(fail_point);
        assert!(migrator.status().await.unwrap().holder().is_none());
        migrator.up().await.unwrap();
        all_is_recorded(&db).await;
    }
}

static WRITES_RUN: Gate = Gate::new();
static WRITES_GO: Gate = Gate::new();

#[migration(id = "001_insert", source = "module:refused-writes")]
async fn without_writes(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    // A server becomes read-only only after open transactions have ended.
    WRITES_RUN.open();
    WRITES_GO.pass().await;
    tx.collection::<Document>("effects").insert_one(doc! {}).await?;
    Ok(())
}

/// A server that becomes read-only, before a run and during one. This affects only users without a special privilege, so the
/// server needs users.
#[tokio::test]
async fn i6_the_server_becomes_read_only() {
    if servers::skip_before(6, "it has no `setUserWriteBlockMode`").await {
        return;
    }
    let server = Guarded::start().await;
    let root = server.root().await;
    let shop = root.client().database("shop");
    shop.run_command(doc! { "createUser": "ada", "pwd": "ada", "roles": ["readWrite", "dbAdmin"] }).await.unwrap();
    let db = server.client("ada", "shop").await.database("shop");
    let migrator = || migrator(&db, "module:refused-writes").lease(Duration::from_secs(2)).build().unwrap();
    let read_only = async |on: bool| {
        root.run_command(doc! { "setUserWriteBlockMode": 1, "global": on }).await.unwrap();
    };
    read_only(true).await;
    let error = migrator().up().await.unwrap_err();
    println!("read-only before: {error}");
    assert!(error.to_string().contains("User writes blocked"), "{error}");
    assert!(collections(&shop).await.iter().all(|name| !name.starts_with("migrations")));

    read_only(false).await;
    let run = tokio::spawn(migrator().up().into_future());
    WRITES_RUN.pass().await;
    read_only(true).await;
    WRITES_GO.open();
    let error = run.await.unwrap().unwrap_err();
    println!("read-only in the middle: {error}");
    assert!(error.to_string().contains("User writes blocked"), "{error}");
    nothing_is_recorded(&shop).await;

    read_only(false).await;
    WRITES_GO.open();
    migrator().up().await.unwrap();
    all_is_recorded(&shop).await;
}

static USER_RUNS: Gate = Gate::new();
static USER_GOES: Gate = Gate::new();

#[migration(id = "001_insert", source = "module:refused-user")]
async fn without_user(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let effects = tx.collection::<Document>("effects");
    effects.count_documents(doc! {}).await?;
    USER_RUNS.open();
    USER_GOES.pass().await;
    effects.insert_one(doc! {}).await?;
    Ok(())
}

/// The user is removed from the server during its run.
#[tokio::test]
async fn i6_the_user_expires_in_the_middle() {
    let server = Guarded::start().await;
    let shop = server.root().await.client().database("shop");
    let create = doc! { "createUser": "ada", "pwd": "ada", "roles": ["readWrite", "dbAdmin"] };
    shop.run_command(create.clone()).await.unwrap();
    let as_ada = async || {
        let database = server.client("ada", "shop").await.database("shop");
        migrator(&database, "module:refused-user").lease(Duration::from_secs(2)).build().unwrap()
    };
    let run = tokio::spawn(as_ada().await.up().into_future());
    USER_RUNS.pass().await;
    shop.run_command(doc! { "dropUser": "ada" }).await.unwrap();
    USER_GOES.open();
    let error = run.await.unwrap().unwrap_err();
    println!("the user is gone: {error}");
    assert!(
        matches!(&error, Error::NotAuthorized { .. } | Error::LeaseLost { .. })
            || matches!(&error, Error::Failed { source, .. } if source.to_string().contains("uthoriz")),
        "{error:?}"
    );
    nothing_is_recorded(&shop).await;
    let stranger = as_ada().await.up().await.unwrap_err();
    println!("and again: {stranger}");
    assert!(matches!(stranger, Error::NotAuthorized { .. }), "{stranger:?}");

    shop.run_command(create).await.unwrap();
    USER_GOES.open();
    as_ada().await.up().await.unwrap();
    all_is_recorded(&shop).await;
}

/// A user cannot end the transaction of another user that has passed the fence. The successor waits until the server ends it, and
/// continues.
#[tokio::test]
async fn i2_no_right_to_kill_the_former_holders_session() {
    let (server, root) = two_users().await;
    let uri = server.client_uri("ada", "ada", "admin");
    let mut stale = Worker::start(&["crash", &uri, "shop", "2000", "pause", "commitTransaction 1"]);
    assert_eq!(stale.line().await.as_deref(), Some("halted at commitTransaction 1"));
    stale.paused().await;
    let database = server.client("bob", "admin").await.database("shop");
    let began = Instant::now();
    let report = crash::migrator(database, Duration::from_secs(20)).up().await.unwrap();
    println!("waited for the server to end a transaction, and all done after {:?}: {report}", began.elapsed());
    assert!(began.elapsed() > Duration::from_secs(3), "the transaction did not block the run: {:?}", began.elapsed());
    assert!(began.elapsed() < 2 * SOON, "took {:?}", began.elapsed());
    stale.cont();
    let end = ended(&mut stale).await;
    assert!(end.starts_with("LeaseLost"), "{end}");
    let shop = root.client().database("shop");
    for id in crash::EXACTLY_ONCE {
        assert_eq!(super::effects(&shop, id).await, 1, "{id}");
    }
    can_be_written(&shop, "effects").await;
}

/// The claim of a range waits until the server ends the transaction of the former worker, too.
#[tokio::test]
async fn i2_no_right_to_kill_the_former_workers_session() {
    let (server, root) = two_users().await;
    let shop = root.client().database("shop");
    fill(&shop, MANY).await;
    let uri = server.client_uri("ada", "ada", "admin");
    let mut stale = Worker::start(&["backfill", &uri, "shop", "2000", "pause", "commitTransaction 4"]);
    assert_eq!(stale.line().await.as_deref(), Some("halted at commitTransaction 4"));
    stale.paused().await;
    let database = server.client("bob", "admin").await.database("shop");
    let began = Instant::now();
    let report = backfill::migrator(database, Duration::from_secs(20)).up().await.unwrap();
    println!("all done after {:?}: {report}", began.elapsed());
    assert!(began.elapsed() > Duration::from_secs(3), "the transaction did not block the range: {:?}", began.elapsed());
    stale.cont();
    println!("{:?}", stale.rest().await);
    assert_once(&shop, MANY, "blocked").await;
}

/// Starts a server with two users who may not end each other's sessions, and returns it with root's `admin` database.
async fn two_users() -> (Guarded, Database) {
    let server = Guarded::start().await;
    let root = server.root().await;
    for user in ["ada", "bob"] {
        let roles = [doc! { "db": "shop", "role": "readWrite" }, doc! { "db": "shop", "role": "dbAdmin" }];
        root.run_command(doc! { "createUser": user, "pwd": user, "roles": roles.to_vec() }).await.unwrap();
    }
    // Shorter than the default of one minute.
    root.run_command(doc! { "setParameter": 1, "transactionLifetimeLimitSeconds": 6 }).await.unwrap();
    (server, root)
}
