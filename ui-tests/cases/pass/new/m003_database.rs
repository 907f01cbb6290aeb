use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::migration;

/// Database.
#[migration(
    id = "003_database",
    source = "module:menu",
    deps = ["module:menu:002_prices"]
)]
async fn up(db: &Database) -> Result<(), mongrate::Error> {
    // This fails until it says what is to be done.
    let documents = db.collection::<Document>("");
    documents.update_many(doc! {}, doc! {}).await?;
    Ok(())
}
