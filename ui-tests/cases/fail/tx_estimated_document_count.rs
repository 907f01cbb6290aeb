use mongodb::bson::Document;
use mongrate::{Tx, migration};

#[migration(id = "001_count")]
async fn count(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    if tx.collection::<Document>("users").estimated_document_count().await? > 1_000 {
        println!("many");
    }
    Ok(())
}

fn main() {}
