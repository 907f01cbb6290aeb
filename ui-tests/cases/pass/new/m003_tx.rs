use mongodb::bson::{Document, doc};
use mongrate::{Tx, migration};

/// Tx.
#[migration(
    id = "003_tx",
    source = "module:menu",
    deps = ["module:menu:002_prices"]
)]
async fn up(tx: &mut Tx) -> Result<(), mongrate::Error> {
    // This fails until it says what is to be done.
    let documents = tx.collection::<Document>("");
    documents.update_many(doc! {}, doc! {}).await?;
    Ok(())
}
