use mongodb::bson::Document;
use mongrate::{Tx, migration};

#[migration(id = "001_create")]
async fn create(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.create_collection("users").await?;
    Ok(())
}

#[migration(id = "002_drop")]
async fn drop(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("users").drop().await
}

#[migration(id = "003_drop_elsewhere")]
async fn drop_elsewhere(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.database("archive").drop().await
}

#[migration(id = "004_rename")]
async fn rename(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let users = tx.collection::<Document>("users");
    users.rename("people").await?;
    Ok(())
}

fn main() {}
