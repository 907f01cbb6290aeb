use mongodb::bson::doc;
use mongrate::{Backfill, Error, migration};

#[migration(id = "001_totals", timeout = "10m")]
async fn totals(backfill: &mut Backfill) -> Result<(), Error> {
    backfill.collection("orders").update(doc! { "$set": { "total": 0 } }).await
}

fn main() {}
