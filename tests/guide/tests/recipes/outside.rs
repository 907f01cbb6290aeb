//! Another database of the same server.

use mongodb::bson::doc;
use mongrate_tests::stored::{count, documents};

use super::recipe::{Recipe, databases, insert};

#[tokio::test]
async fn use_another_database_of_the_same_server() {
    for db in databases().await {
        // The recipe names it, so no other test may use it.
        let archive = db.client().database("archive");
        archive.drop().await.unwrap();
        let orders = [("ada", 250_i64), ("ada", 50), ("grace", 7)];
        insert(&archive, "orders", orders.map(|(customer, cents)| doc! { "customer": customer, "cents": cents })).await;
        let customers = [doc! { "_id": "ada" }, doc! { "_id": "grace" }, doc! { "_id": "linus" }];
        insert(&db, "customers", customers.clone()).await;

        let recipe = Recipe::up(&db, &["033_customer_totals"]).await;
        assert_eq!(count(&db, "customers", doc! { "_id": "ada", "archivedCents": 300 }).await, 1);
        assert_eq!(count(&db, "customers", doc! { "archivedCents": { "$exists": true } }).await, 2);
        recipe.down().await;
        assert_eq!(documents(&db, "customers").await, customers);
        assert_eq!(count(&archive, "orders", doc! {}).await, 3);
        archive.drop().await.unwrap();
    }
}
