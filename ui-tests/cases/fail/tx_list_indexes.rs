use mongodb::bson::Document;
use mongrate::{Tx, migration};

#[migration(id = "001_list")]
async fn list(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let mut indexes = tx.collection::<Document>("users").list_indexes().await?;
    while indexes.advance().await? {
        println!("{:?}", indexes.deserialize_current()?);
    }
    Ok(())
}

fn main() {}
