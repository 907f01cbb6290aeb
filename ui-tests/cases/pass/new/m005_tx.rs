use mongodb::bson::{Document, doc};
use mongrate::{Tx, migration};

/// Tx.
#[migration(id = "005_tx", deps = ["003_lower_emails"])]
async fn up(tx: &mut Tx) -> Result<(), mongrate::Error> {
    // This fails until it says what is to be done.
    let documents = tx.collection::<Document>("");
    documents.update_many(doc! {}, doc! {}).await?;
    Ok(())
}
