//! Refusals to revert, before anything runs.

use mongodb::bson::{Document, doc};
use mongrate::{Error, Migrator, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{fingerprint, migrator, registry, status};

use super::{INDEX, ROLES, USERS, applied};

#[migration(id = "001_merged", source = "module:down-final", irreversible = "the old names are gone")]
async fn merged(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("things").insert_one(doc! {}).await.map(drop)
}

#[migration(id = "002_silent", source = "module:down-final")]
async fn silent(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("things").insert_one(doc! {}).await.map(drop)
}

#[migration(id = "001_guest", source = "module:down-guest", deps = ["module:down:002_roles"], down = guest_down)]
async fn guest(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("things").insert_one(doc! {}).await.map(drop)
}

async fn guest_down(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("things").delete_many(doc! {}).await.map(drop)
}

/// Nothing was written, not even a lease.
async fn refused(db: &TestDb, down: mongrate::migrator::Down) -> Error {
    let before = fingerprint(db).await;
    let error = down.await.unwrap_err();
    println!("{error}");
    assert_eq!(fingerprint(db).await, before);
    error
}

#[tokio::test]
async fn i3_a_migration_with_dependents() {
    let (db, migrator) = applied().await;
    let error = refused(&db, migrator.down().only(USERS)).await;
    assert_eq!(
        error.to_string(),
        "'module:down:001_users' cannot be reverted or marked as pending while its dependents are applied: module:down:004_raw, module:down:003_index, module:down:002_roles. Revert or mark them first, or in the same call (for a `down`, with `.with_dependents(true)`)"
    );
}

/// A dependent of a source that is not selected is not reverted, also not along with it.
#[tokio::test]
async fn i3_a_migration_with_dependents_in_another_source() {
    let db = TestDb::new().await;
    let all = Migrator::builder(db.database().clone()).registry(registry(&["module:down", "module:down-guest"]));
    all.build().unwrap().up().await.unwrap();
    let migrator = migrator(&db, "module:down").build().unwrap();
    let error = refused(&db, migrator.down().only(ROLES).with_dependents(true)).await;
    let Error::DependentsApplied { id: ROLES, dependents, selected: false } = &error else { panic!("{error}") };
    assert_eq!(dependents, &["module:down-guest:001_guest"]);
}

#[tokio::test]
async fn irreversible_migrations_all_at_once() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:down-final").build().unwrap();
    migrator.up().await.unwrap();
    let error = refused(&db, migrator.down().steps(2)).await;
    let Error::Several { errors } = &error else { panic!("{error}") };
    assert_eq!(errors.len(), 2);
    assert_eq!(
        errors[0].to_string(),
        "'module:down-final:002_silent' cannot be reverted: it has no `down`. Write a new migration that undoes it; or undo it by hand and record that with `mark_pending`"
    );
    assert_eq!(
        errors[1].to_string(),
        "'module:down-final:001_merged' cannot be reverted: the old names are gone. Write a new migration that undoes it; or undo it by hand and record that with `mark_pending`"
    );
}

#[tokio::test]
async fn an_id_that_is_unknown_or_not_applied() {
    let (db, migrator) = applied().await;
    let error = refused(&db, migrator.down().only("module:down:002_role")).await;
    assert!(matches!(error, Error::UnknownMigration { nearest: Some(ROLES), .. }), "{error}");
    let error = refused(&db, migrator.down().to("module:down:002_role")).await;
    assert!(matches!(error, Error::UnknownMigration { nearest: Some(ROLES), .. }), "{error}");
    migrator.down().only(INDEX).await.unwrap();
    let error = refused(&db, migrator.down().to(INDEX)).await;
    assert!(matches!(&error, Error::NotApplied { id } if id == INDEX), "{error}");
}

/// A later orphan may depend on any migration.
#[tokio::test]
async fn a_migration_below_an_orphan() {
    let db = TestDb::new().await;
    migrator(&db, "module:down").build().unwrap().up().only(ROLES).await.unwrap();
    let all = Migrator::builder(db.database().clone()).registry(registry(&["module:down", "module:down-guest"]));
    all.build().unwrap().up().only("module:down-guest:001_guest").await.unwrap();

    let without = Migrator::builder(db.database().clone()).registry(registry(&["module:down"])).build().unwrap();
    for down in [without.down(), without.down().to(USERS), without.down().batch()] {
        let error = refused(&db, down).await;
        assert!(
            matches!(&error, Error::OrphansAppliedLater { ids } if ids == &["module:down-guest:001_guest"]),
            "{error}"
        );
    }
    // Naming it is the operator's decision.
    without.down().only(ROLES).await.unwrap();
    assert_eq!(status(&db, ROLES).await, "rolled-back");
}
