//! Indexes.

use futures_util::TryStreamExt;
use mongodb::bson::{DateTime, Document, doc};
use mongrate::Registry;
use mongrate_tests::TestDb;
use mongrate_tests::stored::count;

use super::recipe::{Recipe, databases, indexes, insert};

#[tokio::test]
async fn create_an_index_on_a_large_collection() {
    for db in databases().await {
        let orders = (0..5_000).map(|number| doc! { "customer": number % 7, "reference": format!("R{number}") });
        insert(&db, "orders", orders.chain([doc! { "customer": 1 }, doc! { "customer": 1 }])).await;
        let recipe = Recipe::up(&db, &["020_index_orders"]).await;
        assert_eq!(indexes(&db, "orders").await, ["_id_", "by_customer", "by_reference"]);
        let twice = db.collection("orders").insert_one(doc! { "reference": "R1" }).await.unwrap_err();
        assert!(twice.to_string().contains("by_reference"), "{twice}");
        recipe.down().await;
        assert_eq!(indexes(&db, "orders").await, ["_id_"]);
        assert_eq!(count(&db, "orders", doc! {}).await, 5_002);
    }
}

#[tokio::test]
async fn let_documents_expire() {
    for db in databases().await {
        insert(&db, "sessions", [doc! { "lastUsed": DateTime::now() }]).await;
        let recipe = Recipe::up(&db, &["030_expire_sessions", "031_expire_sessions_sooner"]).await;
        assert_eq!(expiry(&db).await, 7 * 24 * 60 * 60);
        recipe.migrator.down().await.unwrap();
        assert_eq!(expiry(&db).await, 30 * 24 * 60 * 60);
        recipe.migrator.up().await.unwrap();
        recipe.down().await;
        assert_eq!(indexes(&db, "sessions").await, ["_id_"]);
        assert_eq!(count(&db, "sessions", doc! {}).await, 1);
    }
}

/// In seconds.
async fn expiry(db: &TestDb) -> u64 {
    let indexes = db.collection::<Document>("sessions").list_indexes().await.unwrap();
    let indexes: Vec<_> = indexes.try_collect().await.unwrap();
    let ages: Vec<_> = indexes.into_iter().filter_map(|index| index.options?.expire_after).collect();
    let [age] = ages[..] else { panic!("{ages:?}") };
    age.as_secs()
}

#[tokio::test]
async fn write_the_same_migration_several_times() {
    const IDS: [&str; 5] = [
        "035_carts_by_tenant",
        "035_customers_by_tenant",
        "035_invoices_by_tenant",
        "035_orders_by_tenant",
        "035_products_by_tenant",
    ];
    const COLLECTIONS: [&str; 5] = ["carts", "customers", "invoices", "orders", "products"];
    for db in databases().await {
        let recipe = Recipe::up(&db, &IDS).await;
        for collection in COLLECTIONS {
            assert_eq!(indexes(&db, collection).await, ["_id_", "by_tenant"]);
        }
        recipe.down().await;
        for collection in COLLECTIONS {
            assert_eq!(indexes(&db, collection).await, ["_id_"]);
        }
    }
    let checksums: std::collections::BTreeSet<_> =
        IDS.iter().map(|id| Registry::linked().get(id).unwrap().checksum()).collect();
    assert_eq!(checksums.len(), IDS.len());
}
