//! `only_in` and `when`: migrations that do not belong to every database.

use mongodb::bson::{Document, doc};
use mongrate::migration::{Conditions, State};
use mongrate::{Error, MigratorBuilder, Report, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, documents, migrator, record, status};

const BASE: &str = "module:excluded:001_base";
const DEV: &str = "module:excluded:002_dev";
const AFTER: &str = "module:excluded:003_after";
const EU: &str = "module:excluded:004_eu";

struct Region(&'static str);

/// Makes the condition of [`eu`] panic.
struct Unknown;

async fn note(tx: &Tx, id: &str) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! { "_id": id }).await.map(drop)
}

#[migration(id = "001_base", source = "module:excluded")]
async fn base(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    note(tx, BASE).await
}

#[migration(id = "002_dev", source = "module:excluded", deps = ["module:excluded:001_base"], only_in = ["dev", "test"], down = no_dev)]
async fn dev(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    note(tx, DEV).await
}

async fn no_dev(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").delete_one(doc! { "_id": DEV }).await.map(drop)
}

#[migration(id = "003_after", source = "module:excluded", deps = ["module:excluded:002_dev"])]
async fn after(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    note(tx, AFTER).await
}

#[migration(id = "004_eu", source = "module:excluded", when = is_in_the_eu)]
async fn eu(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    note(tx, EU).await
}

fn is_in_the_eu(conditions: &Conditions) -> bool {
    assert!(conditions.provided::<Unknown>().is_none(), "no region");
    conditions.provided::<Region>().is_some_and(|region| region.0 == "eu")
}

fn builder(db: &TestDb) -> MigratorBuilder {
    migrator(db, "module:excluded")
}

fn applied(report: &Report) -> Vec<&str> {
    report.applied().map(|execution| execution.id.as_str()).collect()
}

async fn effects(db: &TestDb) -> Vec<String> {
    let mut ids: Vec<_> =
        documents(db, "effects").await.iter().map(|effect| effect.get_str("_id").unwrap().to_owned()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn i3_dependents_do_not_wait_for_what_is_excluded() {
    let db = TestDb::new().await;
    let here = builder(&db).build().unwrap();
    assert_eq!(applied(&here.up().await.unwrap()), [BASE, AFTER]);
    assert_eq!(effects(&db).await, [BASE, AFTER]);
    // It is stored nowhere.
    assert!(record(&db, DEV).await.is_none());

    let now = here.status().await.unwrap();
    assert_eq!(now.excluded().map(|migration| migration.id()).collect::<Vec<_>>(), [DEV, EU]);
    assert_eq!((now.pending().count(), now.completed().count()), (0, 2));
    let text = now.to_string();
    assert!(text.contains("excluded     module:excluded:002_dev (only in dev, test)"), "{text}");
    assert!(text.contains("excluded     module:excluded:004_eu (when is_in_the_eu)"), "{text}");
    assert!(here.health().await.unwrap().is_ready());
    assert!(here.validate().await.unwrap().is_valid());

    // Now its answer changes: it runs out of order, and says so.
    let dev = builder(&db).environment("dev").build().unwrap();
    let report = dev.up().await.unwrap();
    assert_eq!(applied(&report), [DEV]);
    let warning =
        "'module:excluded:002_dev' runs after its dependents, which are already applied: module:excluded:003_after";
    assert!(report.warnings().iter().any(|text| text == warning), "{:?}", report.warnings());

    // What is applied stays applied where the condition does not hold, and can be reverted there.
    assert_eq!(here.status().await.unwrap().state(DEV), Some(State::Completed));
    here.down().only(DEV).with_dependents(true).await.unwrap_err();
    here.mark_pending([AFTER]).await.unwrap();
    here.down().only(DEV).await.unwrap();
    assert_eq!(here.status().await.unwrap().state(DEV), Some(State::Excluded));
    assert_eq!(status(&db, DEV).await, "rolled-back");
    let plan = here.plan().await.unwrap();
    assert_eq!(plan.iter().map(|step| step.migration().id()).collect::<Vec<_>>(), [AFTER]);
}

#[tokio::test]
async fn a_condition_decides_on_provided_values() {
    let db = TestDb::new().await;
    builder(&db).provide(Region("us")).build().unwrap().up().await.unwrap();
    assert_eq!(effects(&db).await, [BASE, AFTER]);
    let report = builder(&db).provide(Region("eu")).build().unwrap().up().await.unwrap();
    assert_eq!((applied(&report), report.warnings().len()), (vec![EU], 0));
    assert_eq!(effects(&db).await, [BASE, AFTER, EU]);
}

#[tokio::test]
async fn what_is_excluded_cannot_be_named_but_marked() {
    let db = TestDb::new().await;
    let migrator = builder(&db).environment("production").build().unwrap();
    let error = migrator.up().only(DEV).await.unwrap_err();
    assert!(matches!(error, Error::Excluded { id: DEV, .. }), "{error}");
    let message = "'module:excluded:002_dev' does not belong to this database, because it runs only in dev, test";
    assert_eq!(error.message(), message);
    assert_eq!(collections(&db).await, [""; 0]);

    migrator.mark_applied([BASE, DEV]).await.unwrap();
    assert_eq!(migrator.status().await.unwrap().state(DEV), Some(State::Completed));
}

#[tokio::test]
async fn a_baseline_does_not_speak_for_what_is_excluded() {
    let db = TestDb::new().await;
    let migrator = builder(&db).build().unwrap();
    migrator.baseline(AFTER).await.unwrap();
    let status = migrator.status().await.unwrap();
    assert_eq!(
        [BASE, DEV, AFTER].map(|id| status.state(id)),
        [State::Completed, State::Excluded, State::Completed].map(Some)
    );
}

#[tokio::test]
async fn a_condition_that_panics_stops_the_run() {
    let db = TestDb::new().await;
    let error = builder(&db).provide(Unknown).build().unwrap().up().await.unwrap_err();
    assert!(matches!(&error, Error::ConditionPanicked { id: EU, message } if message.contains("no region")), "{error}");
    assert_eq!(collections(&db).await, [""; 0]);
}

#[tokio::test]
async fn a_boot_with_nothing_but_excluded_migrations_sends_one_command() {
    let db = TestDb::new().await;
    let migrator = builder(&db).build().unwrap();
    migrator.up().await.unwrap();
    let _ = db.commands().take();
    migrator.up().await.unwrap();
    assert_eq!(db.commands().take(), ["find"]);
}
