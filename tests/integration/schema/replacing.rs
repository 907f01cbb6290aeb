//! A rename in place of another collection.

use mongodb::bson::{Document, doc};
use mongrate::{Error, Schema, migration};
use mongrate_tests::crash::restructure::uuid;
use mongrate_tests::stored::{collections, count, migrator};
use mongrate_tests::{FailPoint, TestDb};

#[migration(id = "001_rebuild", source = "module:replacing", down = put_back)]
async fn rebuild(schema: &mut Schema) -> Result<(), Error> {
    schema.create_index("stock_rebuilt", doc! { "part": 1 }).await?;
    schema.rename_collection("stock_rebuilt", "stock").replacing().await
}

async fn put_back(schema: &mut Schema) -> Result<(), Error> {
    schema.rename_collection("stock", "stock_rebuilt").replacing().await
}

/// Three old documents under the new name, and one rebuilt one.
async fn prepare(db: &TestDb) {
    db.collection::<Document>("stock").insert_many(vec![doc! { "old": true }; 3]).await.unwrap();
    db.collection::<Document>("stock_rebuilt").insert_one(doc! { "part": 1 }).await.unwrap();
}

async fn assert_replaced(db: &TestDb) {
    let (all, rebuilt) = (count(db, "stock", doc! {}).await, count(db, "stock", doc! { "part": 1 }).await);
    assert_eq!((all, rebuilt), (1, 1));
    assert!(!collections(db).await.contains(&"stock_rebuilt".to_owned()));
}

#[tokio::test]
async fn a_rename_replaces_a_collection() {
    for db in [TestDb::new().await, TestDb::standalone().await] {
        prepare(&db).await;
        let rebuilt = uuid(&db, "stock_rebuilt").await;
        let migrator = migrator(&db, "module:replacing").build().unwrap();
        let dry = migrator.up().dry_run(true).await.unwrap();
        let notes = &dry.executions().next().unwrap().operations[1].notes;
        assert_eq!(notes, &["would be renamed to 'stock'", "'stock' would be dropped, and 3 documents lost"]);
        migrator.up().await.unwrap();
        assert_replaced(&db).await;
        assert_eq!(uuid(&db, "stock").await, rebuilt);
        assert!(migrator.validate().await.unwrap().findings().is_empty());
        // There is nothing to replace on the way back.
        migrator.down().await.unwrap();
        assert_eq!(uuid(&db, "stock_rebuilt").await, rebuilt);
        assert!(!collections(&db).await.contains(&"stock".to_owned()));
        assert!(migrator.validate().await.unwrap().findings().is_empty());
    }
}

/// The rename of a process that failed has not taken place. The next run renames, if the target is the same or gone.
#[tokio::test]
async fn a_rename_in_doubt_is_repeated() {
    for gone in [false, true] {
        let db = TestDb::new().await;
        prepare(&db).await;
        let migrator = migrator(&db, "module:replacing").build().unwrap();
        let fault = FailPoint::times(1, &db, doc! { "failCommands": ["renameCollection"], "errorCode": 96 }).await;
        migrator.up().await.unwrap_err();
        drop(fault);
        if gone {
            db.collection::<Document>("stock").drop().await.unwrap();
        }
        migrator.up().await.unwrap();
        assert_replaced(&db).await;
    }
}

/// A collection that was created since the rename began is not dropped.
#[tokio::test]
async fn a_rename_whose_target_was_recreated_is_in_doubt() {
    let db = TestDb::new().await;
    prepare(&db).await;
    let migrator = migrator(&db, "module:replacing").build().unwrap();
    let fault = FailPoint::times(1, &db, doc! { "failCommands": ["renameCollection"], "errorCode": 96 }).await;
    migrator.up().await.unwrap_err();
    drop(fault);
    let stock = db.collection::<Document>("stock");
    stock.drop().await.unwrap();
    stock.insert_one(doc! { "_id": "new" }).await.unwrap();
    let error = migrator.up().await.unwrap_err();
    let Error::Failed { source, .. } = &error else { panic!("{error}") };
    assert!(matches!(source.downcast_ref(), Some(Error::InDoubt { position: 2, .. })), "{source:?}");
    assert_eq!(count(&db, "stock", doc! { "_id": "new" }).await, 1);
    assert_eq!(count(&db, "stock_rebuilt", doc! {}).await, 1);
    // Resolved by hand.
    stock.drop().await.unwrap();
    migrator.up().await.unwrap();
    assert_replaced(&db).await;
}
