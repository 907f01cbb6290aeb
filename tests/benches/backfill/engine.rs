//! Mongrate's own backfills.

use std::num::NonZeroU32;

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::context::Change;
use mongrate::{Backfill, Error, Migrator, Registry, migration};

use crate::Result;
use crate::cost::Done;
use crate::orders::{Order, change};

const WORKERS: NonZeroU32 = NonZeroU32::new(4).unwrap();

#[migration(id = "001_totals", source = "module:bench-server")]
async fn totals(backfill: &mut Backfill) -> std::result::Result<(), Error> {
    backfill.collection("orders").update(change()).await
}

#[migration(id = "001_totals", source = "module:bench-client")]
async fn computed(backfill: &mut Backfill) -> std::result::Result<(), Error> {
    let change = |order: Order| Ok::<_, Error>(Change::set(doc! { "total": order.total() }));
    backfill.collection("orders").project(doc! { "lines.price": 1 }).workers(WORKERS).each(change).await
}

/// Runs the backfill of a source as if for the first time, which includes planning it, and its record and history.
pub(crate) async fn run(database: Database, source: &'static str) -> Result<Done> {
    for own in ["migrations", "migrations_history", "migrations_ranges"] {
        database.collection::<Document>(own).drop().await?;
    }
    Migrator::builder(database).registry(Registry::linked().source(source)).build()?.up().await?;
    Ok(Done::default())
}
