use mongodb::bson::Document;
use mongrate::{Tx, migration};

#[migration(id = "001_watch")]
async fn watch(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let mut changes = tx.collection::<Document>("users").watch().await?;
    while let Some(change) = changes.next_if_any().await? {
        println!("{change:?}");
    }
    Ok(())
}

fn main() {}
