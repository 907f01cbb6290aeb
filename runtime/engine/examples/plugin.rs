//! A plugin: migrations with their own source, collections and settings.
//!
//! In a real program the module `whale_alerts` is a crate, which names its source once in its Cargo.toml:
//!
//! ```toml
//! [package.metadata.mongrate]
//! source = "plugin:whale-alerts"
//! ```
//!
//! `sample-app/whale-alerts` in the repository is such a crate.
//!
//! ```sh
//! MONGODB_URI='mongodb://localhost/?replicaSet=rs0' cargo run -p mongrate --example plugin
//! ```

use std::env;

use mongodb::bson::{Document, doc};
use mongrate::{Migrator, Registry, Tx, migration};

/// Users exist.
#[migration(id = "001_create_users")]
async fn create_users(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("users").insert_one(doc! { "name": "Ada" }).await?;
    Ok(())
}

mod whale_alerts {
    use mongodb::bson::{Document, doc};
    use mongrate::{Schema, Tx, migration};

    /// Subscriptions are unique by email address.
    // `extern`, because the plugin's crate does not depend on the application's: looked up at startup.
    #[migration(id = "001_init", source = "plugin:whale-alerts", deps = [extern "001_create_users"])]
    async fn init(schema: &mut Schema) -> Result<(), mongrate::Error> {
        // The collection `plugin_whale-alerts_subscriptions` in the database.
        schema.create_index("subscriptions", doc! { "email": 1 }).unique().await
    }

    /// The threshold is 10,000.
    #[migration(id = "002_threshold", source = "plugin:whale-alerts", deps = ["plugin:whale-alerts:001_init"])]
    async fn threshold(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
        tx.kv().set("thresholdCents", 1_000_000_i64).await?;
        tx.collection::<Document>("subscriptions").insert_one(doc! { "email": "sales@shop.example" }).await?;
        Ok(())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // An application does this in a test: it fails if the plugin is not linked, or an `extern` dependency does not exist.
    let registry = Registry::linked();
    registry.verify()?;
    registry.find("plugin:whale-alerts:001_init")?;

    let migrator = Migrator::connect(env::var("MONGODB_URI")?, "example_plugin").await?.build()?;
    println!("{}", migrator.up().await?);
    let subscriptions = migrator.database().collection::<Document>("plugin_whale-alerts_subscriptions");
    println!("{} subscription", subscriptions.count_documents(doc! {}).await?);
    migrator.database().client().clone().shutdown().await;
    Ok(())
}
