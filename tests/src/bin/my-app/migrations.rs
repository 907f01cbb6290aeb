//! A few migrations. A document in the collection `knobs` makes a migration fail, or wait until the document changes:
//! `{ _id: "002_assign_roles", fail: true, hold: true, why: "no more space" }`. With `block: true` a migration blocks
//! its thread for ten minutes. With `evident: true`, a `verify` function finds the effect of its migration.

use std::time::Duration;

use anyhow::{Context, anyhow};
use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::{Effect, Schema, Tx, migration};

/// E-mail addresses are unique.
#[migration(id = "001_create_users", irreversible = "the index is needed by all that follows")]
async fn create_users(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "email": 1 }).unique().await
}

/// Every user has a role.
#[migration(id = "002_assign_roles", deps = ["001_create_users"], down = drop_roles)]
async fn assign_roles(tx: &mut Tx) -> anyhow::Result<()> {
    heed_in(tx, "002_assign_roles").await?;
    let users = tx.collection::<Document>("users");
    users.update_many(doc! { "role": { "$exists": false } }, doc! { "$set": { "role": "member" } }).await?;
    Ok(())
}

async fn drop_roles(tx: &mut Tx) -> anyhow::Result<()> {
    tx.collection::<Document>("users").update_many(doc! {}, doc! { "$unset": { "role": "" } }).await?;
    Ok(())
}

/// E-mail addresses are in lower case,
/// so that nobody is there twice.
///
/// Reads and writes one user after the other.
#[migration(
    id = "003_lower_emails",
    deps = ["002_assign_roles"],
    down = nothing,
    verify = emails_are_lower,
    relies_on = [heed],
    timeout = "10m"
)]
async fn lower_emails(db: &Database) -> anyhow::Result<()> {
    heed(db, "003_lower_emails").await?;
    let lower = [doc! { "$set": { "email": { "$toLower": "$email" } } }];
    db.collection::<Document>("users").update_many(doc! {}, lower.to_vec()).await?;
    Ok(())
}

async fn nothing(_: &Database) -> anyhow::Result<()> {
    Ok(())
}

async fn emails_are_lower(db: &Database) -> anyhow::Result<Effect> {
    let upper = doc! { "email": { "$regex": "[A-Z]" } };
    let upper = db.collection::<Document>("users").count_documents(upper).await?;
    let evident = doc! { "_id": "003_lower_emails", "evident": true };
    let evident = db.collection::<Document>("knobs").count_documents(evident).await?;
    Ok(match (upper, evident) {
        (1.., _) => Effect::Absent,
        (0, 0) => Effect::Undecided,
        (0, 1..) => Effect::Present,
    })
}

/// Shrinks the orders, at a quiet time.
#[migration(id = "004_shrink_orders", deps = ["003_lower_emails"], down = grow_orders, manual)]
async fn shrink_orders(tx: &mut Tx) -> anyhow::Result<()> {
    tx.collection::<Document>("orders").update_many(doc! {}, doc! { "$unset": { "draft": "" } }).await?;
    Ok(())
}

async fn grow_orders(tx: &mut Tx) -> anyhow::Result<()> {
    tx.collection::<Document>("orders").update_many(doc! {}, doc! { "$set": { "draft": "" } }).await?;
    Ok(())
}

/// The menu has a namespace.
#[migration(id = "001_namespace", source = "module:menu", deps = ["001_create_users"], down = drop_namespace)]
async fn namespace(tx: &mut Tx) -> anyhow::Result<()> {
    heed_in(tx, "module:menu:001_namespace").await?;
    tx.collection("menu").insert_one(doc! { "_id": "main", "namespace": "shop" }).await?;
    Ok(())
}

async fn drop_namespace(tx: &mut Tx) -> anyhow::Result<()> {
    tx.collection::<Document>("menu").delete_one(doc! { "_id": "main" }).await?;
    Ok(())
}

/// Prices are in cents.
#[migration(id = "002_prices", source = "module:menu", deps = ["module:menu:001_namespace"], down = drop_prices)]
async fn prices(tx: &mut Tx) -> anyhow::Result<()> {
    heed_in(tx, "module:menu:002_prices").await?;
    tx.collection::<Document>("menu").update_many(doc! {}, doc! { "$set": { "cents": 0 } }).await?;
    Ok(())
}

async fn drop_prices(tx: &mut Tx) -> anyhow::Result<()> {
    tx.collection::<Document>("menu").update_many(doc! {}, doc! { "$unset": { "cents": "" } }).await?;
    Ok(())
}

/// Polling interval of a held migration.
const LOOK_EVERY: Duration = Duration::from_millis(20);

async fn heed(db: &Database, id: &str) -> anyhow::Result<()> {
    let knobs = db.collection::<Document>("knobs");
    while knobs.count_documents(doc! { "_id": id, "hold": true }).await? > 0 {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    if knobs.count_documents(doc! { "_id": id, "block": true }).await? > 0 {
        // No async function should do this.
        std::thread::sleep(Duration::from_secs(10 * 60));
    }
    let knob = knobs.find_one(doc! { "_id": id, "fail": true }).await?;
    refuse(knob.as_ref())
}

/// A transaction sees the knobs as of its start, so this cannot hold.
async fn heed_in(tx: &mut Tx, id: &str) -> anyhow::Result<()> {
    let knob = tx.collection::<Document>("knobs").find_one(doc! { "_id": id, "fail": true }).await?;
    refuse(knob.as_ref())
}

fn refuse(knob: Option<&Document>) -> anyhow::Result<()> {
    let Some(knob) = knob else { return Ok(()) };
    let why = knob.get_str("why").unwrap_or("the disk is full");
    Err(anyhow!("{why}")).context("could not write the users")
}
