//! Documents whose change fails are skipped, listed, and tried again.

use std::time::Duration;

use axum::http::StatusCode;
use mongodb::bson::{Bson, Document, doc};
use mongrate::context::Change;
use mongrate::events::Event;
use mongrate::migration::State;
use mongrate::{Backfill, Error, Migrator, Registry, migration};
use mongrate_tests::TestDb;
use mongrate_tests::http::{App, OPERATE, READ};
use mongrate_tests::stored::{count, record};
use serde_json::json;

const SOURCE: &str = "module:skipping";
const ID: &str = "module:skipping:001_labels";
const VIEW: &str = "migration?id=module%3Askipping%3A001_labels";
const MANY: i64 = 12_000;

/// Counts, and labels those that have a name.
#[migration(id = "001_labels", source = "module:skipping")]
async fn labels(backfill: &mut Backfill) -> Result<(), Error> {
    let label = |item: Document| match item.get_str("name") {
        Ok(name) => Ok(Change::update(doc! { "$inc": { "n": 1 }, "$set": { "label": name.to_uppercase() } })),
        Err(_) => Err("it has no name"),
    };
    backfill.collection("items").skip_failed(3).each(label).await
}

fn migrator(db: &TestDb) -> Migrator {
    let builder = Migrator::builder((**db).clone()).registry(Registry::linked().source(SOURCE)).assume_new();
    builder.lease(Duration::from_secs(2)).build().unwrap()
}

async fn filled(number: i64, nameless: &[i64]) -> TestDb {
    let db = TestDb::new().await;
    let item = |id: i64| {
        if nameless.contains(&id) {
            doc! { "_id": id }
        } else {
            doc! { "_id": id, "name": format!("item {id}") }
        }
    };
    db.collection::<Document>("items").insert_many((0..number).map(item)).await.unwrap();
    db
}

async fn give_names(db: &TestDb) {
    let nameless = doc! { "name": { "$exists": false } };
    db.collection::<Document>("items").update_many(nameless, doc! { "$set": { "name": "late" } }).await.unwrap();
}

async fn skipped(db: &TestDb) -> Vec<Bson> {
    let skipped = migrator(db).skipped(ID).await.unwrap();
    for document in &skipped {
        assert!(document.message.contains("it has no name"), "{document:?}");
    }
    skipped.into_iter().map(|document| document.id).collect()
}

async fn failed(db: &TestDb) -> String {
    let error = migrator(db).up().await.unwrap_err();
    println!("{error}");
    assert_eq!(record(db, ID).await.unwrap().get_str("status").unwrap(), "failed");
    assert_eq!(count(db, "items", doc! { "n": { "$gt": 1 } }).await, 0);
    error.to_string()
}

/// Everything was changed once, and the backfill has left nothing.
async fn completes(db: &TestDb, number: u64) {
    let report = migrator(db).up().await.unwrap();
    println!("{report}");
    assert_eq!(report.applied().count(), 1);
    assert_eq!(count(db, "items", doc! { "n": 1, "label": { "$exists": true } }).await, number);
    assert_eq!(count(db, "migrations_ranges", doc! {}).await, 0);
    assert!(matches!(migrator(db).skipped(ID).await, Err(Error::NotUnderway { .. })));
}

#[tokio::test]
async fn i1_documents_that_fail_are_skipped_and_tried_again() {
    let db = filled(MANY, &[5, 6, 11_999]).await;
    let message = failed(&db).await;
    assert!(message.contains("3 documents of 'items' could not be changed and were skipped"), "{message}");
    assert!(message.contains("it has no name"), "{message}");
    assert_eq!(count(&db, "items", doc! { "n": 1 }).await, 11_997);
    assert_eq!(skipped(&db).await, [5, 6, 11_999].map(Bson::Int64));
    let open = migrator(&db).backfills().await.unwrap();
    assert_eq!((open[0].state, open[0].skipped, open[0].scanned), (State::Failed, 3, 11_997));
    assert_eq!(count(&db, "migrations_ranges", doc! {}).await, 16);

    // Nothing was mended.
    let again = migrator(&db);
    let mut events = again.events();
    again.up().await.unwrap_err();
    while !matches!(events.next().await.unwrap(), Event::Skipped { documents: 3, .. }) {}
    assert!(failed(&db).await.contains("3 documents"));
    let mut ids = skipped(&db).await;
    ids.sort_by_key(Bson::as_i64);
    assert_eq!(ids, [5, 6, 11_999].map(Bson::Int64));
    let items = db.collection::<Document>("items");
    items.delete_one(doc! { "_id": 6 }).await.unwrap();
    items.update_one(doc! { "_id": 5 }, doc! { "$set": { "name": "late" } }).await.unwrap();
    assert!(failed(&db).await.contains("1 document of 'items' could not be changed and was skipped"));
    // One for each that was skipped, however often they are tried.
    assert_eq!(count(&db, "migrations_ranges", doc! {}).await, 16 + 3);
    assert_eq!(skipped(&db).await, [Bson::Int64(11_999)]);
    give_names(&db).await;
    completes(&db, 11_999).await;
}

#[tokio::test]
async fn a_run_that_would_skip_too_many_fails() {
    let nameless: Vec<_> = (4_000..4_010).collect();
    let db = filled(MANY, &nameless).await;
    let message = failed(&db).await;
    assert!(message.contains("_id 4003 (3 skipped before)"), "{message}");
    assert_eq!(skipped(&db).await.len(), 3);
    give_names(&db).await;
    completes(&db, 12_000).await;
}

#[tokio::test]
async fn i1_a_small_collection_is_tried_again_as_well() {
    let db = filled(50, &[0, 49]).await;
    assert!(failed(&db).await.contains("2 documents"));
    assert_eq!(count(&db, "items", doc! { "n": 1 }).await, 48);
    give_names(&db).await;
    completes(&db, 50).await;
}

/// What was skipped becomes ranges before it leaves the list. A process that dies in between does not try it twice.
#[tokio::test]
async fn i1_a_skipped_document_is_tried_once_although_a_process_died() {
    let db = filled(50, &[7]).await;
    failed(&db).await;
    give_names(&db).await;
    let ranges = db.collection::<Document>("migrations_ranges");
    let mut range = ranges.find_one(doc! {}).await.unwrap().unwrap();
    let Some(Bson::Array(list)) = range.remove("skipped") else { panic!("a list") };
    let stretch = list[0].as_document().unwrap();
    range.get_document_mut("_id").unwrap().insert("n", stretch.get("n"));
    range.extend(doc! { "state": "done", "next": stretch.get("to"), "end": stretch.get("to") });
    ranges.insert_one(&range).await.unwrap();
    let counted = doc! { "$inc": { "n": 1 }, "$set": { "label": "LATE" } };
    db.collection::<Document>("items").update_one(doc! { "_id": 7 }, counted).await.unwrap();
    completes(&db, 50).await;
}

#[tokio::test]
async fn skipped_documents_are_shown_to_those_who_may_mend_them() {
    let db = filled(50, &[7, 8]).await;
    failed(&db).await;
    let app = App::new(&migrator(&db));
    let path = format!("/backfills/{ID}/skipped");
    let masked = app.get(READ, &path).await.value()["skipped"][0].clone();
    assert_eq!(
        (&masked["document"], masked["message"].as_str()),
        (&json!({ "_id": null }), Some("could not change it: it has no name"))
    );
    let listed = app.get(READ, "/backfills").await.text + &app.get(READ, "/status").await.text;
    assert!(!listed.contains("the _id 7") && listed.contains("the _id ***"), "{listed}");
    let listed = app.get(OPERATE, &path).await.value()["skipped"].clone();
    assert_eq!((&listed[0]["document"], &listed[1]["document"]), (&json!({ "_id": 7 }), &json!({ "_id": 8 })));
    assert_eq!(app.get(OPERATE, "/backfills/module:skipping:001_lables/skipped").await.status, StatusCode::NOT_FOUND);
    let view = app.page(OPERATE, VIEW).await.text;
    assert!(
        view.contains("2 skipped") && view.contains("Correct or delete") && view.contains("it has no name"),
        "{view}"
    );
    let view = app.page(READ, VIEW).await.text;
    assert!(view.contains("2 skipped") && !view.contains("Correct or delete"), "{view}");
    give_names(&db).await;
    completes(&db, 50).await;
    assert_eq!(app.get(OPERATE, &path).await.status, StatusCode::NOT_FOUND);
}
