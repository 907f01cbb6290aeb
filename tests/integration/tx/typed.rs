//! Results of the migration's own types.

use mongodb::bson::{Bson, Document, doc};
use mongodb::options::ReturnDocument;
use mongrate::{Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{documents, migrator};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Order {
    #[serde(rename = "_id")]
    id: i32,
    customer: String,
    cents: i64,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Total {
    #[serde(rename = "_id")]
    customer: String,
    cents: i64,
}

#[migration(id = "001_totals", source = "module:tx-typed", down = forget)]
async fn totals(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let orders = tx.collection::<Order>("orders");
    let raised = orders
        .find_one_and_update(doc! { "_id": 1 }, doc! { "$inc": { "cents": 50_i64 } })
        .with(|action| action.return_document(ReturnDocument::After))
        .await?;
    anyhow::ensure!(raised == Some(Order { id: 1, customer: "ada".to_owned(), cents: 150 }), "{raised:?}");
    let customers = orders.distinct("customer", doc! {}).await?;
    anyhow::ensure!(customers == [Bson::from("ada"), Bson::from("bob")], "{customers:?}");

    let group = doc! { "$group": { "_id": "$customer", "cents": { "$sum": "$cents" } } };
    let found = orders
        .aggregate([group, doc! { "$sort": { "_id": 1 } }])
        .with(|action| action.allow_disk_use(true))
        .with_type::<Total>()
        .with(|action| action.comment("totals"))
        .await?
        .collect()
        .await?;
    let totals = found.iter().map(|Total { customer, cents }| doc! { "_id": customer, "cents": cents });
    tx.collection::<Document>("totals").insert_many(totals).await?;
    Ok(())
}

async fn forget(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("totals").delete_many(doc! {}).await?;
    let lower = doc! { "$inc": { "cents": -50_i64 } };
    tx.collection::<Order>("orders").find_one_and_update(doc! { "_id": 1 }, lower).await.map(drop)
}

#[tokio::test]
async fn aggregates_and_updates_return_types() {
    let db = TestDb::new().await;
    let orders = [(1, "ada", 100), (2, "bob", 7), (3, "ada", 1)].map(|(id, customer, cents)| Order {
        id,
        customer: customer.to_owned(),
        cents,
    });
    db.collection::<Order>("orders").insert_many(&orders).await.unwrap();
    let migrator = migrator(&db, "module:tx-typed").build().unwrap();
    migrator.up().await.unwrap();
    assert_eq!(
        documents(&db, "totals").await,
        [doc! { "_id": "ada", "cents": 151_i64 }, doc! { "_id": "bob", "cents": 7_i64 }]
    );
    migrator.down().await.unwrap();
    assert!(documents(&db, "totals").await.is_empty());
    assert_eq!(documents(&db, "orders").await[0].get_i64("cents").unwrap(), 100);
}
