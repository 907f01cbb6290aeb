//! Migrating at the startup of a service, configured by environment variables.

mod check;
mod environment;
mod not_ready;
mod unreachable;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongrate::{Error, Tx, migration};
use mongrate_tests::stored::{history, lease_is_free, migrator, record, status, step, steps};
use mongrate_tests::{Gate, TestDb};

use crate::logs::Logs;

/// A variable as a lookup of one environment.
fn variables<const N: usize>(
    variables: [(&'static str, &'static str); N],
) -> impl Fn(&str) -> Option<&'static str> + Clone {
    move |name| variables.iter().find(|(there, _)| *there == name).map(|(_, value)| *value)
}

#[migration(id = "001_a", source = "module:boot")]
async fn a(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "a").await?)
}

#[tokio::test]
async fn boot_applies_and_records_the_configured_values() {
    let db = TestDb::new().await;
    let builder = migrator(&db, "module:boot").actor("shop").environment("staging").codebase_version("old");
    let environment = variables([("MONGRATE_ENV", "production"), ("MONGRATE_LEASE_MS", "23000")]);
    let booted = builder.boot().variables(environment).await.unwrap();
    assert_eq!(booted.report().unwrap().applied().count(), 1);
    assert!(booted.error().is_none());
    println!("{booted}");
    assert_eq!(steps(&db).await, ["a"]);
    let record = record(&db, "module:boot:001_a").await.unwrap();
    assert_eq!(record.get_str("environment").unwrap(), "production", "a variable is stronger");
    assert_eq!(record.get_str("codebaseVersion").unwrap(), "old", "where it is set");
    assert_eq!(record.get_str("appliedBy").unwrap(), "shop");
    let lease = db.collection::<Document>("migrations_lock").find_one(doc! { "_id": "lease" }).await.unwrap().unwrap();
    assert_eq!(lease.get_i64("leaseMs").unwrap(), 23_000);
    // The migrator is there for health checks, and is the configured one.
    assert!(booted.migrator().health().await.unwrap().is_ready());
}

#[tokio::test]
async fn nothing_pending_takes_one_command() {
    let db = TestDb::new().await;
    let builder = migrator(&db, "module:boot");
    builder.clone().boot().await.unwrap();
    let _ = db.commands().take();
    let booted = builder.boot().await.unwrap();
    assert_eq!(db.commands().take(), ["find"]);
    assert!(booted.report().unwrap().is_empty());
}

#[migration(id = "001_fails", source = "module:boot-fails")]
async fn fails(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "fails").await?;
    anyhow::bail!("out of cheese")
}

#[migration(id = "002_stands_alone", source = "module:boot-fails")]
async fn stands_alone(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "stands alone").await?)
}

#[tokio::test]
async fn i6_a_failure_is_an_error_and_is_not_retried() {
    let db = TestDb::new().await;
    let error = migrator(&db, "module:boot-fails").boot().await.unwrap_err();
    assert!(matches!(&error, Error::Failed { id, .. } if id == "module:boot-fails:001_fails"), "{error}");
    assert_eq!(history(&db, "module:boot-fails:001_fails").await, ["failed"]);
    assert!(steps(&db).await.is_empty());
}

#[tokio::test]
async fn a_failure_is_logged_and_ignored_on_request() {
    let logs = Logs::default();
    let _guard = tracing::subscriber::set_default(logs.subscriber());
    let db = TestDb::new().await;
    let environment = variables([("MONGRATE_FAIL_HARD", "false")]);
    let booted = migrator(&db, "module:boot-fails").boot().variables(environment).await.unwrap();
    println!("{booted}");
    assert!(matches!(booted.error(), Some(Error::Failed { .. })), "{booted}");
    assert_eq!(booted.report().unwrap().failed().count(), 1);
    assert!(booted.to_string().contains("MONGRATE_FAIL_HARD=false: migration 'module:boot-fails:001_fails' failed"));
    let logs = logs.text();
    let line = logs.lines().find(|line| line.contains("ERROR") && line.contains("MONGRATE_FAIL_HARD=false"));
    let told = "migration 'module:boot-fails:001_fails' failed; the record has the error";
    assert!(line.is_some_and(|line| line.ends_with(told)), "{logs}");
    assert!(!logs.contains("out of cheese"), "what a body says may quote what is stored: {logs}");
    assert!(lease_is_free(&db).await);
    assert!(!booted.migrator().health().await.unwrap().is_ready());
}

#[tokio::test]
async fn independent_migrations_run_after_a_failure_on_request() {
    let db = TestDb::new().await;
    let environment = variables([("MONGRATE_STOP_ON_ERROR", "false")]);
    let error = migrator(&db, "module:boot-fails").boot().variables(environment).await.unwrap_err();
    assert!(matches!(error, Error::Failed { .. }), "{error}");
    assert_eq!(steps(&db).await, ["stands alone"]);
    assert_eq!(status(&db, "module:boot-fails:002_stands_alone").await, "completed");
}

#[tokio::test]
async fn partial_changes_are_an_error_in_any_environment() {
    let db = TestDb::standalone().await;
    let environment = variables([("MONGRATE_FAIL_HARD", "false")]);
    let builder = migrator(&db, "module:boot-fails");
    let error = builder.clone().boot().variables(environment.clone()).await.unwrap_err();
    assert!(matches!(error, Error::Partial { .. }), "{error}");
    // The next start does not continue, either.
    let error = builder.clone().boot().variables(environment).await.unwrap_err();
    assert!(matches!(error, Error::PartiallyApplied { .. }), "{error}");
    let environment = variables([("MONGRATE_FAIL_HARD", "false"), ("MONGRATE_AUTO", "false")]);
    let error = builder.boot().variables(environment).await.unwrap_err();
    assert!(matches!(error, Error::PartiallyApplied { .. }), "{error}");
}

#[migration(id = "001_never_ends", source = "module:boot-never-ends")]
async fn never_ends(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "never").await?;
    std::future::pending().await
}

#[tokio::test]
async fn i6_boot_respects_its_time_limit() {
    let db = TestDb::new().await;
    let environment = variables([("MONGRATE_TIMEOUT_MS", "300")]);
    let error = migrator(&db, "module:boot-never-ends").boot().variables(environment).await.unwrap_err();
    println!("{error}");
    assert!(matches!(error, Error::RunTimedOut { limit, .. } if limit == Duration::from_millis(300)), "{error}");
    assert!(steps(&db).await.is_empty());
    assert_eq!(status(&db, "module:boot-never-ends:001_never_ends").await, "failed");
    assert!(lease_is_free(&db).await);
}

#[tokio::test]
async fn the_builders_time_limit_is_the_default() {
    let no_time = Duration::from_millis(1);
    let refused = TestDb::new().await;
    let builder = migrator(&refused, "module:boot").timeout(no_time);
    let error = builder.boot().variables(variables([])).await.unwrap_err();
    assert!(matches!(error, Error::RunTimedOut { limit, .. } if limit == no_time), "{error}");
    assert!(steps(&refused).await.is_empty());
    for enough in ["none", "60000"] {
        let db = TestDb::new().await;
        let environment = variables([("MONGRATE_TIMEOUT_MS", enough)]);
        migrator(&db, "module:boot").timeout(no_time).boot().variables(environment).await.unwrap();
        assert_eq!(steps(&db).await, ["a"]);
    }
}

static HOLDS_RUNS: Gate = Gate::new();
static HOLDS_GOES: Gate = Gate::new();
static HELD_BEFORE: AtomicBool = AtomicBool::new(false);

#[migration(id = "001_holds", source = "module:boot-holds")]
async fn holds(tx: &mut Tx) -> Result<(), anyhow::Error> {
    assert!(!HELD_BEFORE.swap(true, Ordering::SeqCst));
    step(tx, "holds").await?;
    HOLDS_RUNS.open();
    HOLDS_GOES.pass().await;
    Ok(())
}

#[tokio::test]
async fn boot_respects_lock_wait() {
    let db = TestDb::new().await;
    let builder = migrator(&db, "module:boot-holds");
    let first = tokio::spawn(builder.clone().boot().into_future());
    HOLDS_RUNS.pass().await;
    let environment = variables([("MONGRATE_LOCK_WAIT_MS", "0")]);
    let error = builder.boot().variables(environment).await.unwrap_err();
    assert!(matches!(error, Error::LockTimeout { .. }), "{error}");
    HOLDS_GOES.open();
    first.await.unwrap().unwrap();
    assert_eq!(steps(&db).await, ["holds"]);
}
