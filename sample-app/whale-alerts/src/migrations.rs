//! The plugin's migrations. `subscriptions` is `plugin_whale-alerts_subscriptions` in the database.
//!
//! This crate does not depend on the application, so its dependencies on the application's migrations are marked
//! `extern` and checked at startup.

use mongodb::bson::{Document, doc};
use mongrate::{Schema, Tx, migration};

use crate::THRESHOLD;

/// Whale alerts can be subscribed to, once for each e-mail.
#[migration(
    id = "001_create_subscriptions",
    // Subscribers are matched with customers by email address, which that migration makes unique.
    deps = [extern "004_index_customers"],
    down = drop_subscriptions
)]
async fn create_subscriptions(schema: &mut Schema) -> Result<(), mongrate::Error> {
    let email = doc! { "bsonType": "string", "pattern": "@" };
    let validator = doc! { "$jsonSchema": { "required": ["email"], "properties": { "email": email } } };
    schema.create_collection("subscriptions").validator(validator).await?;
    schema.create_index("subscriptions", doc! { "email": 1 }).unique().await
}

async fn drop_subscriptions(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.drop_collection("subscriptions").await
}

/// Sales hear of customers who have spent 10,000 or more.
#[migration(
    id = "002_set_threshold",
    deps = ["plugin:whale-alerts:001_create_subscriptions"],
    down = unset_threshold
)]
async fn set_threshold(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.kv().set(THRESHOLD, 1_000_000_i64).await?;
    tx.collection::<Document>("subscriptions").insert_one(doc! { "email": "sales@shop.example" }).await?;
    Ok(())
}

async fn unset_threshold(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.kv().delete(THRESHOLD).await?;
    tx.collection::<Document>("subscriptions").delete_one(doc! { "email": "sales@shop.example" }).await?;
    Ok(())
}
