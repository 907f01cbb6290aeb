//! Backfills: large collections, changed in batches, each document once.

mod beside;
mod canceled;
mod changed;
mod described;
mod each;
mod extremes;
mod in_batches;
mod mistakes;
mod skipped;
mod steered;
mod swept;
mod throttled;
mod unfinished;

use std::time::Duration;

use mongodb::bson::{Bson, Document, doc};
use mongrate::context::Change;
use mongrate::migration::State;
use mongrate::{Backfill, Error, Migrator, Registry, migration};
use mongrate_tests::TestDb;
use mongrate_tests::crash::backfill::{ID, MANY, SOURCE, assert_once, fill, migrator};
use mongrate_tests::stored::{count, record};
use serde::Deserialize;

fn quick(db: &TestDb) -> Migrator {
    migrator((**db).clone(), Duration::from_secs(2))
}

#[tokio::test]
async fn i1_a_small_collection_is_changed_at_once() {
    let db = TestDb::new().await;
    fill(&db, 3_000).await;
    let report = quick(&db).up().background(true).await.unwrap();
    println!("{report}");
    assert_eq!(report.applied().count(), 3);
    assert_eq!(report.applied().next().unwrap().operations[0].counts.modified, 3_000);
    assert_once(&db, 3_000, "small").await;
    assert_eq!(count(&db, "migrations_ranges", doc! {}).await, 0);
}

#[tokio::test]
async fn a_collection_that_is_missing_is_completed() {
    let db = TestDb::new().await;
    let report = quick(&db).up().await.unwrap();
    assert_eq!(report.applied().count(), 3);
    assert_once(&db, 0, "missing").await;
}

#[tokio::test]
async fn i1_a_large_collection_is_changed_once_and_dependents_wait() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let started = quick(&db).up().background(true).await.unwrap();
    println!("{started}");
    assert_eq!(started.underway(), [ID]);
    assert_eq!((count(&db, "log", doc! {}).await, count(&db, "migrations_ranges", doc! {}).await), (1, 16));
    let open = quick(&db).backfills().await.unwrap();
    println!("{open:?}");
    assert_eq!((open.len(), open[0].documents, open[0].scanned, open[0].ranges), (1, 12_000, 0, 16));
    assert_eq!((open[0].state, open[0].workers.len()), (State::Underway, 0));
    // It has another purpose.
    let named = quick(&db).up().only("module:backfill:002_unrelated").await.unwrap();
    assert_eq!((named.executions().count(), count(&db, "orders", doc! { "n": 1 }).await), (0, 0));
    let again = quick(&db).up().background(true).await.unwrap();
    println!("{again}");
    assert_eq!((again.executions().count(), again.underway()), (0, vec![ID.to_owned()]));
    let report = quick(&db).up().await.unwrap();
    println!("{report}");
    assert_eq!(report.applied().count(), 2);
    assert!(quick(&db).backfills().await.unwrap().is_empty());
    assert_once(&db, MANY, "large").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_several_processes_share_the_work() {
    let db = TestDb::new().await;
    fill(&db, 3 * MANY).await;
    let migrators: Vec<_> = (0..4).map(|_| quick(&db)).collect();
    let reports = futures_util::future::try_join_all(migrators.iter().map(|one| one.up().into_future())).await.unwrap();
    assert_eq!(reports.iter().flat_map(mongrate::Report::applied).count(), 3);
    assert_once(&db, 3 * MANY, "shared").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i6_a_boot_starts_a_backfill_and_works_on_it_afterwards() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let builder = || Migrator::builder((*db).clone()).registry(Registry::linked().source(SOURCE)).assume_new();
    let off = builder().boot().variables(|name| (name == "MONGRATE_BACKFILLS").then_some("off")).await.unwrap();
    assert_eq!(off.report().unwrap().underway(), [ID]);
    assert_eq!((count(&db, "log", doc! {}).await, count(&db, "orders", doc! { "n": 1 }).await), (1, 0));
    let nothing = |_: &str| None::<String>;
    let mut booted = builder().boot().variables(nothing).await.unwrap();
    assert_eq!(booted.report().unwrap().underway(), [ID]);
    booted.backfilled().await;
    assert_once(&db, MANY, "in the background").await;
    // A boot with nothing pending.
    let booted = builder().boot().variables(nothing).await.unwrap();
    assert!(booted.report().unwrap().underway().is_empty());
}

#[derive(Deserialize)]
struct Page {
    title: Option<String>,
    number: i64,
}

/// Every third page is deleted, and every fifth left as it is.
#[migration(id = "001_slugs", source = "module:backfill-each")]
async fn slugs(backfill: &mut Backfill) -> Result<(), Error> {
    let pages = backfill.collection("pages").project(doc! { "title": 1, "number": 1 });
    pages
        .each(|page: Page| match (page.title, page.number) {
            (None, number) => Err(format!("page {number} has no title")),
            (_, number) if number % 3 == 0 => Ok(Change::delete()),
            (_, number) if number % 5 == 0 => Ok(Change::none()),
            (Some(title), number) if number % 2 == 0 => {
                Ok(Change::update(doc! { "$set": { "slug": title.to_lowercase() }, "$inc": { "n": 1 } }))
            }
            (Some(title), number) => {
                Ok(Change::replace(doc! { "number": number, "slug": title.to_lowercase(), "n": 1 }))
            }
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_each_document_gets_a_change_of_its_own_and_a_failure_names_the_document() {
    let db = TestDb::new().await;
    let migrator =
        || Migrator::builder((*db).clone()).registry(Registry::linked().source("module:backfill-each")).build();
    let migrator = || migrator().unwrap();
    let title = |number: i64| if number == 7_001 { Bson::Null } else { Bson::String(format!("Page {number}")) };
    let pages =
        (0..MANY).map(|number| doc! { "_id": format!("{number:05}"), "number": number, "title": title(number) });
    let collection = db.collection::<Document>("pages");
    collection.insert_many(pages).await.unwrap();
    let error = migrator().up().await.unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("07001") && error.to_string().contains("page 7001 has no title"), "{error}");
    // The documents before it have their changes.
    assert_eq!(count(&db, "pages", doc! { "_id": "07000", "n": 1 }).await, 0);
    assert_eq!(count(&db, "pages", doc! { "_id": "06998", "n": 1 }).await, 1);
    let open = migrator().backfills().await.unwrap();
    assert_eq!(open[0].state, State::Failed);
    assert!(open[0].failure.as_ref().unwrap().contains("07001"), "{open:?}");

    collection.update_one(doc! { "_id": "07001" }, doc! { "$set": { "title": "Page 7001" } }).await.unwrap();
    let report = migrator().up().await.unwrap();
    println!("{report}");
    let expected = |keep: fn(&i64) -> bool| u64::try_from((0..MANY).filter(keep).count()).unwrap();
    let changed = expected(|number| number % 3 != 0 && number % 5 != 0);
    assert_eq!(count(&db, "pages", doc! {}).await, expected(|number| number % 3 != 0));
    assert_eq!(count(&db, "pages", doc! { "n": 1 }).await, changed);
    assert_eq!(
        count(&db, "pages", doc! { "n": 1, "title": { "$exists": false } }).await,
        expected(|number| number % 3 != 0 && number % 5 != 0 && number % 2 == 1)
    );
    assert_eq!(report.applied().next().unwrap().operations[0].kind, "each");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_down_in_batches_reverts_each_document_once_after_its_dependents() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    quick(&db).up().await.unwrap();
    let report = quick(&db).down().steps(3).await.unwrap();
    println!("{report}");
    let reverted: Vec<_> = report.reverted().map(|execution| &execution.id[16..]).collect();
    // The backfill was completed after the unrelated one, so it is reverted before it.
    assert_eq!(reverted, ["003_dependent", "001_numbers", "002_unrelated"]);
    assert_eq!(count(&db, "orders", doc! { "n": 1, "m": 1 }).await, 12_000);
    assert_eq!((count(&db, "log", doc! {}).await, count(&db, "migrations_ranges", doc! {}).await), (0, 0));
    assert_eq!(record(&db, ID).await.unwrap().get_str("status").unwrap(), "rolled-back");
}
