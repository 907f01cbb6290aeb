//! Health checks.

use mongodb::Database;
use mongodb::bson::{DateTime, Document, doc};
use mongrate::migrator::{Health, HealthStatus};
use mongrate::options::Policy;
use mongrate::{Migrator, Registry, Tx, migration};
use mongrate_tests::stored::{collections, fingerprint, migrator, registry, step, tell, told, untell};
use mongrate_tests::{Gate, TestDb, fleet};

#[migration(id = "001_a", source = "module:health")]
async fn a(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "a").await?)
}

#[migration(id = "002_b", source = "module:health")]
async fn b(tx: &mut Tx) -> Result<(), anyhow::Error> {
    anyhow::ensure!(!told(tx, "fail").await?, "told to fail");
    Ok(step(tx, "b").await?)
}

#[migration(id = "003_by_hand", source = "module:health", manual)]
async fn by_hand(tx: &mut Tx) -> Result<(), anyhow::Error> {
    anyhow::ensure!(!told(tx, "fail").await?, "told to fail");
    Ok(step(tx, "by hand").await?)
}

#[migration(id = "004_waits", source = "module:health", deps = ["module:health:003_by_hand"])]
async fn waits(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "waits").await?)
}

/// Checks status and readiness, and returns the line.
fn line(health: &Health, status: HealthStatus, ready: bool) -> String {
    println!("{health}");
    assert_eq!((health.status(), health.is_ready()), (status, ready), "{health}");
    health.to_string()
}

#[tokio::test]
async fn i4_pending_then_failed_then_healthy() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:health").build().unwrap();
    let health = migrator.health().await.unwrap();
    assert_eq!(db.commands().take(), ["find", "find"]);
    assert!(collections(&db).await.is_empty());
    let isolated: Vec<_> = health.details().isolated().map(|migration| migration.id()).collect();
    assert_eq!(isolated, ["module:health:001_a", "module:health:002_b"]);
    assert_eq!(
        line(&health, HealthStatus::Pending, false),
        "pending: 0 completed; 2 pending (module:health:001_a, module:health:002_b)"
    );

    tell(&db, "fail").await;
    migrator.up().await.unwrap_err();
    let health = migrator.health().await.unwrap();
    assert_eq!(
        line(&health, HealthStatus::Failed, false),
        "failed: 1 completed; 1 failed (module:health:002_b); 1 pending (module:health:002_b)"
    );
    assert_eq!(health.failed()[0].id(), "module:health:002_b");
    assert_eq!(health.details().failed().count(), 1);

    untell(&db, "fail").await;
    migrator.up().await.unwrap();
    let before = fingerprint(&db).await;
    let health = migrator.health().await.unwrap();
    assert_eq!(line(&health, HealthStatus::Healthy, true), "healthy: 2 completed");
    assert!(health.pending().is_empty());
    assert_eq!(fingerprint(&db).await, before);
}

/// A manual migration does not take a service out of the load balancer.
#[tokio::test]
async fn a_failed_manual_migration_is_reported_and_the_service_stays_ready() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:health").build().unwrap();
    migrator.up().await.unwrap();
    tell(&db, "fail").await;
    migrator.up().only("module:health:003_by_hand").await.unwrap_err();
    let health = migrator.health().await.unwrap();
    assert_eq!(line(&health, HealthStatus::Failed, true), "failed: 2 completed; 1 failed (module:health:003_by_hand)");
    untell(&db, "fail").await;
    migrator.up().only("module:health:003_by_hand").await.unwrap();
    // What waited for it waits no more.
    line(&migrator.health().await.unwrap(), HealthStatus::Pending, false);
}

#[tokio::test]
async fn drift_is_not_ready_if_it_is_an_error() {
    let db = TestDb::new().await;
    let builder = migrator(&db, "module:health");
    builder.clone().build().unwrap().up().await.unwrap();
    let changed = doc! { "$set": { "checksum": "t2:0" } };
    db.collection::<Document>("migrations").update_one(doc! { "_id": "module:health:001_a" }, changed).await.unwrap();
    let health = builder.clone().build().unwrap().health().await.unwrap();
    let told = line(&health, HealthStatus::Drifted, true);
    assert_eq!(told, "drifted: 2 completed; 1 changed since (module:health:001_a)");
    line(&builder.drift(Policy::Error).build().unwrap().health().await.unwrap(), HealthStatus::Drifted, false);
}

/// A partially applied migration is not retried, so nothing is pending, but the service must not continue.
#[tokio::test]
async fn partial_changes_are_a_failure() {
    let db = TestDb::standalone().await;
    tell(&db, "fail").await;
    let migrator = migrator(&db, "module:health").build().unwrap();
    migrator.up().await.unwrap_err();
    let health = migrator.health().await.unwrap();
    assert_eq!(line(&health, HealthStatus::Failed, false), "failed: 1 completed; 1 failed (module:health:002_b)");
    untell(&db, "fail").await;
    migrator.up().only("module:health:002_b").await.unwrap();
    line(&migrator.health().await.unwrap(), HealthStatus::Healthy, true);
}

/// It is applied, so a boot would find nothing to do.
#[tokio::test]
async fn a_failed_verification_is_a_failure_and_the_service_stays_ready() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:health").build().unwrap();
    migrator.up().await.unwrap();
    let said_no = doc! { "$set": { "verificationFailed": true } };
    db.collection::<Document>("migrations").update_one(doc! { "_id": "module:health:001_a" }, said_no).await.unwrap();
    let health = migrator.health().await.unwrap();
    assert_eq!(line(&health, HealthStatus::Failed, true), "failed: 2 completed; 1 failed (module:health:001_a)");
}

#[tokio::test]
async fn a_long_list_is_truncated() {
    let db = TestDb::new().await;
    let health = migrator(&db, fleet::SOURCES[0]).build().unwrap().health().await.unwrap();
    let line = line(&health, HealthStatus::Pending, false);
    assert!(line.contains("; 20 pending (module:fleet-tx:001_a, "), "{line}");
    assert!(line.ends_with(", module:fleet-tx:005_e and 15 more)"), "{line}");
    assert_eq!(health.pending().len(), 20);
}

static SLOW_RUNS: Gate = Gate::new();
static SLOW_GOES: Gate = Gate::new();

#[migration(id = "001_early", source = "module:health-busy")]
async fn early(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "early").await?)
}

#[migration(id = "002_slow", source = "module:health-busy")]
async fn slow(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "slow").await?;
    SLOW_RUNS.open();
    SLOW_GOES.pass().await;
    anyhow::ensure!(!told(tx, "fail").await?, "told to fail");
    Ok(())
}

async fn lease(db: &Database) -> Document {
    db.collection::<Document>("migrations_lock").find_one(doc! { "_id": "lease" }).await.unwrap().unwrap()
}

/// A rolling update: the newer version migrates, while the older one serves.
#[tokio::test]
async fn while_a_newer_version_migrates_the_older_one_stays_ready() {
    let db = TestDb::new().await;
    let newer = migrator(&db, "module:health-busy").actor("newer").build().unwrap();
    let older: Registry = registry(&["module:health-busy"]).into_iter().take(1).collect();
    let older = Migrator::builder(db.clone()).registry(older).build().unwrap();
    older.up().await.unwrap();
    tell(&db, "fail").await;

    let run = tokio::spawn(newer.up().into_future());
    SLOW_RUNS.pass().await;
    let told = line(&older.health().await.unwrap(), HealthStatus::Busy, true);
    assert!(told.starts_with("busy: 1 completed; being migrated by process "), "{told}");
    assert!(told.contains("(by newer)"), "{told}");
    let told = line(&newer.health().await.unwrap(), HealthStatus::Busy, false);
    assert!(told.contains("; 1 pending (module:health-busy:002_slow); being migrated by "), "{told}");
    let holder = lease(&db).await.get_document("holder").unwrap().clone();
    SLOW_GOES.open();
    run.await.unwrap().unwrap_err();
    line(&older.health().await.unwrap(), HealthStatus::Healthy, true);
    line(&newer.health().await.unwrap(), HealthStatus::Failed, false);

    // The retry is running. The migration counts as failed until it succeeds.
    untell(&db, "fail").await;
    let run = tokio::spawn(newer.up().into_future());
    SLOW_RUNS.pass().await;
    assert!(line(&newer.health().await.unwrap(), HealthStatus::Failed, false).contains("being migrated by"));
    SLOW_GOES.open();
    run.await.unwrap().unwrap();
    line(&newer.health().await.unwrap(), HealthStatus::Healthy, true);

    // A dead holder is not busy.
    let dead = doc! { "$set": { "holder": holder, "expiresAt": DateTime::from_millis(0) } };
    db.collection::<Document>("migrations_lock").update_one(doc! { "_id": "lease" }, dead).await.unwrap();
    let told = line(&newer.health().await.unwrap(), HealthStatus::Healthy, true);
    assert!(told.contains("; held by process ") && told.contains("its lease has expired"), "{told}");
}
