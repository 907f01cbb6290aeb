use mongodb::bson::{Document, doc};
use mongrate::{Tx, migration};

#[migration(id = "001_upsert")]
async fn upsert(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let users = tx.collection::<Document>("users");
    let result = users.update_one(doc! { "_id": 1 }, doc! { "$set": { "a": 1 } }).upsert(true).await?;
    println!("{:?}", result.upserted_id);
    Ok(())
}

#[migration(id = "002_sort")]
async fn sort(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let users = tx.collection::<Document>("users");
    let first = users.find(doc! {}).sort(doc! { "_id": 1 }).limit(1).await?.next().await;
    println!("{first:?}");
    Ok(())
}

#[migration(id = "003_array_filters")]
async fn array_filters(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let users = tx.collection::<Document>("users");
    users.update_many(doc! {}, doc! { "$set": { "roles.$[role]": "b" } }).array_filters([doc! { "role": "a" }]).await?;
    Ok(())
}

fn main() {}
