use mongodb::bson::doc;
use mongrate::{Backfill, migration};

/// Backfill.
#[migration(
    id = "003_backfill",
    source = "module:menu",
    deps = ["module:menu:002_prices"]
)]
async fn up(backfill: &mut Backfill) -> Result<(), mongrate::Error> {
    // This fails until it says what is to be done.
    backfill.collection("").remaining(doc! {}).update(doc! { "$set": {} }).await
}
