use mongodb::bson::doc;
use mongrate::{Backfill, migration};

/// Backfill.
#[migration(id = "001_backfill", source = "plugin:whale-alerts")]
async fn up(backfill: &mut Backfill) -> Result<(), mongrate::Error> {
    // This fails until it says what is to be done.
    backfill.collection("").remaining(doc! {}).update(doc! { "$set": {} }).await
}
