//! Replicas that wait while another one fails: they share a permanent failure.

use std::future::IntoFuture;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use mongodb::Database;
use mongrate::events::Event;
use mongrate::migrator::Up;
use mongrate::{Error, Migrator, Report, Schema, Tx, migration};
use mongrate_tests::stored::{history, lease_is_free, migrator, step, steps};
use mongrate_tests::{Gate, TestDb};

/// Where the first of two replicas stands in its body, and how often bodies have run.
struct Course {
    runs: AtomicU32,
    begun: Gate,
    goes: Gate,
}

impl Course {
    const fn new() -> Self {
        Self { runs: AtomicU32::new(0), begun: Gate::new(), goes: Gate::new() }
    }

    /// Runs; the first one until the other replica waits.
    async fn run(&self) {
        if self.runs.fetch_add(1, Ordering::SeqCst) == 0 {
            self.begun.open();
            self.goes.pass().await;
        }
    }

    fn runs(&self) -> u32 {
        self.runs.load(Ordering::SeqCst)
    }
}

/// Both results: of the one that ran, and of the one that waited for it.
async fn both(
    db: &TestDb,
    source: &str,
    course: &Course,
    set: impl Fn(Up) -> Up,
) -> (Migrator, [Result<Report, Error>; 2]) {
    let first = migrator(db, source).build().unwrap();
    let run = tokio::spawn(set(first.up()).into_future());
    course.begun.pass().await;
    let (replica, _) = db.replica(&format!("{}_second", db.app_name())).await;
    let second = migrator(&replica, source).build().unwrap();
    let mut events = second.events();
    let waits = tokio::spawn(set(second.up()).into_future());
    while !matches!(events.next().await, Some(Event::Waiting { .. })) {}
    course.goes.open();
    let results = [run.await.unwrap(), waits.await.unwrap()];
    (second, results)
}

static TX: Course = Course::new();

#[migration(id = "001_fails", source = "module:waited")]
async fn fails(_: &mut Tx) -> Result<(), anyhow::Error> {
    TX.run().await;
    Err(anyhow::anyhow!("told to fail").context("in the body"))
}

#[migration(id = "002_fine", source = "module:waited")]
async fn fine(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "fine").await?)
}

#[tokio::test]
async fn a_replica_that_waited_returns_the_failure_and_the_next_up_runs_again() {
    const ID: &str = "module:waited:001_fails";
    let db = TestDb::new().await;
    let (second, [ran, waited]) = both(&db, "module:waited", &TX, |up| up).await;
    let (ran, waited) = (ran.unwrap_err(), waited.unwrap_err());
    println!("{waited}");
    let Error::Failed { id, message, source, report, .. } = &waited else { panic!("{waited}") };
    assert_eq!((id.as_str(), message.as_str()), (ID, "in the body: told to fail"));
    assert_eq!(waited.to_string(), ran.to_string());
    assert_eq!(source.source().unwrap().to_string(), "told to fail");
    assert_eq!(report.not_run(), ["module:waited:002_fine"]);
    assert!(report.warnings().iter().any(|warning| warning.contains("while this one waited")), "{report}");
    // It ran once and was recorded once.
    assert_eq!((TX.runs(), history(&db, ID).await), (1, vec!["failed".to_owned()]));
    assert!(lease_is_free(&db).await);

    second.up().await.unwrap_err();
    assert_eq!((TX.runs(), history(&db, ID).await.len()), (2, 2));
    // Of a process that starts later, too.
    migrator(&db, "module:waited").build().unwrap().up().await.unwrap_err();
    assert_eq!(TX.runs(), 3);
}

static GOING_ON: Course = Course::new();

#[migration(id = "001_fails", source = "module:waited-on")]
async fn fails_raw(_: &Database) -> Result<(), anyhow::Error> {
    GOING_ON.run().await;
    anyhow::bail!("told to fail")
}

#[migration(id = "002_above", source = "module:waited-on", deps = ["module:waited-on:001_fails"])]
async fn above(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "above").await?)
}

#[migration(id = "003_beside", source = "module:waited-on")]
async fn beside(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "beside").await?)
}

#[tokio::test]
async fn i3_a_replica_that_waited_continues_with_independent_migrations_on_request() {
    let db = TestDb::new().await;
    let first = migrator(&db, "module:waited-on").build().unwrap();
    let run = tokio::spawn(first.up().into_future());
    GOING_ON.begun.pass().await;
    let second = migrator(&db, "module:waited-on").build().unwrap();
    let mut events = second.events();
    let waits = tokio::spawn(second.up().continue_on_error(true).into_future());
    while !matches!(events.next().await, Some(Event::Waiting { .. })) {}
    GOING_ON.goes.open();
    assert_eq!(run.await.unwrap().unwrap_err().report().unwrap().not_run().len(), 2);
    let waited = waits.await.unwrap().unwrap_err();
    assert!(matches!(&waited, Error::Failed { id, .. } if id == "module:waited-on:001_fails"), "{waited}");
    assert_eq!(waited.report().unwrap().not_run(), ["module:waited-on:002_above"]);
    assert_eq!((GOING_ON.runs(), steps(&db).await), (1, vec!["beside".to_owned()]));
}

static PASSES: Course = Course::new();

#[migration(id = "001_fails_once", source = "module:waited-passes")]
async fn fails_once(_: &mut Schema) -> Result<(), mongodb::error::Error> {
    PASSES.run().await;
    if PASSES.runs() == 1 { Err(io::Error::other("the connection was reset").into()) } else { Ok(()) }
}

#[tokio::test]
async fn a_transient_failure_is_retried_by_the_replica_that_waited() {
    let db = TestDb::new().await;
    let (_, [ran, waited]) = both(&db, "module:waited-passes", &PASSES, |up| up).await;
    ran.unwrap_err();
    assert_eq!(waited.unwrap().applied().count(), 1);
    assert_eq!(PASSES.runs(), 2);
}
