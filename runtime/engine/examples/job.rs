//! A one-off job, for a step of the deployment: applies the pending migrations and exits.
//!
//! ```sh
//! MONGODB_URI='mongodb://localhost/?replicaSet=rs0' cargo run -p mongrate --example job
//! ```

use std::env;

use mongodb::bson::{Document, doc};
use mongrate::{Migrator, Schema, Tx, migration};

/// Email addresses are unique.
#[migration(id = "001_create_users")]
async fn create_users(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "email": 1 }).unique().await
}

/// Every user has a role.
#[migration(id = "002_assign_roles", deps = ["001_create_users"])]
async fn assign_roles(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let users = tx.collection::<Document>("users");
    users.update_many(doc! { "role": { "$exists": false } }, doc! { "$set": { "role": "member" } }).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let migrator = Migrator::connect(env::var("MONGODB_URI")?, "example_job").await?.build()?;
    let result = migrator.up().await;
    // Tasks of the driver would panic, and print that, if the runtime ended under them.
    migrator.database().client().clone().shutdown().await;
    println!("{}", result?);
    Ok(())
}
