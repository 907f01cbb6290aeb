//! The orders, which are many: they are changed in batches while the service runs.

use std::num::NonZeroU32;

use mongodb::bson::doc;
use mongrate::context::Pace;
use mongrate::{Backfill, Error, migration};

/// Slow enough to watch.
const PACE: NonZeroU32 = NonZeroU32::new(7_000).unwrap();

/// Every order knows its total.
#[migration(id = "009_order_totals", deps = ["001_clean_customers"], down = forget_totals)]
async fn order_totals(backfill: &mut Backfill) -> Result<(), Error> {
    let total = doc! { "$set": { "totalCents": { "$sum": "$lines.cents" } } };
    let orders = backfill.collection("orders").remaining(doc! { "totalCents": { "$exists": false } });
    orders.pace(Pace::Rate(PACE)).update(vec![total]).await
}

async fn forget_totals(backfill: &mut Backfill) -> Result<(), Error> {
    let orders = backfill.collection("orders").remaining(doc! { "totalCents": { "$exists": true } });
    orders.update(doc! { "$unset": { "totalCents": "" } }).await
}
