use mongodb::bson::{Document, doc};
use mongodb::options::UpdateOneModel;
use mongrate::{Tx, migration};

#[migration(id = "001_bulk_write")]
async fn bulk_write(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let written = tx.collection::<Document>("users").bulk_write(Vec::<UpdateOneModel>::new()).await?;
    assert_eq!(written.matched_count, 1);
    tx.collection::<Document>("users").delete_one(doc! {}).await?;
    Ok(())
}

fn main() {}
