//! Migrations of a small shop. Those that take long wait for a document of their database, which [`stored::tell`] inserts.

use std::time::Duration;

use anyhow::{Context, ensure};
use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::{MigratorBuilder, Tx, migration};
use mongrate_tests::stored::{self, step, told};
use mongrate_tests::{TestDb, eventually};
use tokio::time::sleep;

type Done = Result<(), anyhow::Error>;

pub(crate) const USERS: &str = "module:shop:001_create_users";
pub(crate) const ROLES: &str = "module:shop:002_assign_roles";
pub(crate) const EMAILS: &str = "module:shop:003_lower_emails";
pub(crate) const SLOW: &str = "module:slow:002_count_orders";
pub(crate) const CARTS: &str = "module:carts:001_delete_carts";
pub(crate) const FAILING: &str = "module:failing:002_unique_emails";

/// A migrator for one source of this file.
pub(crate) fn migrator(db: &Database, name: &str) -> MigratorBuilder {
    stored::migrator(db, &format!("module:{name}"))
}

/// Waits until a slow migration has begun.
pub(crate) async fn begun(db: &TestDb) {
    eventually("the slow migration to begin", async || (stored::count(db, "begun", doc! {}).await > 0).then_some(()))
        .await;
}

/// The first users.
#[migration(id = "001_create_users", source = "module:shop", down = remove_users)]
async fn create_users(tx: &mut Tx) -> Done {
    step(tx, "users").await?;
    let users = ["Ana", "Ben"].map(|name| doc! { "name": name, "email": format!("{name}@example.com") });
    tx.collection::<Document>("users").insert_many(users).await?;
    Ok(())
}

async fn remove_users(tx: &mut Tx) -> Done {
    tx.collection::<Document>("users").delete_many(doc! {}).await?;
    Ok(step(tx, "no users").await?)
}

/// Every user has a role.
#[migration(id = "002_assign_roles", source = "module:shop", deps = ["module:shop:001_create_users"], down = remove_roles)]
async fn assign_roles(tx: &mut Tx) -> Done {
    step(tx, "roles").await?;
    tx.collection::<Document>("users").update_many(doc! {}, doc! { "$set": { "role": "customer" } }).await?;
    Ok(())
}

async fn remove_roles(tx: &mut Tx) -> Done {
    tx.collection::<Document>("users").update_many(doc! {}, doc! { "$unset": { "role": "" } }).await?;
    Ok(step(tx, "no roles").await?)
}

/// Email addresses in lower case.
#[migration(id = "003_lower_emails", source = "module:shop", deps = ["module:shop:002_assign_roles"])]
async fn lower_emails(tx: &mut Tx) -> Done {
    step(tx, "emails").await?;
    let lower = doc! { "$set": { "email": { "$toLower": "$email" } } };
    tx.collection::<Document>("users").update_many(doc! {}, vec![lower]).await?;
    Ok(())
}

/// Orders from the old table.
#[migration(id = "001_import_orders", source = "module:slow")]
async fn import_orders(tx: &mut Tx) -> Done {
    Ok(step(tx, "imported").await?)
}

/// The number of orders of each user.
#[migration(id = "002_count_orders", source = "module:slow", deps = ["module:slow:001_import_orders"])]
async fn count_orders(db: &Database) -> Done {
    db.collection("begun").insert_one(doc! {}).await?;
    let gate = db.collection::<Document>("told");
    while gate.find_one(doc! { "_id": "go" }).await?.is_none() {
        sleep(Duration::from_millis(20)).await;
    }
    db.collection("steps").insert_one(doc! { "name": "counted", "place": 1_i64 }).await?;
    Ok(())
}

/// Orders without users are archived.
#[migration(id = "003_archive_orders", source = "module:slow", deps = ["module:slow:002_count_orders"])]
async fn archive_orders(tx: &mut Tx) -> Done {
    Ok(step(tx, "archived").await?)
}

/// Old carts are deleted at night.
#[migration(id = "001_delete_carts", source = "module:carts", manual)]
async fn delete_carts(tx: &mut Tx) -> Done {
    Ok(step(tx, "deleted").await?)
}

/// The carts that are left get a currency.
#[migration(id = "002_add_currency", source = "module:carts", deps = ["module:carts:001_delete_carts"])]
async fn add_currency(tx: &mut Tx) -> Done {
    Ok(step(tx, "currency").await?)
}

/// Collects the email addresses.
#[migration(id = "001_collect_emails", source = "module:failing")]
async fn collect_emails(tx: &mut Tx) -> Done {
    Ok(step(tx, "collected").await?)
}

/// No email address belongs to two users.
#[migration(id = "002_unique_emails", source = "module:failing", deps = ["module:failing:001_collect_emails"])]
async fn unique_emails(tx: &mut Tx) -> Done {
    ensure_unique(told(tx, "fixed").await?).context("two users share an email address")?;
    Ok(step(tx, "unique").await?)
}

fn ensure_unique(is_fixed: bool) -> Done {
    ensure!(is_fixed, "ana@example.com belongs to 4711 and 4712");
    Ok(())
}
