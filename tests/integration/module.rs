//! A module as a migration: its functions are found by their names, and run.

use mongodb::bson::{Document, doc};
use mongrate::{Error, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{count, migrator, record, status};

const ID: &str = "module:modules:001_roles";

/// Every user has a role.
#[migration(id = "001_roles", source = "module:modules")]
mod roles {
    use mongodb::Database;
    use mongodb::bson::{Document, doc};
    use mongrate::{Schema, Tx};

    async fn up(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
        let update = doc! { "$set": { "role": default_role() } };
        tx.collection::<Document>("users").update_many(doc! { "role": null }, update).await?;
        Ok(())
    }

    async fn down(schema: &mut Schema) -> anyhow::Result<()> {
        Ok(schema.drop_collection("users").await?)
    }

    async fn verify(db: &Database) -> bool {
        let founder = db.collection::<Document>("users").find_one(doc! { "role": "founder" }).await;
        founder.is_ok_and(|founder| founder.is_none())
    }

    fn default_role() -> &'static str {
        "member"
    }
}

#[tokio::test]
async fn up_and_down_of_a_module_run() {
    let db = TestDb::new().await;
    let users = db.collection::<Document>("users");
    users.insert_one(doc! {}).await.unwrap();
    let migrator = migrator(&db, "module:modules").build().unwrap();

    migrator.up().await.unwrap();
    assert_eq!(count(&db, "users", doc! { "role": "member" }).await, 1);
    let stored = record(&db, ID).await.unwrap();
    assert!(stored.get_bool("reversible").unwrap());
    assert_eq!(stored.get_str("description").unwrap(), "Every user has a role.");

    migrator.down().await.unwrap();
    assert_eq!(count(&db, "users", doc! {}).await, 0);
    assert_eq!(status(&db, ID).await, "rolled-back");
}

#[tokio::test]
async fn a_module_that_fails_to_verify_fails_the_run() {
    let db = TestDb::new().await;
    db.collection::<Document>("users").insert_one(doc! { "role": "founder" }).await.unwrap();

    let error = migrator(&db, "module:modules").build().unwrap().up().await.unwrap_err();
    let Error::Failed { source, .. } = &error else { panic!("{error}") };
    assert!(matches!(source.downcast_ref(), Some(Error::VerificationFailed { .. })), "{error}");
}
