//! Settings of a single run.

use std::time::Duration;

use mongodb::bson::doc;
use mongrate::{Error, Tx, migration};
use mongrate_tests::stored::{count, migrator, step, steps};
use mongrate_tests::{Gate, TestDb};

static RUNS: Gate = Gate::new();
static GOES: Gate = Gate::new();

#[migration(id = "001_slow", source = "module:runs-lock-wait", down = undo)]
async fn slow(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "slow").await?;
    RUNS.open();
    GOES.pass().await;
    Ok(())
}

async fn undo(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "undone").await?)
}

#[tokio::test]
async fn a_run_has_its_own_lock_wait() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:runs-lock-wait").lock_wait(Duration::from_secs(60)).build().unwrap();
    let first = tokio::spawn(migrator.up().into_future());
    RUNS.pass().await;
    let error = migrator.up().lock_wait(Duration::ZERO).await.unwrap_err();
    let Error::LockTimeout { waited, .. } = &error else { panic!("{error}") };
    assert!(*waited < Duration::from_secs(10), "{waited:?}");
    let marks = migrator.mark_applied(["module:runs-lock-wait:001_slow"]).lock_wait(Duration::ZERO);
    let error = marks.await.unwrap_err();
    assert!(matches!(error, Error::LockTimeout { .. }), "{error}");
    let too_long = migrator.down().lock_wait(Duration::from_secs(40 * 24 * 60 * 60)).await.unwrap_err();
    assert!(matches!(too_long, Error::InvalidOption { option: "lock_wait", .. }), "{too_long}");

    // The migrator's own is unchanged, and a longer one outlasts the holder.
    let second = tokio::spawn(migrator.up().into_future());
    GOES.open();
    first.await.unwrap().unwrap();
    assert!(second.await.unwrap().unwrap().is_empty());
    migrator.down().lock_wait(Duration::ZERO).await.unwrap();
    assert_eq!(steps(&db).await, ["slow", "undone"]);
}

#[migration(id = "001_step", source = "module:runs-because", down = undo)]
async fn reasonable(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "done").await?)
}

#[migration(id = "002_fails", source = "module:runs-because", deps = ["module:runs-because:001_step"])]
async fn fails(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "never").await?;
    anyhow::bail!("not today")
}

#[tokio::test]
async fn the_history_keeps_the_reason_of_a_run() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:runs-because").build().unwrap();
    migrator.up().by("ana").because("OPS-17").await.unwrap_err();
    migrator.down().because("OPS-18").await.unwrap();
    migrator.up().only("module:runs-because:001_step").await.unwrap();
    assert_eq!(steps(&db).await, ["done", "undone", "done"]);
    for (act, status, because) in [
        ("up", "completed", Some("OPS-17")),
        ("up", "failed", Some("OPS-17")),
        ("down", "rolled-back", Some("OPS-18")),
        ("up", "completed", None),
    ] {
        let entry = doc! { "act": act, "status": status, "because": because };
        assert_eq!(count(&db, "migrations_history", entry).await, 1, "{act} {status} {because:?}");
    }
}
