//! Applied migrations that have changed, and records of removed migrations.

use mongodb::bson::{Document, doc};
use mongrate::migration::State;
use mongrate::options::Policy;
use mongrate::{Error, Migrator, Registry, Tx, migration};
use mongrate_tests::stored::{fingerprint, lease_is_free, migrator, record, registry, step, steps};
use mongrate_tests::{Gate, TestDb, eventually};

#[migration(id = "001_a", source = "module:drift")]
async fn a(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "a").await?)
}

#[migration(id = "002_b", source = "module:drift")]
async fn b(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "b").await?)
}

/// `001_a` is applied, and its record says that it was another function then.
async fn drifted(checksum: &str) -> TestDb {
    let db = TestDb::new().await;
    migrator(&db, "module:drift").build().unwrap().up().only("module:drift:001_a").await.unwrap();
    let records = db.collection::<Document>("migrations");
    let change = doc! { "$set": { "checksum": checksum } };
    assert_eq!(records.update_one(doc! {}, change).await.unwrap().modified_count, 1);
    db
}

#[tokio::test]
async fn drift_is_a_warning_by_default() {
    let db = drifted("t2:0").await;
    let migrator = migrator(&db, "module:drift").build().unwrap();
    let report = migrator.up().await.unwrap();
    assert!(report.warnings().iter().any(|warning| warning.contains("module:drift:001_a")), "{report}");
    // It does not run again, and its record stays.
    assert_eq!(steps(&db).await, ["a", "b"]);
    assert_eq!(record(&db, "module:drift:001_a").await.unwrap().get_str("checksum").unwrap(), "t2:0");

    let status = migrator.status().await.unwrap();
    let ids: Vec<_> = status.drifted().map(|(migration, _)| migration.id()).collect();
    assert_eq!(ids, ["module:drift:001_a"]);
    println!("{status}");
    let again = migrator.up().await.unwrap();
    assert!(again.is_empty() && again.warnings().len() == 1, "{again}");
}

#[tokio::test]
async fn drift_is_an_error_before_anything_runs_if_configured() {
    let db = drifted("t2:0").await;
    let before = fingerprint(&db).await;
    let migrator = migrator(&db, "module:drift").drift(Policy::Error).build().unwrap();
    let error = migrator.up().await.unwrap_err();
    println!("{error}");
    assert!(matches!(&error, Error::Drift { ids } if ids == &["module:drift:001_a"]), "{error}");
    assert_eq!(steps(&db).await, ["a"]);
    assert_eq!(fingerprint(&db).await, before);
    assert!(lease_is_free(&db).await);
}

static SLOW_RUNS: Gate = Gate::new();
static SLOW_GOES: Gate = Gate::new();

#[migration(id = "001_early", source = "module:drift-meanwhile")]
async fn early(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "early").await?)
}

#[migration(id = "002_slow", source = "module:drift-meanwhile")]
async fn slow(tx: &mut Tx) -> Result<(), anyhow::Error> {
    SLOW_RUNS.open();
    SLOW_GOES.pass().await;
    Ok(step(tx, "slow").await?)
}

#[migration(id = "003_new", source = "module:drift-meanwhile")]
async fn new(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "new").await?)
}

/// Two versions of a program boot together, as in a rolling update. The newer one may have something left to do when the
/// older one has finished, or nothing.
#[tokio::test]
async fn drift_during_the_wait_is_an_error() {
    let older: Registry = registry(&["module:drift-meanwhile"]).into_iter().take(2).collect();
    for newer in [older.clone(), registry(&["module:drift-meanwhile"])] {
        let db = TestDb::new().await;
        let first =
            tokio::spawn(Migrator::builder(db.clone()).registry(older.clone()).build().unwrap().up().into_future());
        SLOW_RUNS.pass().await;
        let (replica, commands) = db.replica("newer").await;
        let second = Migrator::builder(replica).registry(newer).drift(Policy::Error).build().unwrap();
        let second = tokio::spawn(second.up().into_future());
        eventually("the newer one to wait", async || (commands.count().get("find") > Some(&5)).then_some(())).await;

        let records = db.collection::<Document>("migrations");
        records.update_one(doc! {}, doc! { "$set": { "checksum": "t2:0" } }).await.unwrap();
        SLOW_GOES.open();
        first.await.unwrap().unwrap();
        let error = second.await.unwrap().unwrap_err();
        assert!(matches!(&error, Error::Drift { ids } if ids == &["module:drift-meanwhile:001_early"]), "{error}");
        assert_eq!(steps(&db).await, ["early", "slow"]);
        assert!(lease_is_free(&db).await);
    }
}

#[tokio::test]
async fn a_checksum_of_another_algorithm_is_not_drift() {
    let db = drifted("t0:0").await;
    let report = migrator(&db, "module:drift").drift(Policy::Error).build().unwrap().up().await.unwrap();
    assert!(report.warnings().is_empty(), "{report}");
    assert_eq!(steps(&db).await, ["a", "b"]);
}

#[tokio::test]
async fn i7_a_record_without_its_migration_is_reported_and_kept() {
    let db = TestDb::new().await;
    migrator(&db, "module:drift").build().unwrap().up().await.unwrap();
    let gone = record(&db, "module:drift:001_a").await.unwrap();

    // The next release does not have `001_a` any more.
    let rest: Registry =
        registry(&["module:drift"]).into_iter().filter(|migration| migration.id() != "module:drift:001_a").collect();
    let migrator = Migrator::builder(db.clone()).registry(rest).drift(Policy::Error).build().unwrap();
    let report = migrator.up().await.unwrap();
    assert!(report.warnings().iter().any(|warning| warning.contains("module:drift:001_a")), "{report}");
    let status = migrator.status().await.unwrap();
    assert_eq!(status.orphans().iter().map(|orphan| orphan.id.as_str()).collect::<Vec<_>>(), ["module:drift:001_a"]);
    assert_eq!(status.state("module:drift:001_a"), None);
    assert_eq!(status.state("module:drift:002_b"), Some(State::Completed));
    assert_eq!(record(&db, "module:drift:001_a").await.unwrap(), gone);

    // And the release after has it again: it does not run a second time.
    self::migrator(&db, "module:drift").build().unwrap().up().await.unwrap();
    assert_eq!(steps(&db).await, ["a", "b"]);
}

#[tokio::test]
async fn i7_records_of_other_sources_are_not_orphans() {
    let db = TestDb::new().await;
    migrator(&db, "module:drift").build().unwrap().up().await.unwrap();
    let status = migrator(&db, "module:order").build().unwrap().status().await.unwrap();
    assert!(status.orphans().is_empty(), "{status}");
}
