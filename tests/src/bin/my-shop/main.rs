//! An application with a backfill, and a migration that depends on it.

use std::num::NonZeroU32;
use std::process::ExitCode;

use mongodb::bson::{Document, doc};
use mongrate::{Backfill, Error, Tx, migration};
use mongrate_cli::Cli;

/// Every order knows its total.
#[migration(id = "010_order_totals")]
async fn order_totals(backfill: &mut Backfill) -> Result<(), Error> {
    let orders = backfill.collection("orders").batch(NonZeroU32::MIN.saturating_add(499)).skip_failed(1);
    orders.update(doc! { "$inc": { "total": 1 } }).await
}

/// Customers have a status.
#[migration(id = "011_customer_status", deps = [])]
async fn customer_status(tx: &mut Tx) -> Result<(), Error> {
    tx.collection("customers").insert_one(doc! { "_id": 1, "status": "new" }).await?;
    Ok(())
}

/// Counts the orders without a total.
#[migration(id = "012_count_totals", deps = ["010_order_totals"])]
async fn count_totals(tx: &mut Tx) -> Result<(), Error> {
    let missing = tx.collection::<Document>("orders").count_documents(doc! { "total": { "$ne": 1 } }).await?;
    tx.collection("log").insert_one(doc! { "missing": i64::try_from(missing).unwrap_or(i64::MAX) }).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::from_args() {
        Some(cli) => cli.run(|builder| builder.codebase_version("1.2.3")).await,
        None => ExitCode::SUCCESS,
    }
}
