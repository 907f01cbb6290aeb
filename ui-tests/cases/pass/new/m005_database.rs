use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::migration;

/// Database.
#[migration(id = "005_database", deps = ["003_lower_emails"])]
async fn up(db: &Database) -> Result<(), mongrate::Error> {
    // This fails until it says what is to be done.
    let documents = db.collection::<Document>("");
    documents.update_many(doc! {}, doc! {}).await?;
    Ok(())
}
