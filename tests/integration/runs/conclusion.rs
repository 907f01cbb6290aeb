//! A run that had the lease ends with an entry of its own.

use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::events::Event;
use mongrate::{Error, Tx, migration};
use mongrate_tests::stored::{migrator, step, steps, tell, told, untell};
use mongrate_tests::{FailPoint, Gate, TestDb};

const FIRST: &str = "module:runs-conclusion:001_first";
const SECOND: &str = "module:runs-conclusion:002_second";

#[migration(id = "001_first", source = "module:runs-conclusion", down = undo)]
async fn first(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "first").await?)
}

async fn undo(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "undone").await?)
}

#[migration(id = "002_second", source = "module:runs-conclusion", down = undo)]
async fn second(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "second").await?;
    while told(tx, "wait").await? {}
    anyhow::ensure!(!told(tx, "fail").await?, "told to");
    Ok(())
}

/// The entries that end a run, in the order of their tokens.
async fn conclusions(db: &Database) -> Vec<Document> {
    let entries = db.collection::<Document>("migrations_history");
    let found = entries.find(doc! { "act": "run" }).sort(doc! { "token": 1 }).await.unwrap();
    found.try_collect().await.unwrap()
}

fn text<'d>(entry: &'d Document, field: &str) -> Option<&'d str> {
    entry.get_str(field).ok()
}

#[tokio::test]
async fn i6_every_run_with_the_lease_is_on_record() {
    let db = TestDb::new().await;
    let builder = migrator(&db, "module:runs-conclusion").actor("boot").environment("test").codebase_version("1.2.3");
    let migrator = builder.build().unwrap();
    tell(&db, "fail").await;
    migrator.up().by("ana").because("OPS-17").await.unwrap_err();
    untell(&db, "fail").await;
    migrator.up().await.unwrap();
    migrator.down().because("OPS-18").await.unwrap();
    migrator.mark_applied([SECOND]).by("ben").because("by hand").await.unwrap();
    // Nothing to do, and only to be looked at: no lease, no entry.
    migrator.up().await.unwrap();
    migrator.down().dry_run(true).await.unwrap();
    assert_eq!(steps(&db).await, ["first", "second", "undone"]);

    let entries = conclusions(&db).await;
    let expected = [
        (1, "failed", Some(1), "ana", Some("OPS-17")),
        (2, "completed", Some(2), "boot", None),
        (3, "completed", None, "boot", Some("OPS-18")),
        (4, "completed", None, "ben", Some("by hand")),
    ];
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            let (token, batch) = (entry.get_i64("token").unwrap(), entry.get_i64("batch").ok());
            (token, text(entry, "status").unwrap(), batch, text(entry, "by").unwrap(), text(entry, "because"))
        })
        .collect();
    assert_eq!(told, expected);
    let error = text(&entries[0], "error").unwrap();
    assert!(error.contains(SECOND) && error.contains("told to"), "{error}");
    let steps = db.collection::<Document>("migrations_history");
    for entry in &entries {
        assert_eq!((text(entry, "environment"), text(entry, "codebaseVersion")), (Some("test"), Some("1.2.3")));
        assert_eq!(entry.get_i64("pid").unwrap(), i64::from(std::process::id()));
        assert_eq!(entry.get("migrationId"), None);
        let token = entry.get_i64("token").unwrap();
        let step = steps.find_one(doc! { "act": { "$ne": "run" }, "token": token }).await.unwrap().unwrap();
        let (run, step) = (entry.get_datetime("executedAt").unwrap(), step.get_datetime("executedAt").unwrap());
        assert!(run <= step, "{entry}");
        assert!(entry.get_i64("executionDuration").unwrap() >= 0);
    }
}

/// Its entries are those of migrations and acts, as before.
#[tokio::test]
async fn the_history_leaves_out_the_ends_of_runs() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:runs-conclusion").build().unwrap();
    migrator.up().await.unwrap();
    migrator.down().steps(2).await.unwrap();
    let page = migrator.history().await.unwrap();
    assert_eq!((page.entries.len(), page.total), (4, 4));
    assert!(page.entries.iter().all(|entry| entry.migration_id.is_some()), "{page}");
    let statistics = migrator.statistics().await.unwrap();
    assert_eq!(
        statistics.iter().map(|each| (each.id.as_str(), each.count)).collect::<Vec<_>>(),
        [(FIRST, 1), (SECOND, 1)]
    );
    assert_eq!(conclusions(&db).await.len(), 2);
    migrator.up().await.unwrap();
    // The number of the second `up`, whatever the runs in between.
    assert_eq!(conclusions(&db).await[2].get_i64("batch").unwrap(), 2);
    assert!(migrator.validate().await.unwrap().findings().is_empty());
}

#[tokio::test]
async fn i6_a_stopped_run_is_on_record() {
    let db = TestDb::new().await;
    tell(&db, "wait").await;
    let migrator = migrator(&db, "module:runs-conclusion").build().unwrap();
    let mut events = migrator.events();
    let run = tokio::spawn(migrator.up().into_future());
    while !matches!(events.next().await, Some(Event::Operation { migration, .. }) if migration.id() == SECOND) {}
    migrator.shutdown().await;
    run.await.unwrap().unwrap_err();
    let [entry] = &conclusions(&db).await[..] else { panic!("one run") };
    assert_eq!((text(entry, "status"), text(entry, "error")), (Some("running"), Some("the run was interrupted")));
    assert_eq!(entry.get_i64("batch").unwrap(), 1);
}

/// Two runs have read before either of them takes the lease.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_finds_nothing_to_do_under_the_lease_is_on_record() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:runs-conclusion").build().unwrap();
    migrator.up().only(FIRST).await.unwrap();
    let slow = doc! { "failCommands": ["findAndModify"], "blockConnection": true, "blockTimeMS": 500 };
    let slow = FailPoint::always(&db, slow).await;
    let both = || migrator.down().only(FIRST).into_future();
    let (one, two) = tokio::join!(both(), both());
    drop(slow);
    let tokens = [one.unwrap().token(), two.unwrap().token()];
    assert_eq!(steps(&db).await, ["first", "undone"]);
    let entries = conclusions(&db).await;
    // A run that waited in vain for the other one never had the lease.
    let with_lease = tokens.iter().flatten().count();
    assert_eq!(entries.len(), 1 + with_lease);
    assert!(entries.iter().all(|entry| text(entry, "status") == Some("completed")), "{entries:?}");
}

static RUNS: Gate = Gate::new();
static GOES: Gate = Gate::new();

#[migration(id = "001_slow", source = "module:runs-conclusion-lost")]
async fn slow(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "slow").await?;
    RUNS.open();
    GOES.pass().await;
    Ok(step(tx, "never").await?)
}

#[tokio::test]
async fn i2_a_run_that_lost_its_lease_writes_no_entry() {
    let db = TestDb::new().await;
    let holder = migrator(&db, "module:runs-conclusion-lost").lease(Duration::from_secs(60)).build().unwrap();
    let run = tokio::spawn(holder.up().into_future());
    RUNS.pass().await;
    let operator = migrator(&db, "module:runs-conclusion-lost").build().unwrap();
    operator.force_unlock().await.unwrap().unwrap();
    GOES.open();
    let error = run.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::LeaseLost { .. }), "{error}");
    assert!(conclusions(&db).await.is_empty());
    let page = operator.history().await.unwrap();
    assert_eq!(page.total, 1, "{page}");
}
