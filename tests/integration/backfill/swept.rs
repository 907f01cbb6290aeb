//! Documents that match `remaining` only after the batch of their `_id`.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mongodb::bson::{Document, doc, oid::ObjectId};
use mongrate::context::Pace;
use mongrate::{Backfill, Error, Migrator, Registry, Report, migration};
use mongrate_tests::crash::backfill::{MANY, fill};
use mongrate_tests::stored::{count, status};
use mongrate_tests::{TestDb, eventually};

const SOURCE: &str = "module:swept";
const ID: &str = "module:swept:001_numbers";

#[migration(id = "001_numbers", source = "module:swept")]
async fn numbers(backfill: &mut Backfill) -> Result<(), Error> {
    let left = doc! { "n": { "$exists": false } };
    backfill.collection("orders").remaining(left).update(doc! { "$inc": { "n": 1, "times": 1 } }).await
}

fn migrator(db: &TestDb) -> Migrator {
    let builder = Migrator::builder((**db).clone()).registry(Registry::linked().source(SOURCE)).assume_new();
    builder.lease(Duration::from_secs(5)).build().unwrap()
}

/// Asserts that nothing is left, and that each document was changed as often as it was written in the old form.
async fn assert_swept(db: &TestDb, number: u64) {
    assert_eq!(count(db, "orders", doc! { "n": 1 }).await, number);
    assert_eq!(count(db, "orders", doc! {}).await, number);
    assert_eq!(count(db, "orders", doc! { "times": { "$gt": 1 }, "_id": { "$ne": 0 } }).await, 0);
    assert_eq!(status(db, ID).await, "completed");
    assert_eq!(count(db, "migrations_ranges", doc! {}).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_documents_that_are_written_in_the_old_form_meanwhile_are_changed() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let migrators: Vec<_> = (0..3).map(|_| migrator(&db)).collect();
    migrators[0].up().background(true).await.unwrap();
    migrators[0].steer(ID).pace(Pace::Rate(NonZeroU32::new(8_000).unwrap())).await.unwrap();
    // Before the first range, and after the last.
    let orders = db.collection::<Document>("orders");
    orders.insert_many((-500..0).chain(MANY..MANY + 500).map(|id| doc! { "_id": id })).await.unwrap();
    let work = migrators.iter().map(|migrator| migrator.up().into_future());
    let work = tokio::spawn(futures_util::future::try_join_all(work.collect::<Vec<_>>()));
    let changed = async || (count(&db, "orders", doc! { "_id": 0, "n": 1 }).await > 0).then_some(());
    eventually("a document is changed", changed).await;
    orders.update_one(doc! { "_id": 0 }, doc! { "$unset": { "n": "" } }).await.unwrap();
    let sweeping = async || migrators[0].backfills().await.unwrap().pop().filter(|open| open.swept.is_some());
    let open = eventually("a sweep has begun", sweeping).await;
    println!("{open:?}, {:?}", open.sweep());
    assert_eq!((open.scanned, open.documents), (12_000, 12_000));
    migrators[0].steer(ID).pace(Pace::Full).await.unwrap();
    let reports = work.await.unwrap().unwrap();
    let modified = |report: &Report| report.applied().map(|one| one.operations[0].counts.modified).sum::<u64>();
    assert_eq!(reports.iter().map(modified).sum::<u64>(), 13_001);
    assert_eq!(count(&db, "orders", doc! { "_id": 0, "times": 2 }).await, 1);
    assert_swept(&db, 13_000).await;
}

/// The next run sweeps again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_an_application_that_goes_on_writing_the_old_form_is_reported() {
    static STOPS: AtomicBool = AtomicBool::new(false);
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let migrator = migrator(&db);
    migrator.up().background(true).await.unwrap();
    let orders = db.collection::<Document>("orders");
    let application = tokio::spawn(async move {
        let mut number = 0;
        while !STOPS.load(Ordering::SeqCst) {
            orders.insert_one(doc! { "_id": ObjectId::new() }).await.unwrap();
            number += 1;
        }
        number
    });
    let error = migrator.up().await.unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("each of 3 sweeps has found documents of 'orders'"), "{error}");
    assert!(error.to_string().contains("such as the one with the _id ObjectId("), "{error}");
    assert_eq!(status(&db, ID).await, "failed");
    STOPS.store(true, Ordering::SeqCst);
    let written = application.await.unwrap();
    migrator.up().await.unwrap();
    assert_swept(&db, 12_000 + written).await;
}
