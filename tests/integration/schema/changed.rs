//! A body that changes before it runs again.

use std::sync::atomic::{AtomicUsize, Ordering};

use mongodb::bson::{Document, doc};
use mongrate::{Error, Migrator, Schema, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, count, migrator, record, status};

/// What the body is, which stands for its code: one for each test, since they run at the same time.
type Version = AtomicUsize;

const FIRST: usize = 0;
const REPAIRED: usize = 1;
const ONE_MORE_BEFORE: usize = 2;
const OTHER_BEGINNING: usize = 3;
const SHORTER: usize = 4;
const EMPTY: usize = 5;

async fn body(schema: &mut Schema, version: &Version) -> Result<(), Error> {
    let version = version.load(Ordering::SeqCst);
    if version == EMPTY {
        return Ok(());
    }
    schema.drop_collection(if version == OTHER_BEGINNING { "elsewhere" } else { "orders_old" }).await?;
    if version == SHORTER {
        return Ok(());
    }
    schema.rename_collection("orders", "orders_old").await?;
    if version == ONE_MORE_BEFORE {
        schema.create_collection("more").await?;
    }
    let index = schema.create_index("orders_old", doc! { "number": 1 });
    if version == REPAIRED { index.await } else { index.unique().await }
}

macro_rules! versions {
    ($($name:ident $source:literal)*) => { $(
        mod $name {
            use super::*;

            pub(super) static VERSION: Version = AtomicUsize::new(FIRST);

            #[migration(id = "001_orders", source = $source)]
            async fn orders(schema: &mut Schema) -> Result<(), Error> {
                body(schema, &VERSION).await
            }
        }
    )* };
}

versions! {
    repaired "module:changed-repaired"
    one_more "module:changed-one-more"
    beginning "module:changed-beginning"
    applied "module:changed-applied"
    pending "module:changed-pending"
    shorter "module:changed-shorter"
    empty "module:changed-empty"
}

/// The orders, with a number that is there twice, so that the third operation has failed.
async fn failed(source: &str) -> (TestDb, Migrator, String) {
    let db = TestDb::new().await;
    db.collection::<Document>("orders_old").insert_one(doc! { "_id": "old" }).await.unwrap();
    db.collection::<Document>("orders").insert_many([doc! { "number": 1 }, doc! { "number": 1 }]).await.unwrap();
    let migrator = migrator(&db, source).build().unwrap();
    let error = migrator.up().await.unwrap_err();
    assert!(error.to_string().contains("11000"), "{error}");
    (db, migrator, format!("{source}:001_orders"))
}

async fn assert_orders_are_safe(db: &TestDb) {
    assert_eq!(count(db, "orders_old", doc! { "number": 1 }).await, 2);
    assert!(!collections(db).await.contains(&"orders".to_owned()));
}

#[tokio::test]
async fn the_failed_operation_may_be_replaced() {
    let (db, migrator, id) = failed("module:changed-repaired").await;
    repaired::VERSION.store(REPAIRED, Ordering::SeqCst);
    migrator.up().await.unwrap();
    assert_eq!(status(&db, &id).await, "completed");
    assert_orders_are_safe(&db).await;
    let indexes = db.collection::<Document>("orders_old").list_index_names().await.unwrap();
    assert_eq!(indexes, ["_id_", "number_1"]);
}

#[tokio::test]
async fn an_operation_may_be_inserted_before_the_failed_one() {
    let (db, migrator, id) = failed("module:changed-one-more").await;
    one_more::VERSION.store(ONE_MORE_BEFORE, Ordering::SeqCst);
    migrator.up().await.unwrap_err();
    assert!(collections(&db).await.contains(&"more".to_owned()));
    let log = record(&db, &id).await.unwrap().get_document("log").unwrap().clone();
    assert_eq!(log.get_array("ops").unwrap().len(), 4, "{log}");
    db.collection::<Document>("orders_old").delete_one(doc! {}).await.unwrap();
    migrator.up().await.unwrap();
    assert_eq!(status(&db, &id).await, "completed");
    assert!(!record(&db, &id).await.unwrap().contains_key("log"));
}

/// The error of a changed body, which has no effect.
async fn refused(db: &TestDb, migrator: &Migrator, at: usize) -> Option<String> {
    let error = migrator.up().await.unwrap_err();
    println!("{error}");
    let Error::Failed { source, .. } = &error else { panic!("{error}") };
    let Some(Error::BodyChanged { position, now, same_code: true, .. }) = source.downcast_ref() else {
        panic!("{source:?}")
    };
    assert_eq!(*position, at);
    assert_orders_are_safe(db).await;
    now.clone()
}

#[tokio::test]
async fn a_body_with_a_changed_prefix_is_refused_until_it_is_restored() {
    let (db, migrator, id) = failed("module:changed-beginning").await;
    beginning::VERSION.store(OTHER_BEGINNING, Ordering::SeqCst);
    for _ in 0..2 {
        let now = refused(&db, &migrator, 1).await;
        assert_eq!(now.as_deref(), Some("drop collection 'elsewhere'"));
    }
    beginning::VERSION.store(REPAIRED, Ordering::SeqCst);
    migrator.up().await.unwrap();
    assert_eq!(status(&db, &id).await, "completed");
    assert_orders_are_safe(&db).await;
}

#[tokio::test]
async fn a_body_with_a_changed_prefix_can_be_marked_as_applied() {
    let (db, migrator, id) = failed("module:changed-applied").await;
    applied::VERSION.store(OTHER_BEGINNING, Ordering::SeqCst);
    refused(&db, &migrator, 1).await;
    migrator.mark_applied([&id]).because("the index is not needed").await.unwrap();
    assert!(migrator.up().await.unwrap().is_empty());
    assert!(!record(&db, &id).await.unwrap().contains_key("log"));
    // The completed operations are in the history.
    let entries = db.collection::<Document>("migrations_history");
    let marked = entries.find_one(doc! { "act": "mark-applied" }).await.unwrap().unwrap();
    assert_eq!(marked.get_document("log").unwrap().get_array("ops").unwrap().len(), 3);
    assert_orders_are_safe(&db).await;
}

#[tokio::test]
async fn a_body_with_a_changed_prefix_can_start_over() {
    let (db, migrator, id) = failed("module:changed-pending").await;
    pending::VERSION.store(OTHER_BEGINNING, Ordering::SeqCst);
    refused(&db, &migrator, 1).await;
    migrator.mark_pending([&id]).because("undone by hand").await.unwrap();
    assert!(!record(&db, &id).await.unwrap().contains_key("log"));
    db.collection::<Document>("orders_old").delete_one(doc! {}).await.unwrap();
    migrator.up().await.unwrap();
    assert_eq!(status(&db, &id).await, "completed");
    assert_eq!(count(&db, "orders_old", doc! { "number": 1 }).await, 1);
}

#[tokio::test]
async fn a_body_that_omits_recorded_operations_is_refused() {
    let (db, migrator, _) = failed("module:changed-shorter").await;
    shorter::VERSION.store(SHORTER, Ordering::SeqCst);
    assert_eq!(refused(&db, &migrator, 2).await, None);
    let (db, migrator, _) = failed("module:changed-empty").await;
    empty::VERSION.store(EMPTY, Ordering::SeqCst);
    assert_eq!(refused(&db, &migrator, 1).await, None);
}
