//! A body that starts again: what it did is skipped, what is in doubt is settled, and no document is lost.

use mongodb::bson::{Document, doc};
use mongrate::{Error, Migrator, Schema, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, count, history, lease_is_free, migrator, record, status};

const SWAP: &str = "module:resumes-swap:001_swap";

/// The old orders go, the orders of today become the old ones.
#[migration(id = "001_swap", source = "module:resumes-swap")]
async fn swap(schema: &mut Schema) -> Result<(), Error> {
    schema.drop_collection("orders_old").await?;
    schema.rename_collection("orders", "orders_old").await?;
    schema.create_collection("orders").await?;
    schema.create_index("orders_old", doc! { "number": 1 }).unique().await
}

/// A thousand orders of today, two of them with the same number, and one old order.
async fn orders() -> (TestDb, Migrator) {
    let db = TestDb::new().await;
    db.collection::<Document>("orders_old").insert_one(doc! { "_id": "old" }).await.unwrap();
    let orders = (0..1_000).map(|number| doc! { "_id": number, "number": number.max(1) });
    db.collection::<Document>("orders").insert_many(orders).await.unwrap();
    let migrator = migrator(&db, "module:resumes-swap").build().unwrap();
    let error = migrator.up().await.unwrap_err();
    println!("{error}");
    assert!(matches!(error, Error::Failed { .. }) && error.to_string().contains("11000"), "{error}");
    assert!(error.to_string().contains("resumes"), "{error}");
    (db, migrator)
}

/// Its fourth operation fails, again and again. The second run must not begin by dropping what the first one has renamed.
#[tokio::test]
async fn a_body_that_failed_loses_nothing_when_it_runs_again() {
    let (db, migrator) = orders().await;
    for attempts in 2..=3 {
        assert_eq!(count(&db, "orders_old", doc! {}).await, 1_000);
        assert_eq!(count(&db, "orders", doc! {}).await, 0);
        let log = record(&db, SWAP).await.unwrap().get_document("log").unwrap().clone();
        println!("{log}");
        let _ = db.commands().take();
        migrator.up().await.unwrap_err();
        let sent = db.commands().count();
        assert_eq!((sent.get("drop"), sent.get("renameCollection")), (None, None), "{sent:?}");
        assert_eq!(record(&db, SWAP).await.unwrap().get_i64("attempts").unwrap(), attempts);
        assert!(lease_is_free(&db).await);
    }
    // Repaired in the data.
    db.collection::<Document>("orders_old").delete_one(doc! { "_id": 0 }).await.unwrap();
    migrator.up().await.unwrap();
    assert_eq!(status(&db, SWAP).await, "completed");
    assert_eq!(history(&db, SWAP).await, ["failed", "failed", "failed", "completed"]);
    assert_eq!(count(&db, "orders_old", doc! {}).await, 999);
    assert!(!record(&db, SWAP).await.unwrap().contains_key("log"));
    assert!(collections(&db).await.contains(&"orders".to_owned()));
}
