//! The operations of one `Tx` take turns: in the order in which they were first polled, whoever polls them afterwards.

use std::future::IntoFuture;
use std::time::Duration;

use futures_util::future::{join, join_all};
use futures_util::{StreamExt, poll, stream};
use mongodb::bson::{Document, doc};
use mongrate::{Error, Tx, migration};
use mongrate_tests::stored::{count, lease_is_free, migrator};
use mongrate_tests::{FailPoint, TestDb};
use tokio::time::timeout;

/// A deadlock would last for ever.
const LIMIT: Duration = Duration::from_secs(20);

#[migration(id = "001_copy", source = "module:tx-buffered")]
async fn buffered(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let (things, copies) = (tx.collection::<Document>("things"), tx.collection::<Document>("copies"));
    let found = (0..8).map(|n| things.find_one(doc! { "_id": n }).into_future());
    let mut found = stream::iter(found).buffered(4);
    while let Some(thing) = found.next().await {
        copies.insert_one(thing?.expect("a thing")).await?;
    }
    Ok(())
}

#[migration(id = "002_copy", source = "module:tx-buffered")]
async fn buffer_unordered(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let (things, copies) = (tx.collection::<Document>("things"), tx.collection::<Document>("unordered"));
    let found = (0..8).map(|n| things.find_one(doc! { "_id": n }).into_future());
    let mut found = stream::iter(found).buffer_unordered(4);
    while let Some(thing) = found.next().await {
        copies.insert_one(thing?.expect("a thing")).await?;
    }
    Ok(())
}

#[migration(id = "003_cursors", source = "module:tx-buffered")]
async fn cursors(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let (things, copies) = (tx.collection::<Document>("things"), tx.collection::<Document>("read"));
    let mut cursor = things.find(doc! {}).with(|find| find.batch_size(2)).await?;
    {
        // One that is polled once, and then not before the insert has ended.
        let next = cursor.next();
        tokio::pin!(next);
        let early = poll!(&mut next);
        assert!(early.is_pending());
        copies.insert_one(doc! { "_id": -1 }).await?;
        let thing = next.await.expect("a thing")?;
        copies.insert_one(thing).await?;
    }
    while let Some(thing) = cursor.next().await {
        copies.insert_one(thing?).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_unpolled_operation_does_not_block_others() {
    let db = TestDb::new().await;
    db.collection::<Document>("things").insert_many((0..8).map(|n| doc! { "_id": n })).await.unwrap();
    let up = migrator(&db, "module:tx-buffered").build().unwrap().up().into_future();
    timeout(LIMIT, up).await.expect("it waits for itself").unwrap();
    for (collection, expected) in [("copies", 8), ("unordered", 8), ("read", 9)] {
        assert_eq!(count(&db, collection, doc! {}).await, expected, "{collection}");
    }
}

#[migration(id = "001_order", source = "module:tx-order")]
async fn order(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let things = tx.collection::<Document>("things");
    let set = |n: i32| things.update_one(doc! { "_id": 1 }, doc! { "$push": { "order": n } }).into_future();
    // Made in another order than that of their first polls.
    let (mut first, mut second, mut third) = (set(3), set(1), set(2));
    assert!(poll!(&mut second).is_pending());
    assert!(poll!(&mut third).is_pending());
    assert!(poll!(&mut first).is_pending());
    // Several tasks, and the last one is awaited first.
    let others = join_all((4..8).map(set));
    join(others, async { first.await.unwrap() }).await;
    second.await?;
    third.await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_run_in_the_order_of_their_first_polls() {
    let db = TestDb::new().await;
    db.collection::<Document>("things").insert_one(doc! { "_id": 1, "order": [] }).await.unwrap();
    let up = migrator(&db, "module:tx-order").build().unwrap().up().into_future();
    timeout(LIMIT, up).await.expect("it waits for itself").unwrap();
    let thing = db.collection::<Document>("things").find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(thing, doc! { "_id": 1, "order": [1, 2, 3, 4, 5, 6, 7] });
}

#[migration(id = "001_break", source = "module:tx-break")]
async fn leave_a_stream(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let things = tx.collection::<Document>("things");
    let mut found = stream::iter((0..8).map(|n| things.find_one(doc! { "_id": n }).into_future())).buffered(4);
    found.next().await.expect("an item")?;
    drop(found);
    things.insert_one(doc! { "_id": "after" }).await?;
    Ok(())
}

/// Reads whose results nobody wants any more.
#[tokio::test]
async fn reads_may_be_dropped() {
    let db = TestDb::new().await;
    migrator(&db, "module:tx-break").build().unwrap().up().await.unwrap();
    assert_eq!(count(&db, "things", doc! {}).await, 1);
}

#[migration(id = "001_queued", source = "module:tx-dropped-write")]
async fn drop_a_write(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let things = tx.collection::<Document>("things");
    let mut first = things.insert_one(doc! { "_id": 1 }).into_future();
    let mut second = things.insert_one(doc! { "_id": 2 }).into_future();
    assert!(poll!(&mut first).is_pending());
    assert!(poll!(&mut second).is_pending());
    drop(second);
    first.await?;
    Ok(())
}

/// It is unknown whether it took effect, so the whole migration is rolled back.
#[tokio::test]
async fn i1_a_write_dropped_while_waiting_fails_the_migration() {
    let db = TestDb::new().await;
    let error = migrator(&db, "module:tx-dropped-write").build().unwrap().up().await.unwrap_err();
    println!("{error}");
    let Error::Failed { source, .. } = &error else { panic!("{error}") };
    assert!(matches!(source.downcast_ref(), Some(Error::IgnoredError { .. })), "{source}");
    assert!(error.to_string().contains("insert_one on things"), "{error}");
    assert_eq!(count(&db, "things", doc! {}).await, 0);
    assert!(lease_is_free(&db).await);
}

#[migration(id = "001_stopped", source = "module:tx-stopped")]
async fn stopped(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let things = tx.collection::<Document>("things");
    things.insert_one(doc! { "_id": 1 }).await?;
    let mut never = things.insert_one(doc! { "_id": 2 }).into_future();
    assert!(poll!(&mut never).is_pending());
    // It is polled no more, and the body does not come back either.
    std::future::pending::<()>().await;
    never.await?;
    Ok(())
}

#[tokio::test]
async fn i6_a_body_that_waits_forever_beside_an_operation_is_stopped() {
    let db = TestDb::new().await;
    let up = migrator(&db, "module:tx-stopped").build().unwrap().up().timeout(Duration::from_secs(1)).into_future();
    let error = timeout(LIMIT, up).await.expect("it waits for itself").unwrap_err();
    assert!(matches!(error, Error::RunTimedOut { .. }), "{error}");
    assert_eq!(count(&db, "things", doc! {}).await, 0);
    assert!(lease_is_free(&db).await);
    // The rolled-back transaction holds nothing.
    let things = db.collection::<Document>("things");
    timeout(LIMIT, things.insert_one(doc! { "_id": 2 }).into_future()).await.expect("it is still open").unwrap();
}

#[migration(id = "001_slow", source = "module:tx-panics")]
async fn unreadable(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let things = tx.collection::<Panics>("things");
    things.find_one(doc! {}).await?;
    Ok(())
}

struct Panics;

impl<'de> serde::Deserialize<'de> for Panics {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("no such thing")
    }
}

#[tokio::test]
async fn i6_a_panic_in_an_operation_is_the_bodys() {
    let db = TestDb::new().await;
    db.collection::<Document>("things").insert_one(doc! { "_id": 1 }).await.unwrap();
    let up = migrator(&db, "module:tx-panics").build().unwrap().up().into_future();
    let error = timeout(LIMIT, up).await.expect("it waits for itself").unwrap_err();
    let Error::Failed { source, .. } = &error else { panic!("{error}") };
    assert!(matches!(source.downcast_ref(), Some(Error::Panicked { .. })), "{source}");
    assert!(error.to_string().contains("no such thing"), "{error}");
    assert!(lease_is_free(&db).await);
}

#[migration(id = "001_shared", source = "module:tx-tasks")]
async fn from_many_tasks(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let things = tx.collection::<Document>("things");
    let tasks = (0..8).map(|n| {
        let things = things.clone();
        tokio::spawn(async move { things.insert_one(doc! { "_id": n }).await })
    });
    for task in join_all(tasks).await {
        task??;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_of_a_body_share_its_transaction() {
    let db = TestDb::new().await;
    let slow = doc! {
        "failCommands": ["insert"], "namespace": format!("{}.things", db.name()), "blockConnection": true, "blockTimeMS": 50,
    };
    let _slow = FailPoint::always(&db, slow).await;
    migrator(&db, "module:tx-tasks").build().unwrap().up().await.unwrap();
    assert_eq!(count(&db, "things", doc! {}).await, 8);
}
