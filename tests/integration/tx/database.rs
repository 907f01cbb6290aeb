//! Another database of the same server, in the same transaction.

use mongodb::bson::{Document, doc};
use mongrate::{Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{count, documents, migrator};

/// The name of the other database, which each test chooses.
async fn archive(tx: &Tx) -> Result<String, anyhow::Error> {
    let settings = tx.collection::<Document>("settings").find_one(doc! {}).await?.unwrap_or_default();
    Ok(settings.get_str("archive")?.to_owned())
}

#[migration(id = "001_archives", source = "module:tx-database", down = returns)]
async fn archives(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let archive = tx.database(&archive(tx).await?).collection::<Document>("orders");
    let orders = tx.collection::<Document>("orders");
    let old = orders.find(doc! { "old": true }).await?.collect().await?;
    archive.insert_many(&old).await?;
    archive.update_each([(doc! { "_id": 1 }, doc! { "$set": { "archived": true } })]).await?;
    orders.delete_many(doc! { "old": true }).await?;
    Ok(())
}

async fn returns(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let archive = tx.database(&archive(tx).await?).collection::<Document>("orders");
    let old = archive.find(doc! {}).with(|action| action.projection(doc! { "archived": 0 })).await?.collect().await?;
    tx.collection::<Document>("orders").insert_many(&old).await?;
    archive.delete_many(doc! {}).await?;
    Ok(())
}

#[migration(id = "002_fails", source = "module:tx-database", deps = ["module:tx-database:001_archives"])]
async fn fails(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.database(&archive(tx).await?).collection::<Document>("orders").delete_many(doc! {}).await?;
    anyhow::bail!("after all")
}

async fn prepared() -> TestDb {
    let db = TestDb::new().await;
    db.collection("settings").insert_one(doc! { "archive": db.tenant("archive").name() }).await.unwrap();
    let orders = [doc! { "_id": 1, "old": true }, doc! { "_id": 2, "old": true }, doc! { "_id": 3 }];
    db.collection("orders").insert_many(orders).await.unwrap();
    db
}

#[tokio::test]
async fn i1_both_databases_change_together_or_not_at_all() {
    let db = prepared().await;
    let archive = db.tenant("archive");
    let migrator = migrator(&db, "module:tx-database").build().unwrap();
    let report = migrator.up().only("module:tx-database:001_archives").await.unwrap();
    let archived = [doc! { "_id": 1, "old": true, "archived": true }, doc! { "_id": 2, "old": true }];
    assert_eq!(documents(&archive, "orders").await, archived);
    assert_eq!(documents(&db, "orders").await, [doc! { "_id": 3 }]);
    // The report names the other database.
    let full = format!("{}.orders", archive.name());
    let operations = &report.executions().next().unwrap().operations;
    let names: Vec<_> = operations.iter().map(|operation| operation.collection.as_str()).collect();
    assert_eq!(names, ["settings", "orders", &full, &full, "orders"]);

    let error = migrator.up().await.unwrap_err().to_string();
    assert!(error.contains("after all"), "{error}");
    assert_eq!(documents(&archive, "orders").await, archived);

    migrator.down().await.unwrap();
    assert_eq!(count(&archive, "orders", doc! {}).await, 0);
    let back = [doc! { "_id": 1, "old": true }, doc! { "_id": 2, "old": true }, doc! { "_id": 3 }];
    let mut orders = documents(&db, "orders").await;
    orders.sort_by_key(|order| order.get_i32("_id").unwrap());
    assert_eq!(orders, back);
}

#[tokio::test]
async fn i4_a_dry_run_shows_what_would_change_elsewhere() {
    let db = prepared().await;
    let archive = db.tenant("archive");
    let migrator = migrator(&db, "module:tx-database").build().unwrap();
    let report = migrator.up().only("module:tx-database:001_archives").dry_run(true).await.unwrap();
    let operations = &report.executions().next().unwrap().operations;
    let inserted: Vec<_> = operations[2].samples.iter().filter_map(|sample| sample.after.clone()).collect();
    assert_eq!(inserted, [doc! { "_id": 1, "old": true }, doc! { "_id": 2, "old": true }]);
    assert_eq!(count(&archive, "orders", doc! {}).await, 0);
    assert_eq!(count(&db, "orders", doc! {}).await, 3);
}

#[migration(id = "001_reaches", source = "plugin:tx-database")]
async fn reaches(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("own").insert_one(doc! {}).await?;
    tx.database("archive").collection::<Document>("orders").insert_one(doc! {}).await?;
    Ok(())
}

#[tokio::test]
async fn a_plugin_reaches_no_other_database() {
    let db = TestDb::new().await;
    let error = migrator(&db, "plugin:tx-database").build().unwrap().up().await.unwrap_err().to_string();
    println!("{error}");
    assert!(error.contains("the plugin 'tx-database' reaches only its own collections"), "{error}");
    assert_eq!(count(&db, "plugin_tx-database_own", doc! {}).await, 0);
}
