//! Changes of large collections, which must be repeatable.

use mongodb::bson::doc;
use mongrate_tests::stored::{count, documents};

use super::recipe::{Recipe, databases, insert};

#[tokio::test]
async fn compute_a_field_of_a_large_collection() {
    const ID: &str = "023_order_totals";
    for db in databases().await {
        insert(&db, "orders", (0..2_500).map(|id| doc! { "_id": id, "lines": [{ "price": id }, { "price": 2 }] }))
            .await;
        let before = documents(&db, "orders").await;
        let recipe = Recipe::up(&db, &[ID]).await;
        let right = doc! { "$expr": { "$eq": ["$total", { "$add": ["$_id", 2] }] } };
        assert_eq!(count(&db, "orders", right.clone()).await, 2_500);
        recipe.migrator.rerun(ID).await.unwrap();
        assert_eq!(count(&db, "orders", right).await, 2_500);
        recipe.down().await;
        assert_eq!(documents(&db, "orders").await, before);
    }
}

#[tokio::test]
async fn move_documents_to_another_collection() {
    const ID: &str = "025_closed_orders";
    for db in databases().await {
        let status = |id: i32| if id % 2 == 0 { "closed" } else { "open" };
        insert(&db, "orders", (0..3_000).map(|id| doc! { "_id": id, "status": status(id) })).await;
        let before = documents(&db, "orders").await;
        let recipe = Recipe::up(&db, &[ID]).await;
        assert_eq!(count(&db, "orders", doc! { "status": "open" }).await, 1_500);
        assert_eq!(count(&db, "orders", doc! {}).await, 1_500);
        assert_eq!(count(&db, "orders_closed", doc! { "status": "closed" }).await, 1_500);
        recipe.migrator.rerun(ID).await.unwrap();
        assert_eq!(count(&db, "orders_closed", doc! {}).await, 1_500);
        recipe.down().await;
        assert_eq!(documents(&db, "orders").await, before);
        assert_eq!(count(&db, "orders_closed", doc! {}).await, 0);
    }
}

#[tokio::test]
async fn move_files_into_gridfs() {
    const ID: &str = "032_avatars";
    for db in databases().await {
        // Two chunks, and a user without a picture.
        insert(&db, "users", [picture("ada", 300_000), picture("grace", 1), doc! { "_id": "linus" }]).await;
        // An upload that was interrupted.
        insert(&db, "avatars.chunks", [doc! { "files_id": "ada", "n": 0, "data": "half" }]).await;
        let before = documents(&db, "users").await;
        let recipe = Recipe::up(&db, &[ID]).await;
        assert_eq!(count(&db, "users", doc! { "avatar": { "$exists": true } }).await, 0);
        assert_eq!(count(&db, "avatars.files", doc! { "_id": "ada", "length": 300_000 }).await, 1);
        assert_eq!(count(&db, "avatars.chunks", doc! { "files_id": "ada" }).await, 2);
        recipe.migrator.rerun(ID).await.unwrap();
        assert_eq!(count(&db, "avatars.files", doc! {}).await, 2);
        recipe.down().await;
        assert_eq!(documents(&db, "users").await, before);
        assert_eq!(count(&db, "avatars.chunks", doc! {}).await, 0);
    }
}

fn picture(user: &str, length: usize) -> mongodb::bson::Document {
    use mongodb::bson::Binary;
    use mongodb::bson::spec::BinarySubtype;
    let bytes = (0..length).map(|index| u8::try_from(index % 251).unwrap()).collect();
    doc! { "_id": user, "avatar": Binary { subtype: BinarySubtype::Generic, bytes } }
}
