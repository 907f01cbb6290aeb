use mongodb::bson::doc;
use mongrate::{Backfill, migration};

/// Backfill.
#[migration(id = "005_backfill", deps = ["003_lower_emails"])]
async fn up(backfill: &mut Backfill) -> Result<(), mongrate::Error> {
    // This fails until it says what is to be done.
    backfill.collection("").remaining(doc! {}).update(doc! { "$set": {} }).await
}
