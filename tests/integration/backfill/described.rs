//! Backfills that a test describes: `_id`s of all types, documents that fail, and what happens to the collection meanwhile.

use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::future::join_all;
use mongodb::bson::{
    Binary, Bson, DateTime, Decimal128, Document, Regex, Timestamp, doc, oid::ObjectId, spec::BinarySubtype,
};
use mongrate::{Backfill, Error, Migrator, Registry, migration};
use mongrate_tests::stored::{count, status};
use mongrate_tests::{FailPoint, TestDb, eventually};

const ID: &str = "module:described:001_change";
const COLLECTION: &str = "things";

/// A number of documents that is divided into ranges.
const MANY: i32 = 12_000;

/// What the body describes.
#[derive(Clone)]
struct Wanted {
    collection: &'static str,
    batch: u32,
    update: Vec<Document>,
    remaining: Option<Document>,
}

impl Wanted {
    /// Counts how often a document is changed.
    fn counting() -> Self {
        let update = vec![doc! { "$set": { "n": { "$add": [{ "$ifNull": ["$n", 0] }, 1] } } }];
        Self { collection: COLLECTION, batch: 400, update, remaining: None }
    }
}

#[migration(id = "001_change", source = "module:described")]
async fn change(backfill: &mut Backfill) -> Result<(), Error> {
    let wanted = backfill.provided::<Wanted>()?;
    let mut documents = backfill.collection(wanted.collection).batch(NonZeroU32::new(wanted.batch).unwrap());
    if let Some(remaining) = &wanted.remaining {
        documents = documents.remaining(remaining.clone());
    }
    documents.update(wanted.update.clone()).await
}

fn migrator(db: &TestDb, wanted: &Wanted) -> Migrator {
    let builder = Migrator::builder((**db).clone()).registry(Registry::linked().source("module:described"));
    let builder = builder.assume_new().provide(wanted.clone()).lease(Duration::from_secs(2));
    builder.lock_wait(Duration::from_secs(60)).build().unwrap()
}

async fn fill(db: &TestDb) {
    insert(db, (0..MANY).map(Bson::Int32).collect()).await;
}

async fn insert(db: &TestDb, ids: Vec<Bson>) {
    let documents: Vec<_> = ids.into_iter().map(|id| doc! { "_id": id }).collect();
    db.collection::<Document>(COLLECTION).insert_many(documents).await.unwrap();
}

/// Starts the backfill without working on it.
async fn started(db: &TestDb, wanted: &Wanted) {
    let report = migrator(db, wanted).up().background(true).await.unwrap();
    assert_eq!(report.underway(), [ID]);
}

async fn changed(db: &TestDb, times: i32) -> u64 {
    count(db, COLLECTION, doc! { "n": times }).await
}

/// A value of each type that an `_id` may have, in no order.
pub(super) fn ids() -> Vec<Bson> {
    let bytes = |subtype, bytes: &[u8]| Bson::Binary(Binary { subtype, bytes: bytes.to_vec() });
    vec![
        Bson::String("t".to_owned()),
        Bson::MaxKey,
        Bson::Int32(1),
        Bson::Int64(2),
        Bson::Double(1.5),
        Bson::Double(f64::NAN),
        Bson::Double(f64::NEG_INFINITY),
        Bson::Double(f64::INFINITY),
        Bson::Decimal128("2.5".parse::<Decimal128>().unwrap()),
        Bson::Null,
        Bson::String(String::new()),
        Bson::String("$n".to_owned()),
        Bson::Symbol("symbol".to_owned()),
        Bson::Document(doc! {}),
        Bson::Document(doc! { "a": 1, "b": [1, 2] }),
        Bson::Document(doc! { "a": [] }),
        bytes(BinarySubtype::Generic, &[1, 2, 3]),
        bytes(BinarySubtype::Generic, &[9]),
        bytes(BinarySubtype::Uuid, &[7; 16]),
        Bson::ObjectId(ObjectId::new()),
        Bson::Boolean(true),
        Bson::Boolean(false),
        Bson::DateTime(DateTime::from_millis(-1)),
        Bson::Timestamp(Timestamp { time: 1, increment: 2 }),
        Bson::JavaScriptCode("1".to_owned()),
        Bson::MinKey,
    ]
}

#[tokio::test]
async fn i1_documents_with_ids_of_every_type_are_changed_once_by_batches_of_every_size() {
    let cases = (1..=10).map(|batch| async move {
        let db = TestDb::new().await;
        insert(&db, ids()).await;
        // Not an `_id`, but a part of one. The fields have another type in each version of bson.
        let regex = Regex { pattern: "a".try_into().unwrap(), options: "".try_into().unwrap() };
        insert(&db, vec![Bson::Document(doc! { "a": Bson::RegularExpression(regex) })]).await;
        let wanted = Wanted { batch, ..Wanted::counting() };
        let report = migrator(&db, &wanted).up().await.unwrap();
        assert_eq!(report.applied().next().unwrap().operations[0].counts.modified, 27, "{batch}");
        assert_eq!(changed(&db, 1).await, 27, "{batch}");
    });
    join_all(cases).await;
}

#[tokio::test]
async fn i1_ranges_of_mixed_types_are_changed_once() {
    // The ranges are counted, and sampled.
    for documents in [MANY, 60_000] {
        let db = TestDb::new().await;
        let ids = (0..documents).map(|number| match number % 5 {
            0 => Bson::Int32(number),
            1 => Bson::String(number.to_string()),
            2 => Bson::Document(doc! { "a": number }),
            3 => Bson::DateTime(DateTime::from_millis(number.into())),
            _ => Bson::Double(f64::from(number) + 0.5),
        });
        insert(&db, ids.collect()).await;
        migrator(&db, &Wanted::counting()).up().await.unwrap();
        assert_eq!(changed(&db, 1).await, u64::try_from(documents).unwrap());
    }
}

#[tokio::test]
async fn i6_a_document_that_fails_is_named_and_the_rest_is_done_once_it_is_repaired() {
    let db = TestDb::new().await;
    fill(&db).await;
    let things = db.collection::<Document>(COLLECTION);
    things.update_one(doc! { "_id": 7_321 }, doc! { "$set": { "poison": true } }).await.unwrap();
    let validator = doc! { "$or": [{ "poison": { "$ne": true } }, { "n": { "$exists": false } }] };
    db.run_command(doc! { "collMod": COLLECTION, "validator": validator }).await.unwrap();
    let wanted = Wanted::counting();
    let error = migrator(&db, &wanted).up().await.unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("the _id 7321"), "{error}");
    assert_eq!(status(&db, ID).await, "failed");
    let ranges = db.collection::<Document>("migrations_ranges");
    let failed = ranges.find_one(doc! { "state": "failed" }).await.unwrap().unwrap();
    assert_eq!(failed.get("next"), Some(&Bson::Int32(7_321)), "{failed}");
    assert_eq!((changed(&db, 1).await > 0, changed(&db, 2).await), (true, 0));
    things.update_one(doc! { "_id": 7_321 }, doc! { "$unset": { "poison": 1 } }).await.unwrap();
    migrator(&db, &wanted).up().await.unwrap();
    assert_eq!(changed(&db, 1).await, 12_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_no_batch_commits_after_the_backfill_was_marked() {
    let db = TestDb::new().await;
    fill(&db).await;
    let wanted = Wanted { batch: 10, ..Wanted::counting() };
    let run = tokio::spawn(migrator(&db, &wanted).up().into_future());
    eventually("a batch", async || (changed(&db, 1).await > 0).then_some(())).await;
    migrator(&db, &wanted).mark_applied([ID]).await.unwrap();
    let at_mark = changed(&db, 1).await;
    assert!(at_mark < 12_000);
    println!("{:?} after {at_mark}", run.await.unwrap().map(|report| report.to_string()));
    assert_eq!((changed(&db, 1).await, status(&db, ID).await.as_str()), (at_mark, "completed"));
}

#[tokio::test]
async fn i1_a_backfill_that_was_marked_as_pending_starts_from_the_beginning() {
    let db = TestDb::new().await;
    fill(&db).await;
    let wanted = Wanted::counting();
    started(&db, &wanted).await;
    migrator(&db, &wanted).mark_pending([ID]).await.unwrap();
    assert_eq!(count(&db, "migrations_ranges", doc! {}).await, 0);
    migrator(&db, &wanted).up().await.unwrap();
    assert_eq!(changed(&db, 1).await, 12_000);
}

#[tokio::test]
async fn i1_another_body_does_not_continue_a_backfill() {
    let db = TestDb::new().await;
    fill(&db).await;
    let (wanted, other) =
        (Wanted::counting(), Wanted { update: vec![doc! { "$set": { "n": 5 } }], ..Wanted::counting() });
    started(&db, &wanted).await;
    let report = migrator(&db, &other).up().await.unwrap();
    println!("{report}");
    assert!(report.warnings().iter().any(|warning| warning.contains("describes another change")), "{report}");
    assert_eq!((changed(&db, 5).await, count(&db, "migrations_ranges", doc! { "token": { "$gt": 0 } }).await), (0, 0));
    migrator(&db, &wanted).up().await.unwrap();
    assert_eq!(changed(&db, 1).await, 12_000);
}

/// No member accepts writes for a moment, when the ranges are stored.
#[tokio::test]
async fn i1_a_backfill_is_started_during_a_fail_over() {
    let db = TestDb::new().await;
    fill(&db).await;
    let namespace = format!("{}.migrations_ranges", db.name());
    let fail = doc! { "failCommands": ["insert"], "errorCode": 189, "namespace": namespace };
    let _inserts = FailPoint::times(3, &db, fail).await;
    let report = migrator(&db, &Wanted::counting()).up().background(true).await.unwrap();
    println!("{report}");
    assert_eq!(report.underway(), [ID]);
    migrator(&db, &Wanted::counting()).up().await.unwrap();
    assert_eq!((changed(&db, 1).await, status(&db, ID).await.as_str()), (12_000, "completed"));
}

#[tokio::test]
async fn i6_a_collection_that_was_created_again_is_not_changed() {
    let db = TestDb::new().await;
    fill(&db).await;
    started(&db, &Wanted::counting()).await;
    db.collection::<Document>(COLLECTION).drop().await.unwrap();
    fill(&db).await;
    let report = migrator(&db, &Wanted::counting()).up().await.unwrap();
    println!("{report}");
    assert!(report.warnings().iter().any(|warning| warning.contains("dropped or renamed")), "{report}");
    assert_eq!((changed(&db, 1).await, status(&db, ID).await.as_str()), (0, "running"));
}

#[tokio::test]
async fn i6_a_backfill_without_its_ranges_is_never_completed() {
    let db = TestDb::new().await;
    fill(&db).await;
    started(&db, &Wanted::counting()).await;
    db.collection::<Document>("migrations_ranges").drop().await.unwrap();
    for _ in 0..2 {
        let error = migrator(&db, &Wanted::counting()).up().await.unwrap_err();
        println!("{error}");
        assert!(error.to_string().contains("are missing in 'migrations_ranges'"), "{error}");
        assert_ne!(status(&db, ID).await, "completed");
        let open = migrator(&db, &Wanted::counting()).backfills().await.unwrap();
        assert_eq!((open[0].done, open[0].ranges), (0, 16));
    }
}

#[tokio::test]
async fn views_time_series_and_capped_collections_are_refused() {
    let kinds = [
        (doc! { "create": COLLECTION, "viewOn": "other", "pipeline": [] }, "'things' is a view"),
        (doc! { "create": COLLECTION, "timeseries": { "timeField": "at" } }, "'things' is a time-series collection"),
        (doc! { "create": COLLECTION, "capped": true, "size": 4_096 }, "'things' is a capped collection"),
    ];
    for (create, expected) in kinds {
        let db = TestDb::new().await;
        db.run_command(create).await.unwrap();
        let error = migrator(&db, &Wanted::counting()).up().await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn i1_a_change_that_leaves_documents_remaining_is_rolled_back() {
    let db = TestDb::new().await;
    fill(&db).await;
    let wanted = Wanted { remaining: Some(doc! { "m": { "$exists": false } }), ..Wanted::counting() };
    let error = migrator(&db, &wanted).up().await.unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("still match `remaining`"), "{error}");
    assert_eq!((changed(&db, 1).await, status(&db, ID).await.as_str()), (0, "failed"));
}

/// Neither loses an update, and the backfill makes progress.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_the_application_writes_and_deletes_the_same_documents() {
    let db = TestDb::new().await;
    fill(&db).await;
    let things = db.collection::<Document>(COLLECTION);
    let wanted = Wanted { batch: 100, ..Wanted::counting() };
    let run = tokio::spawn(migrator(&db, &wanted).up().into_future());
    let (mut written, mut next) = (vec![0; 12_000], 0_usize);
    while !run.is_finished() {
        next = (next + 7_919) % written.len();
        let id = doc! { "_id": i32::try_from(next).unwrap() };
        if next % 50 == 0 {
            things.delete_one(id).await.unwrap();
        } else {
            things.update_one(id, doc! { "$inc": { "app": 1 } }).await.unwrap();
            written[next] += 1;
        }
    }
    run.await.unwrap().unwrap();
    let left = count(&db, COLLECTION, doc! {}).await;
    println!("{} writes, {left} documents left", written.iter().sum::<i32>());
    assert_eq!(changed(&db, 1).await, left);
    for (id, times) in written.iter().enumerate().filter(|(_, times)| **times > 0) {
        let stored = things.find_one(doc! { "_id": i32::try_from(id).unwrap() }).await.unwrap().unwrap();
        assert_eq!(stored.get_i32("app").unwrap(), *times, "{id}");
    }
}

#[tokio::test]
async fn a_standalone_server_needs_a_change_that_can_be_repeated() {
    let db = TestDb::standalone().await;
    fill(&db).await;
    let error = migrator(&db, &Wanted::counting()).up().await.unwrap_err();
    assert!(error.to_string().contains("declare `remaining`"), "{error}");
    assert_eq!(changed(&db, 1).await, 0);
    let wanted = Wanted { remaining: Some(doc! { "n": { "$exists": false } }), ..Wanted::counting() };
    migrator(&db, &wanted).up().await.unwrap();
    assert_eq!(changed(&db, 1).await, 12_000);
}
