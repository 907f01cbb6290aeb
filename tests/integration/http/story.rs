//! Migrations for the tests of what the API shows.

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::{Migrator, MigratorBuilder, Tx, migration};
use mongrate_tests::stored::{migrator, tell, told, untell};

pub(super) const USERS: &str = "module:reads:001_users";
pub(super) const ROLES: &str = "module:reads:002_roles";
pub(super) const ALONE: &str = "module:reads:003_alone";
pub(super) const MANUAL: &str = "module:reads:004_manual";

/// A value that a failing body stores, and that the server's error quotes.
pub(super) const SECRET: &str = "ana@example.com";

/// Users have names.
#[migration(id = "001_users", source = "module:reads")]
async fn users(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("users").insert_one(doc! { "_id": SECRET }).await?;
    Ok(())
}

/// Users have roles.
#[migration(id = "002_roles", source = "module:reads", deps = ["module:reads:001_users"])]
async fn roles(tx: &mut Tx) -> Result<(), anyhow::Error> {
    if told(tx, "fail").await? {
        tx.collection::<Document>("users").insert_one(doc! { "_id": SECRET }).await?;
    }
    Ok(())
}

/// Prices are positive.
#[migration(id = "003_alone", source = "module:reads")]
async fn alone(_: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(())
}

/// Old prices are gone.
#[migration(id = "004_manual", source = "module:reads", manual)]
async fn manual(_: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(())
}

pub(super) fn builder(db: &Database) -> MigratorBuilder {
    migrator(db, "module:reads").actor("boot")
}

pub(super) fn build(db: &Database) -> Migrator {
    builder(db).build().unwrap()
}

/// Applies the first migration, and lets the second fail at a duplicate key.
pub(super) async fn fail(db: &Database) -> Migrator {
    let migrator = build(db);
    tell(db, "fail").await;
    migrator.up().only(ROLES).by("ana").await.unwrap_err();
    untell(db, "fail").await;
    migrator
}
