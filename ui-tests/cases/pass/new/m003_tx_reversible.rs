use mongodb::bson::{Document, doc};
use mongrate::{Tx, migration};

/// Tx reversible.
#[migration(
    id = "003_tx_reversible",
    source = "module:menu",
    deps = ["module:menu:002_prices"],
    down = down
)]
async fn up(tx: &mut Tx) -> Result<(), mongrate::Error> {
    // This fails until it says what is to be done.
    let documents = tx.collection::<Document>("");
    documents.update_many(doc! {}, doc! {}).await?;
    Ok(())
}

async fn down(tx: &mut Tx) -> Result<(), mongrate::Error> {
    // This fails until it says how to take that back.
    let documents = tx.collection::<Document>("");
    documents.update_many(doc! {}, doc! {}).await?;
    Ok(())
}
