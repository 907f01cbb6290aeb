//! Isolation of a transaction: its effects are invisible before the commit, and so are those of others inside it.

use mongodb::bson::{Document, doc};
use mongrate::{Tx, migration};
use mongrate_tests::stored::{count, migrator, record};
use mongrate_tests::{Gate, TestDb};

static WRITTEN: Gate = Gate::new();
static LOOKED: Gate = Gate::new();

#[migration(id = "001_slow", source = "module:tx-isolation")]
async fn slow(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let things = tx.collection::<Document>("things");
    things.insert_one(doc! { "_id": "new" }).await?;
    things.update_one(doc! { "_id": "old" }, doc! { "$set": { "changed": true } }).await?;
    things.delete_one(doc! { "_id": "gone" }).await?;
    tx.kv().set("key", 1).await?;
    WRITTEN.open();
    LOOKED.pass().await;
    // What others wrote since is not seen.
    anyhow::ensure!(things.find_one(doc! { "_id": "others" }).await?.is_none(), "not a snapshot");
    Ok(())
}

#[tokio::test]
async fn i1_effects_are_invisible_before_the_commit() {
    let db = TestDb::new().await;
    let things = db.collection::<Document>("things");
    things.insert_many([doc! { "_id": "old" }, doc! { "_id": "gone" }]).await.unwrap();
    let up = tokio::spawn(migrator(&db, "module:tx-isolation").build().unwrap().up().into_future());

    WRITTEN.pass().await;
    assert_eq!(count(&db, "things", doc! { "_id": "new" }).await, 0);
    assert_eq!(count(&db, "things", doc! { "changed": true }).await, 0);
    assert_eq!(count(&db, "things", doc! { "_id": "gone" }).await, 1);
    assert_eq!(count(&db, "migrations_kv", doc! {}).await, 0);
    // No marker, either: a crash now would leave nothing.
    assert!(record(&db, "module:tx-isolation:001_slow").await.is_none());
    things.insert_one(doc! { "_id": "others" }).await.unwrap();
    LOOKED.open();

    up.await.unwrap().unwrap();
    assert_eq!(count(&db, "things", doc! { "_id": "new" }).await, 1);
    assert_eq!(count(&db, "things", doc! { "changed": true }).await, 1);
    assert_eq!(count(&db, "things", doc! { "_id": "gone" }).await, 0);
    assert_eq!(count(&db, "migrations_kv", doc! {}).await, 1);
    assert!(record(&db, "module:tx-isolation:001_slow").await.is_some());
}

static READ: Gate = Gate::new();
static CHANGED: Gate = Gate::new();

#[migration(id = "001_conflicts", source = "module:tx-conflict")]
async fn conflicts(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let things = tx.collection::<Document>("things");
    let before = things.find_one(doc! { "_id": 1 }).await?.unwrap().get_i32("n")?;
    READ.open();
    CHANGED.pass().await;
    things.update_one(doc! { "_id": 1 }, doc! { "$set": { "n": before + 1 } }).await?;
    Ok(())
}

#[tokio::test]
async fn i1_a_write_conflict_repeats_the_body_with_one_effect() {
    let db = TestDb::new().await;
    let things = db.collection::<Document>("things");
    things.insert_one(doc! { "_id": 1, "n": 0 }).await.unwrap();
    let up = tokio::spawn(migrator(&db, "module:tx-conflict").build().unwrap().up().into_future());

    READ.pass().await;
    things.update_one(doc! { "_id": 1 }, doc! { "$set": { "n": 10 } }).await.unwrap();
    CHANGED.open();
    CHANGED.open();
    let report = up.await.unwrap().unwrap();
    assert_eq!(report.executions().next().unwrap().attempts, 2);
    assert_eq!(count(&db, "things", doc! { "n": 11 }).await, 1);
    // The server's attempts are not executions.
    let record = record(&db, "module:tx-conflict:001_conflicts").await.unwrap();
    assert_eq!(record.get_i64("attempts").unwrap(), 1);
}
