//! A validator in three steps.

use mongodb::bson::{Document, doc};
use mongrate::Error;
use mongrate_guide_tests::builder;
use mongrate_tests::stored::{count, documents, status};

use super::recipe::{Recipe, databases, insert, options};

const IDS: [&str; 3] = ["027_warn_of_orders", "028_repair_orders", "029_require_orders"];

#[tokio::test]
async fn introduce_a_validator_in_three_steps() {
    for db in databases().await {
        let orders = [doc! { "_id": 1, "status": "open" }, doc! { "_id": 2 }, doc! { "_id": 3, "status": "lost" }];
        insert(&db, "orders", orders).await;
        let recipe = Recipe::up(&db, &IDS).await;
        assert_eq!(count(&db, "orders", doc! { "status": "unknown" }).await, 2);
        db.collection("orders").insert_one(doc! { "_id": 4 }).await.unwrap_err();
        assert_eq!(count(&db, "orders", doc! {}).await, 3);
        assert_eq!(options(&db, "orders").await.get_str("validationAction").unwrap(), "error");
        recipe.down().await;
        db.collection("orders").insert_one(doc! { "_id": 4 }).await.unwrap();
        let now = [doc! { "_id": 1, "status": "open" }, doc! { "_id": 2 }, doc! { "_id": 3 }, doc! { "_id": 4 }];
        assert_eq!(documents(&db, "orders").await, now);
        assert!(!options(&db, "orders").await.contains_key("validator"));
    }
}

/// Between the second and the third release.
#[tokio::test]
async fn the_third_step_refuses_invalid_documents() {
    for db in databases().await {
        insert(&db, "orders", [doc! { "_id": 1 }]).await;
        Recipe::up(&db, &IDS[..2]).await;
        // The first step only warns.
        db.collection("orders").insert_one(doc! { "_id": 2 }).await.unwrap();
        let migrator = builder(&db, &IDS).build().unwrap();
        let error = migrator.up().await.unwrap_err();
        assert!(
            matches!(&error, Error::Failed { .. }) && error.to_string().contains("1 orders are invalid"),
            "{error}"
        );
        assert_eq!(options(&db, "orders").await.get_str("validationAction").unwrap(), "warn");

        db.collection::<Document>("orders").delete_one(doc! { "_id": 2 }).await.unwrap();
        migrator.up().await.unwrap();
        assert_eq!(status(&db, IDS[2]).await, "completed");
        assert_eq!(options(&db, "orders").await.get_str("validationAction").unwrap(), "error");
    }
}
