//! A database for each tenant: the same migrations in all of them, a few at a time.
//!
//! ```sh
//! MONGODB_URI='mongodb://localhost/?replicaSet=rs0' cargo run -p mongrate --example tenants
//! ```

use std::env;

use mongodb::bson::{Document, doc};
use mongrate::migrator::DatabaseFilter;
use mongrate::{Migrator, Schema, Tx, migration};

/// Invoices have a unique number.
#[migration(id = "001_number_invoices")]
async fn number_invoices(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("invoices", doc! { "number": 1 }).unique().await
}

/// Settings have a currency.
#[migration(id = "002_set_currency")]
async fn set_currency(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let settings = tx.collection::<Document>("settings");
    settings.insert_one(doc! { "_id": "currency", "value": "EUR" }).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // A database is created by its first write, so new tenants are named. `DatabaseFilter::prefix("tenant_")` selects the
    // existing databases.
    let tenants = DatabaseFilter::named(["tenant_ada", "tenant_grace", "tenant_hedy"]);
    let migrated = Migrator::for_each_at(env::var("MONGODB_URI")?, tenants)
        .concurrency(2)
        .options(|builder| builder.actor("tenants example"))
        // A failure in one database does not stop the others, and within a database only what depends on the failure.
        .up(|up| up.continue_on_error(true))
        .await?;
    for (database, result) in migrated.iter() {
        match result {
            Ok(report) => println!("{database}: {} applied", report.applied().count()),
            Err(error) => println!("{database}: {error}"),
        }
    }
    migrated.into_result()?;
    Ok(())
}
