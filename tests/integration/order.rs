//! The selection and the order of migrations.

use mongodb::bson::doc;
use mongrate::{Error, Migrator, Registry, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, count, migrator, record, registry, step, steps};

// Declared in an order that is none, with a dependency on a higher number and one on another source.

#[migration(id = "003_c", source = "module:order", deps = ["module:order:002_b"])]
async fn order_c(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "c").await?)
}

#[migration(id = "001_a", source = "module:order", deps = ["module:order:004_d"])]
async fn order_a(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "a").await?)
}

#[migration(id = "004_d", source = "module:order")]
async fn order_d(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "d").await?)
}

#[migration(id = "002_b", source = "module:order", deps = ["module:order-base:001_base", "module:order:001_a"])]
async fn order_b(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "b").await?)
}

#[migration(id = "001_base", source = "module:order-base")]
async fn order_base(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "base").await?)
}

// Dates of several lengths: a longer one is later than its beginning.

#[migration(id = "20240109000000123-name", source = "module:order-dates")]
async fn at_a_millisecond(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "20240109000000123").await?)
}

#[migration(id = "20240109000000-name", source = "module:order-dates")]
async fn at_midnight(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "20240109000000").await?)
}

#[migration(id = "20240110_name", source = "module:order-dates")]
async fn on_the_next_day(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "20240110").await?)
}

#[migration(id = "999_name", source = "module:order-dates")]
async fn before_all_dates(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "999").await?)
}

#[tokio::test]
async fn dates_with_milliseconds_run_in_their_order_and_are_found_by_id() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:order-dates").build().unwrap();
    migrator.up().await.unwrap();
    assert_eq!(steps(&db).await, ["999", "20240109000000", "20240109000000123", "20240110"]);
    let id = "module:order-dates:20240109000000123-name";
    assert!(record(&db, id).await.is_some());
    assert!(migrator.registry().get(id).is_some());
}

const ORDER: [&str; 2] = ["module:order", "module:order-base"];

#[tokio::test]
async fn i3_dependencies_run_first_even_across_sources() {
    let db = TestDb::new().await;
    let migrator = Migrator::builder(db.clone()).registry(registry(&ORDER)).build().unwrap();
    let report = migrator.up().await.unwrap();
    assert_eq!(steps(&db).await, ["d", "a", "base", "b", "c"]);
    assert_eq!(report.applied().count(), 5);
    assert!(report.not_run().is_empty());
}

#[tokio::test]
async fn i5_the_order_is_independent_of_the_registrys_construction() {
    let db = TestDb::new().await;
    let mut ids = Vec::new();
    for reversed in [false, true] {
        let mut migrations: Vec<_> = registry(&ORDER).into_iter().collect();
        if reversed {
            migrations.reverse();
        }
        let migrator = Migrator::builder(db.clone()).registry(migrations.into_iter().collect()).build().unwrap();
        let plan = migrator.plan().await.unwrap();
        ids.push(plan.iter().map(|step| step.migration().id()).collect::<Vec<_>>());
        let pending: Vec<_> = migrator.status().await.unwrap().pending().map(|migration| migration.id()).collect();
        assert_eq!(ids.last(), Some(&pending));
    }
    assert_eq!(ids[0], ids[1]);
    assert_eq!(ids[0].len(), 5);
}

#[tokio::test]
async fn i3_a_single_source_requires_its_dependencies_in_other_sources() {
    let db = TestDb::new().await;
    let order = migrator(&db, "module:order").build().unwrap();
    let error = order.up().await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::UnselectedDependency { migration: "module:order:002_b", dependency: "module:order-base:001_base" }
        ),
        "{error}"
    );
    assert!(collections(&db).await.is_empty());

    migrator(&db, "module:order-base").build().unwrap().up().await.unwrap();
    order.up().await.unwrap();
    assert_eq!(steps(&db).await, ["base", "d", "a", "b", "c"]);
}

#[tokio::test]
async fn an_unknown_source_is_an_error() {
    let db = TestDb::new().await;
    let error = migrator(&db, "module:odrer").build().unwrap().up().await.unwrap_err();
    assert!(matches!(&error, Error::UnknownSource { name, .. } if name == "module:odrer"), "{error}");
}

#[migration(id = "001_a", source = "module:only")]
async fn only_a(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "a").await?)
}

#[migration(id = "002_b", source = "module:only", deps = ["module:only:001_a"])]
async fn only_b(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "b").await?)
}

#[migration(id = "003_c", source = "module:only")]
async fn only_c(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "c").await?)
}

#[migration(id = "004_by_hand", source = "module:only", manual)]
async fn only_by_hand(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "by hand").await?)
}

#[migration(id = "005_after", source = "module:only", deps = ["module:only:004_by_hand"])]
async fn only_after(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "after").await?)
}

#[tokio::test]
async fn i3_a_named_migration_runs_with_its_pending_dependencies_only() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:only").build().unwrap();
    migrator.up().only("module:only:002_b").await.unwrap();
    assert_eq!(steps(&db).await, ["a", "b"]);
    assert_eq!(count(&db, "migrations", doc! {}).await, 2);

    // Completed, so nothing runs.
    assert!(migrator.up().only("module:only:002_b").await.unwrap().is_empty());
    assert_eq!(steps(&db).await, ["a", "b"]);
}

#[tokio::test]
async fn i3_a_manual_migration_runs_when_named_and_its_dependents_wait() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:only").build().unwrap();
    let error = migrator.up().only("module:only:005_after").await.unwrap_err();
    assert!(matches!(error, Error::ManualDependency { dependency: "module:only:004_by_hand", .. }), "{error}");

    let report = migrator.up().by("ada").await.unwrap();
    assert_eq!(steps(&db).await, ["a", "b", "c"]);
    assert!(report.warnings().iter().any(|warning| warning.contains("004_by_hand")), "{report}");

    // Blocked migrations are not work.
    let again = migrator.up().await.unwrap();
    assert!(again.is_empty());
    assert!(again.to_string().ends_with("Nothing to apply now; 1 waiting."), "{again}");
    assert!(again.warnings().iter().any(|warning| warning.contains("004_by_hand")), "{again}");

    migrator.up().only("module:only:004_by_hand").by("grace").await.unwrap();
    migrator.up().await.unwrap();
    assert_eq!(steps(&db).await, ["a", "b", "c", "by hand", "after"]);
    let by = |record: Option<mongodb::bson::Document>| record.unwrap().get_str("appliedBy").unwrap().to_owned();
    assert_eq!(by(record(&db, "module:only:001_a").await), "ada");
    assert_eq!(by(record(&db, "module:only:004_by_hand").await), "grace");
    assert!(record(&db, "module:only:005_after").await.unwrap().get("appliedBy").is_none());
}

#[tokio::test]
async fn a_misspelled_name_gets_a_suggestion() {
    let db = TestDb::new().await;
    let error = migrator(&db, "module:only").build().unwrap().up().only("module:only:002_bb").await.unwrap_err();
    assert!(matches!(error, Error::UnknownMigration { nearest: Some("module:only:002_b"), .. }), "{error}");
    assert!(collections(&db).await.is_empty());

    let all = Registry::linked();
    let narrow = Migrator::builder(db.clone()).registry(all.source("module:only")).build().unwrap();
    let error = narrow.up().only("module:order:001_a").await.unwrap_err();
    assert!(matches!(error, Error::NotSelected { id: "module:order:001_a" }), "{error}");
}
