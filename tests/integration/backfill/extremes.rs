//! Documents of several megabytes, an index that is built meanwhile, and a check that fails at the end.

use std::num::NonZeroU32;
use std::time::Duration;

use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongrate::context::{Change, Pace};
use mongrate::{Backfill, Error, Migrator, Registry, migration};
use mongrate_tests::crash::backfill::{ID, MANY, assert_once, fill};
use mongrate_tests::stored::{count, record};
use mongrate_tests::{TestDb, eventually};

use super::quick;

const SOURCE: &str = "module:extreme-backfill";

#[migration(id = "001_server", source = "module:extreme-backfill")]
async fn on_the_server(backfill: &mut Backfill) -> Result<(), Error> {
    backfill.collection("files").update(doc! { "$inc": { "n": 1 } }).await
}

#[migration(id = "002_each", source = "module:extreme-backfill")]
async fn in_rust(backfill: &mut Backfill) -> Result<(), Error> {
    let replace = |mut file: Document| {
        let m = file.get_i32("m").unwrap_or(0) + 1;
        file.insert("m", m);
        Ok::<_, Error>(Change::replace(file))
    };
    backfill.collection("files").each(replace).await
}

#[migration(id = "001_checked", source = "module:checked-backfill", verify = permitted)]
async fn checked(backfill: &mut Backfill) -> Result<(), Error> {
    backfill.collection("orders").update(doc! { "$inc": { "n": 1 } }).await
}

async fn permitted(database: &mongodb::Database) -> Result<bool, mongodb::error::Error> {
    Ok(database.collection::<Document>("permits").find_one(doc! {}).await?.is_some())
}

fn migrator(db: &TestDb, source: &str) -> Migrator {
    let builder = Migrator::builder((**db).clone()).registry(Registry::linked().source(source)).assume_new();
    builder.lease(Duration::from_secs(10)).build().unwrap()
}

/// The replacements of a batch are larger than a command may be, and than a reply of the server.
#[tokio::test]
async fn i1_documents_of_several_megabytes_are_changed_once() {
    let db = TestDb::new().await;
    let files = db.collection::<Document>("files");
    for id in 0..12 {
        files.insert_one(doc! { "_id": id, "text": "x".repeat(5 * 1024 * 1024) }).await.unwrap();
    }
    let report = migrator(&db, SOURCE).up().await.unwrap();
    println!("{report}");
    assert_eq!(count(&db, "files", doc! { "n": 1, "m": 1 }).await, 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_an_index_is_built_while_documents_are_changed() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let migrator = quick(&db);
    migrator.up().background(true).await.unwrap();
    migrator.steer(ID).pace(Pace::Rate(NonZeroU32::new(2_000).unwrap())).await.unwrap();
    let work = tokio::spawn(migrator.up().into_future());
    eventually("documents are changed", async || (count(&db, "orders", doc! { "n": 1 }).await > 0).then_some(())).await;
    let orders = db.collection::<Document>("orders");
    orders.create_index(IndexModel::builder().keys(doc! { "n": 1 }).build()).await.unwrap();
    assert!(!migrator.backfills().await.unwrap().is_empty(), "the backfill ended before the index was built");
    migrator.steer(ID).pace(Pace::Full).await.unwrap();
    work.await.unwrap().unwrap();
    assert_once(&db, MANY, "indexed").await;
}

/// The ranges are kept, so that the next run only checks again.
#[tokio::test]
async fn i1_a_backfill_whose_check_fails_is_checked_again_and_changes_nothing_twice() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let migrator = migrator(&db, "module:checked-backfill");
    for _ in 0..2 {
        let error = migrator.up().await.unwrap_err();
        println!("{error}");
        let stored = record(&db, "module:checked-backfill:001_checked").await.unwrap();
        assert_eq!(stored.get_str("status").unwrap(), "failed");
        assert_eq!(count(&db, "orders", doc! { "n": 1 }).await, MANY.unsigned_abs());
    }
    db.collection("permits").insert_one(doc! {}).await.unwrap();
    migrator.up().await.unwrap();
    assert_eq!(count(&db, "orders", doc! { "n": 1 }).await, MANY.unsigned_abs());
    assert_eq!(count(&db, "migrations_ranges", doc! {}).await, 0);
}
