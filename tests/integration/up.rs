//! What `up` does.

use mongodb::bson::{Document, doc};
use mongrate::{Migrator, Registry, Schema, Tx, migration};
use mongrate_tests::TestDb;

#[migration(id = "001_create_users", source = "module:order")]
async fn create_users(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "email": 1 }).unique().await
}

/// Every user has a role.
#[migration(id = "002_assign_roles", source = "module:order", deps = ["module:order:001_create_users"])]
async fn assign_roles(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let users = tx.collection::<Document>("users");
    users.insert_one(doc! { "email": "a", "role": "member" }).await?;
    Ok(())
}

#[tokio::test]
async fn thin_path() {
    let db = TestDb::new().await;
    let migrator = Migrator::builder(db.database().clone()).registry(Registry::linked().source("module:order")).build();
    println!("{}", migrator.status().await.unwrap());
    println!("{}", migrator.plan().await.unwrap());
    let _ = db.commands().take();
    println!("{}", migrator.up().await.unwrap());
    println!("{:?}", db.commands().take());
    println!("{}", migrator.up().await.unwrap());
    println!("{:?}", db.commands().take());
    println!("{}", migrator.status().await.unwrap());
    assert_eq!(db.collection::<Document>("users").count_documents(doc! {}).await.unwrap(), 1);
}
