//! One process migrates while the others wait.

use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongrate::{Error, Schema, Tx, migration};
use mongrate_tests::stored::{
    can_be_written, collections, count, history, lease_is_free, migrator, record, status, step, steps,
};
use mongrate_tests::{Gate, TestDb, eventually};

static WAITED_RUNS: Gate = Gate::new();
static WAITED_GOES: Gate = Gate::new();

#[migration(id = "001_slow", source = "module:lock-waited")]
async fn waited(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "slow").await?;
    WAITED_RUNS.open();
    WAITED_GOES.pass().await;
    Ok(())
}

#[tokio::test]
async fn i1_a_second_run_waits_and_has_nothing_left_to_do() {
    let db = TestDb::new().await;
    let (replica, commands) = db.replica("second").await;
    let first = tokio::spawn(migrator(&db, "module:lock-waited").actor("first").build().unwrap().up().into_future());
    WAITED_RUNS.pass().await;
    let second = tokio::spawn(migrator(&replica, "module:lock-waited").build().unwrap().up().into_future());

    // It has looked at the lease more than once, and at the records in between.
    eventually("the second one to wait", async || (commands.count().get("find") > Some(&5)).then_some(())).await;
    assert!(!second.is_finished());
    let holder = migrator(&db, "module:lock-waited").build().unwrap().status().await.unwrap();
    let holder = holder.holder().unwrap();
    assert_eq!(holder.actor.as_deref(), Some("first"));
    assert_eq!(holder.pid, i64::from(std::process::id()));

    WAITED_GOES.open();
    assert_eq!(first.await.unwrap().unwrap().applied().count(), 1);
    let report = second.await.unwrap().unwrap();
    assert!(report.is_empty());
    assert!(report.finished_elsewhere(), "{report}");
    println!("{report}");
    assert_eq!(steps(&db).await, ["slow"]);
    // Waiting writes nothing.
    let reads = ["find", "hello", "listCollections"];
    assert!(commands.count().keys().all(|name| reads.contains(&name.as_str())), "{:?}", commands.count());
    assert!(lease_is_free(&db).await);
}

static IMPATIENT_RUNS: Gate = Gate::new();
static IMPATIENT_GOES: Gate = Gate::new();

#[migration(id = "001_slow", source = "module:lock-impatient")]
async fn impatient(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "slow").await?;
    IMPATIENT_RUNS.open();
    IMPATIENT_GOES.pass().await;
    Ok(())
}

#[tokio::test]
async fn i6_a_lock_timeout_names_the_holder() {
    let db = TestDb::new().await;
    // A short lease, so that the heartbeat soon tells what runs.
    let first = migrator(&db, "module:lock-impatient").actor("deploy 7").lease(Duration::from_secs(8)).build().unwrap();
    let first = tokio::spawn(first.up().into_future());
    IMPATIENT_RUNS.pass().await;
    eventually("a heartbeat with what runs", async || {
        let current = doc! { "holder.current": "module:lock-impatient:001_slow" };
        (count(&db, "migrations_lock", current).await == 1).then_some(())
    })
    .await;

    let second = migrator(&db, "module:lock-impatient").lock_wait(Duration::from_millis(300)).build().unwrap();
    let error = second.up().await.unwrap_err();
    println!("{error}");
    let Error::LockTimeout { holder, waited, take_over: None, .. } = &error else { panic!("{error}") };
    assert_eq!(holder.actor.as_deref(), Some("deploy 7"));
    assert_eq!(holder.current.as_deref(), Some("module:lock-impatient:001_slow"));
    assert!(*waited >= Duration::from_millis(300));
    for words in ["deploy 7", &std::process::id().to_string(), "module:lock-impatient:001_slow", "lock_wait"] {
        assert!(error.to_string().contains(words), "{words} is not in: {error}");
    }

    // The holder is not affected.
    IMPATIENT_GOES.open();
    first.await.unwrap().unwrap();
    assert_eq!(steps(&db).await, ["slow"]);
}

static DROPPED_RUNS: Gate = Gate::new();

#[migration(id = "001_never", source = "module:lock-dropped")]
async fn dropped(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "never").await?;
    tx.collection::<Document>("things").update_one(doc! {}, doc! { "$set": { "a": 1 } }).await?;
    DROPPED_RUNS.open();
    std::future::pending().await
}

#[tokio::test]
async fn i6_dropping_the_future_releases_the_lease_and_leaves_nothing() {
    let db = TestDb::new().await;
    db.collection::<Document>("things").insert_one(doc! {}).await.unwrap();
    let migrator = migrator(&db, "module:lock-dropped").build().unwrap();
    let up = tokio::spawn(migrator.up().into_future());
    DROPPED_RUNS.pass().await;
    assert!(!lease_is_free(&db).await);
    up.abort();

    eventually("the lease to be free", async || lease_is_free(&db).await.then_some(())).await;
    assert!(steps(&db).await.is_empty());
    assert!(!collections(&db).await.contains(&"steps".to_owned()));
    assert!(record(&db, "module:lock-dropped:001_never").await.is_none());
    can_be_written(&db, "things").await;
}

static LOOPS: Gate = Gate::new();

#[migration(id = "001_loops", source = "module:lock-loops")]
async fn loops(tx: &mut Tx) -> Result<(), anyhow::Error> {
    // A body that has an error returned by everything that it does after the stop, and does not care.
    loop {
        let _ = step(tx, "again").await;
        LOOPS.open();
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn i6_a_body_that_does_not_end_does_not_keep_the_lease() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:lock-loops").build().unwrap();
    let up = tokio::spawn(migrator.up().into_future());
    LOOPS.pass().await;
    up.abort();
    eventually("the lease to be free", async || lease_is_free(&db).await.then_some(())).await;
    assert!(steps(&db).await.is_empty());
}

static SCHEMA_RUNS: Gate = Gate::new();
static SCHEMA_GOES: Gate = Gate::new();

#[migration(id = "001_index", source = "module:lock-interrupted")]
async fn interrupted(schema: &mut Schema) -> Result<(), anyhow::Error> {
    schema.create_index("users", doc! { "email": 1 }).await?;
    SCHEMA_RUNS.open();
    SCHEMA_GOES.pass().await;
    schema.create_index("users", doc! { "nick": 1 }).await?;
    Ok(())
}

#[tokio::test]
async fn an_interrupted_schema_runs_again_and_says_so() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:lock-interrupted").build().unwrap();
    let up = tokio::spawn(migrator.up().into_future());
    SCHEMA_RUNS.pass().await;
    // Running, by a holder who lives: not interrupted.
    assert_eq!(status(&db, "module:lock-interrupted:001_index").await, "running");
    assert_eq!(migrator.status().await.unwrap().interrupted().count(), 0);
    up.abort();
    // As the migrator reads it, with majority.
    eventually("the lease to be free", async || migrator.status().await.unwrap().holder().is_none().then_some(()))
        .await;
    let status = migrator.status().await.unwrap();
    println!("{status}");
    assert_eq!(status.interrupted().count(), 1);

    SCHEMA_GOES.open();
    SCHEMA_GOES.open();
    let report = migrator.up().await.unwrap();
    assert!(report.warnings().iter().any(|warning| warning.contains("interrupted")), "{report}");
    let record = record(&db, "module:lock-interrupted:001_index").await.unwrap();
    assert_eq!(record.get_str("status").unwrap(), "completed");
    assert_eq!(record.get_i64("attempts").unwrap(), 2);
    assert_eq!(history(&db, "module:lock-interrupted:001_index").await, ["running", "completed"]);
    assert_eq!(db.collection::<Document>("users").list_index_names().await.unwrap().len(), 3);
}
