use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::migration;

/// Database reversible.
#[migration(
    id = "005_database_reversible",
    deps = ["003_lower_emails"],
    down = down
)]
async fn up(db: &Database) -> Result<(), mongrate::Error> {
    // This fails until it says what is to be done.
    let documents = db.collection::<Document>("");
    documents.update_many(doc! {}, doc! {}).await?;
    Ok(())
}

async fn down(db: &Database) -> Result<(), mongrate::Error> {
    // This fails until it says how to take that back.
    let documents = db.collection::<Document>("");
    documents.update_many(doc! {}, doc! {}).await?;
    Ok(())
}
