use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongrate::{Tx, migration};

#[migration(id = "001_create")]
async fn create(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let created = tx.collection::<Document>("users").create_index(IndexModel::builder().keys(doc! { "email": 1 }).build()).await?;
    println!("{}", created.index_name);
    Ok(())
}

#[migration(id = "002_create_as_in_a_schema")]
async fn create_as_in_a_schema(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.create_index("users", doc! { "email": 1 }).unique().await
}

#[migration(id = "003_create_several")]
async fn create_several(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let users = tx.collection::<Document>("users");
    users.create_indexes([IndexModel::builder().keys(doc! { "email": 1 }).build()]).await?;
    Ok(())
}

#[migration(id = "004_drop")]
async fn drop(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("users").drop_index("email_1").await?;
    Ok(())
}

#[migration(id = "005_drop_all")]
async fn drop_all(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("users").drop_indexes().await
}

fn main() {}
