//! Changes of documents in a transaction.

use mongodb::bson::doc;
use mongrate::Migrator;
use mongrate_guide_tests::builder;
use mongrate_tests::stored::{count, documents};

use super::recipe::{Recipe, databases, insert};

#[tokio::test]
async fn rename_a_field() {
    for db in databases().await {
        let users = [
            doc! { "_id": 1, "mail": "ada@" },
            doc! { "_id": 2, "mail": "old@", "email": "grace@" },
            doc! { "_id": 3 },
        ];
        insert(&db, "users", users).await;
        let recipe = Recipe::up(&db, &["022_email"]).await;
        let renamed = [doc! { "_id": 1, "email": "ada@" }, doc! { "_id": 2, "email": "grace@" }, doc! { "_id": 3 }];
        assert_eq!(documents(&db, "users").await, renamed);
        recipe.down().await;
        let back = [doc! { "_id": 1, "mail": "ada@" }, doc! { "_id": 2, "mail": "grace@" }, doc! { "_id": 3 }];
        assert_eq!(documents(&db, "users").await, back);
    }
}

#[tokio::test]
async fn split_a_document() {
    for db in databases().await {
        let customers = [
            doc! { "_id": "ada", "addresses": [{ "city": "London" }, { "city": "Ealing" }] },
            doc! { "_id": "grace", "addresses": [{ "city": "New York" }] },
            doc! { "_id": "linus" },
        ];
        insert(&db, "customers", customers.clone()).await;
        let recipe = Recipe::up(&db, &["024_addresses"]).await;
        assert_eq!(count(&db, "customers", doc! { "addresses": { "$exists": true } }).await, 0);
        assert_eq!(count(&db, "addresses", doc! {}).await, 3);
        let second = doc! { "customer": "ada", "number": 1, "address.city": "Ealing" };
        assert_eq!(count(&db, "addresses", second).await, 1);
        recipe.down().await;
        assert_eq!(documents(&db, "customers").await, customers);
        assert_eq!(count(&db, "addresses", doc! {}).await, 0);
    }
}

#[tokio::test]
async fn change_the_type_of_ids() {
    const ID: &str = "026_numeric_ids";
    for db in databases().await {
        let products = [doc! { "_id": "17", "name": "nail" }, doc! { "_id": "4", "name": "screw" }];
        insert(&db, "products", products.clone()).await;
        insert(&db, "orders", [doc! { "_id": 1, "product": "17" }, doc! { "_id": 2, "product": "17" }]).await;
        let recipe = Recipe::up(&db, &[ID]).await;
        assert_eq!(
            documents(&db, "products").await,
            [doc! { "_id": 4_i64, "name": "screw" }, doc! { "_id": 17_i64, "name": "nail" }]
        );
        assert_eq!(count(&db, "orders", doc! { "product": { "$type": "long", "$eq": 17_i64 } }).await, 2);
        recipe.down().await;
        assert_eq!(documents(&db, "products").await, products);
        assert_eq!(count(&db, "orders", doc! { "product": "17" }).await, 2);
    }
}

#[tokio::test]
async fn an_id_that_is_not_a_number_changes_nothing() {
    for db in databases().await {
        let products = [doc! { "_id": "17" }, doc! { "_id": "seven" }];
        insert(&db, "products", products.clone()).await;
        let error = builder(&db, &["026_numeric_ids"]).build().unwrap().up().await.unwrap_err();
        assert!(error.to_string().contains("invalid digit"), "{error}");
        assert_eq!(documents(&db, "products").await, products);
    }
}

#[tokio::test]
async fn insert_data_for_development() {
    const ID: &str = "034_demo_users";
    for db in databases().await {
        let production: Migrator = builder(&db, &[ID]).environment("production").build().unwrap();
        assert!(production.up().await.unwrap().is_empty());
        assert_eq!(count(&db, "users", doc! {}).await, 0);
        insert(&db, "users", [doc! { "_id": "linus" }]).await;
        let recipe = Recipe::up(&db, &[ID]).await;
        assert_eq!(count(&db, "users", doc! { "demo": true }).await, 2);
        recipe.down().await;
        assert_eq!(documents(&db, "users").await, [doc! { "_id": "linus" }]);
    }
}
