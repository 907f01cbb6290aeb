//! `rerun`: an applied migration runs once more, as after a crash.

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::{Effect, Error, Migrator, Schema, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, count, history, lease_is_free, migrator, record, status};

const EVIDENT: &str = "module:rerun:001_evident";
const RAW: &str = "module:rerun:002_raw";
const SCHEMA: &str = "module:rerun:003_schema";
const TX: &str = "module:rerun:004_tx";

#[migration(id = "001_evident", source = "module:rerun", verify = is_present)]
async fn evident(db: &Database) -> Result<(), mongodb::error::Error> {
    db.collection::<Document>("effects").insert_one(doc! { "by": EVIDENT }).await.map(drop)
}

async fn is_present(db: &Database) -> Effect {
    if count(db, "effects", doc! { "by": EVIDENT }).await > 0 { Effect::Present } else { Effect::Absent }
}

#[migration(id = "002_raw", source = "module:rerun", verify = nothing_is_missing)]
async fn raw(db: &Database) -> Result<(), mongodb::error::Error> {
    db.collection::<Document>("effects").insert_one(doc! { "by": RAW }).await.map(drop)
}

async fn nothing_is_missing(db: &Database) -> bool {
    count(db, "effects", doc! { "missing": true }).await == 0
}

#[migration(id = "003_schema", source = "module:rerun")]
async fn schema(schema: &mut Schema) -> Result<(), Error> {
    schema.create_collection("first").await?;
    schema.create_index("first", doc! { "a": 1 }).await?;
    schema.create_collection("second").await
}

#[migration(id = "004_tx", source = "module:rerun", deps = ["module:rerun:003_schema"])]
async fn tx(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! { "by": TX }).await.map(drop)
}

async fn applied() -> (TestDb, Migrator) {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:rerun").build().unwrap();
    migrator.up().await.unwrap();
    (db, migrator)
}

#[tokio::test]
async fn a_rerun_asks_verify_and_runs_the_body_unless_its_effect_is_present() {
    let (db, migrator) = applied().await;
    for (id, effects, attempts) in [(EVIDENT, 1, 0), (RAW, 2, 1), (TX, 2, 1)] {
        let report = migrator.rerun(id).by("ana").await.unwrap();
        println!("{report}");
        let runs: Vec<_> = report.applied().map(|execution| (execution.id.as_str(), execution.attempts)).collect();
        assert_eq!(runs, [(id, attempts)]);
        assert_eq!(count(&db, "effects", doc! { "by": id }).await, effects, "{id}");
        assert_eq!(history(&db, id).await, ["completed", "running", "completed"], "{id}");
        assert_eq!(status(&db, id).await, "completed");
    }
    assert!(migrator.up().await.unwrap().is_empty());
    assert!(lease_is_free(&db).await);
}

#[tokio::test]
async fn a_rerun_of_a_schema_body_starts_from_its_first_operation() {
    let (db, migrator) = applied().await;
    db.collection::<Document>("first").drop().await.unwrap();
    migrator.rerun(SCHEMA).await.unwrap();
    let indexes = db.collection::<Document>("first").list_index_names().await.unwrap();
    assert_eq!(indexes, ["_id_", "a_1"]);
    assert!(migrator.validate().await.unwrap().is_valid());
}

#[tokio::test]
async fn a_run_that_dies_after_an_operation_is_resumed() {
    for operations in 1..=3 {
        let (db, migrator) = applied().await;
        for name in ["first", "second"] {
            db.collection::<Document>(name).drop().await.unwrap();
        }
        let error = migrator.rerun(SCHEMA).dying_after(operations).await.unwrap_err();
        assert!(matches!(error, Error::Interrupted { .. }), "{error:?}");
        assert_eq!(status(&db, SCHEMA).await, "running");
        let log = record(&db, SCHEMA).await.unwrap().get_document("log").unwrap().clone();
        println!("{operations}: {log}");
        let there = collections(&db).await;
        assert!(there.contains(&"first".to_owned()), "{there:?}");
        assert_eq!(there.contains(&"second".to_owned()), operations == 3, "{there:?}");
        assert!(lease_is_free(&db).await);

        let report = migrator.up().await.unwrap();
        assert_eq!(report.applied().map(|execution| execution.id.as_str()).collect::<Vec<_>>(), [SCHEMA]);
        assert_eq!(status(&db, SCHEMA).await, "completed");
        assert!(collections(&db).await.contains(&"second".to_owned()));
        assert!(migrator.validate().await.unwrap().is_valid());
    }
}

#[tokio::test]
async fn what_was_never_applied_cannot_be_rerun() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:rerun").build().unwrap();
    let error = migrator.rerun(TX).await.unwrap_err();
    assert_eq!(error.to_string(), format!("'{TX}' is not applied"));
    let error = migrator.rerun("module:rerun:009_typo").await.unwrap_err();
    assert!(matches!(error, Error::UnknownMigration { .. }), "{error}");
    assert!(collections(&db).await.is_empty());
}
