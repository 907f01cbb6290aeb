use mongodb::bson::doc;
use mongrate::{Backfill, migration};

/// Backfill reversible.
#[migration(
    id = "001_backfill_reversible",
    source = "plugin:whale-alerts",
    down = down
)]
async fn up(backfill: &mut Backfill) -> Result<(), mongrate::Error> {
    // This fails until it says what is to be done.
    backfill.collection("").remaining(doc! {}).update(doc! { "$set": {} }).await
}

async fn down(backfill: &mut Backfill) -> Result<(), mongrate::Error> {
    // This fails until it says how to take that back.
    backfill.collection("").remaining(doc! {}).update(doc! { "$set": {} }).await
}
