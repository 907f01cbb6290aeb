//! Requiring completed migrations.

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::migration::State;
use mongrate::{Error, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, migrator, step};

#[migration(id = "001_assign_roles", source = "module:require")]
async fn assign_roles(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "roles").await?)
}

#[migration(id = "002_split_names", source = "module:require")]
async fn split_names(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "names").await?)
}

const ROLES: &str = "module:require:001_assign_roles";
const NAMES: &str = "module:require:002_split_names";

async fn set_status(db: &Database, id: &str, status: &str) {
    let change = doc! { "$set": { "status": status } };
    let changed = db.collection::<Document>("migrations").update_one(doc! { "_id": id }, change).await.unwrap();
    assert_eq!(changed.modified_count, 1);
}

#[tokio::test]
async fn i4_require_reads_once_and_succeeds_when_all_are_completed() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:require").build().unwrap();
    let error = migrator.require(ROLES).await.unwrap_err();
    assert!(matches!(error, Error::Required { id: ROLES, state: State::New }), "{error}");
    assert!(collections(&db).await.is_empty());

    migrator.up().only(ROLES).await.unwrap();
    let _ = db.commands().take();
    migrator.require(ROLES).await.unwrap();
    assert_eq!(db.commands().take(), ["find"]);
    let error = migrator.require(ROLES).and(NAMES).await.unwrap_err();
    assert_eq!(db.commands().take(), ["find"]);
    assert_eq!(
        error.to_string(),
        "this program requires the migration 'module:require:002_split_names', which has not run here. Apply it, or wait until \
         another process has applied it"
    );

    migrator.up().await.unwrap();
    migrator.require(ROLES).and(NAMES).await.unwrap();
}

#[tokio::test]
async fn each_missing_migration_is_reported_with_its_state() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:require").build().unwrap();
    migrator.up().await.unwrap();
    for (status, expected, told) in [
        ("failed", State::Failed, "which failed in its last run."),
        ("rolled-back", State::RolledBack, "which was reverted."),
        ("running", State::Interrupted, "which is running or was interrupted."),
    ] {
        set_status(&db, NAMES, status).await;
        let error = migrator.require(ROLES).and(NAMES).await.unwrap_err();
        assert!(matches!(error, Error::Required { id: NAMES, state } if state == expected), "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
    let half = doc! { "$set": { "status": "failed", "partial": true } };
    db.collection::<Document>("migrations").update_one(doc! { "_id": NAMES }, half).await.unwrap();
    let error = migrator.require(NAMES).await.unwrap_err();
    assert!(error.to_string().contains("which is partially applied."), "{error}");
    set_status(&db, ROLES, "failed").await;
    let error = migrator.require(NAMES).and(ROLES).await.unwrap_err();
    println!("{error}");
    let Error::Several { errors } = &error else { panic!("{error}") };
    let ids: Vec<_> =
        errors.iter().map(|error| matches!(error, Error::Required { .. }).then(|| error.to_string())).collect();
    assert!(ids[0].as_ref().unwrap().contains(NAMES) && ids[1].as_ref().unwrap().contains(ROLES), "{error}");
}

#[tokio::test]
async fn an_unknown_id_gets_a_suggestion() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:require").build().unwrap();
    migrator.up().await.unwrap();
    let _ = db.commands().take();
    let error = migrator.require("module:require:001_asign_roles").await.unwrap_err();
    println!("{error}");
    assert!(matches!(error, Error::UnknownMigration { nearest: Some(ROLES), .. }), "{error}");
    let error = migrator.require("009_far_away_and_long_ago").and(ROLES).and("").await.unwrap_err();
    assert!(matches!(&error, Error::Several { errors } if errors.len() == 2), "{error}");
    assert!(db.commands().take().is_empty());
}

/// A migrator of one source, in a program that needs what another source has made.
#[tokio::test]
async fn a_migration_of_another_source_can_be_required() {
    let db = TestDb::new().await;
    let other = migrator(&db, "module:order").build().unwrap();
    assert!(matches!(other.require(ROLES).await, Err(Error::Required { .. })));
    migrator(&db, "module:require").build().unwrap().up().await.unwrap();
    other.require(ROLES).await.unwrap();
}
