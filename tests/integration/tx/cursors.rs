//! Cursors and concurrent operations in a transaction.

use futures_util::future::try_join;
use mongodb::bson::{Document, doc};
use mongrate::{Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{count, migrator};

/// More than two of the server's first batches of 101.
const MANY: i32 = 250;

#[migration(id = "001_seed", source = "module:tx-cursor")]
async fn seed(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("things").insert_many((0..MANY).map(|n| doc! { "_id": n })).await?;
    Ok(())
}

#[migration(id = "002_copy", source = "module:tx-cursor")]
async fn copy(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let (things, copies) = (tx.collection::<Document>("things"), tx.collection::<Document>("copies"));
    let mut all = things.find(doc! {}).with(|action| action.sort(doc! { "_id": 1 })).await?;
    let mut expected = 0;
    while let Some(thing) = all.next().await {
        let thing = thing?;
        assert_eq!(thing.get_i32("_id")?, expected);
        expected += 1;
        // The cursor and this insert take turns on the one session.
        copies.insert_one(thing).await?;
    }
    assert_eq!(expected, MANY);
    let aggregated = things.aggregate([doc! { "$match": {} }]).await?.collect().await?;
    assert_eq!(aggregated.len(), usize::try_from(MANY)?);
    Ok(())
}

#[tokio::test]
async fn a_cursor_continues_across_batches_during_writes() {
    let db = TestDb::new().await;
    migrator(&db, "module:tx-cursor").build().unwrap().up().await.unwrap();
    assert!(db.commands().count()["getMore"] >= 1);
    assert_eq!(count(&db, "copies", doc! {}).await, u64::from(MANY.unsigned_abs()));
}

#[migration(id = "001_two", source = "module:tx-two")]
async fn two(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let (ones, twos) = (tx.collection::<Document>("ones"), tx.collection::<Document>("twos"));
    let first = async {
        for n in 0..20 {
            ones.insert_one(doc! { "_id": n }).await?;
            tokio::task::yield_now().await;
        }
        Ok::<_, mongodb::error::Error>(())
    };
    let second = async {
        for n in 0..20 {
            twos.insert_one(doc! { "_id": n }).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    };
    try_join(first, second).await?;
    Ok(())
}

#[tokio::test]
async fn two_collections_are_written_alternately() {
    let db = TestDb::new().await;
    migrator(&db, "module:tx-two").build().unwrap().up().await.unwrap();
    assert_eq!((count(&db, "ones", doc! {}).await, count(&db, "twos", doc! {}).await), (20, 20));
    assert_eq!(db.commands().count()["commitTransaction"], 1);
}
