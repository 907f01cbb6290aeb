//! Backfills: the first documents are changed in a transaction, which is rolled back.

use mongodb::bson::{Document, doc};
use mongrate::context::Change;
use mongrate::report::{Execution, Outcome};
use mongrate::{Backfill, Error, Schema, Tx, migration};
use mongrate_tests::stored::{count, migrator};
use mongrate_tests::{FailPoint, TestDb};

use super::{reason, rehearsed};

const SOURCE: &str = "module:dry-backfill";

#[migration(id = "001_update", source = "module:dry-backfill", down = forget)]
async fn update(backfill: &mut Backfill) -> Result<(), Error> {
    let things = backfill.collection("things").filter(doc! { "_id": { "$gte": 50 } });
    things.remaining(doc! { "n": { "$exists": false } }).update(doc! { "$set": { "n": 1 } }).await
}

async fn forget(backfill: &mut Backfill) -> Result<(), Error> {
    backfill.collection("things").delete().await
}

#[migration(id = "002_each", source = "module:dry-backfill")]
async fn each(backfill: &mut Backfill) -> Result<(), Error> {
    let change = |thing: Document| match thing.get_i32("_id") {
        Ok(0) => Ok(Change::delete()),
        Ok(1) => Ok(Change::none()),
        Ok(id) => Ok(Change::set(doc! { "double": 2 * id })),
        Err(_) => Err("it has no number"),
    };
    backfill.collection("things").each(change).await
}

#[migration(id = "003_endless", source = "module:dry-backfill")]
async fn endless(backfill: &mut Backfill) -> Result<(), Error> {
    let things = backfill.collection("things").remaining(doc! { "n": { "$exists": false } });
    things.update(doc! { "$set": { "m": 1 } }).await
}

#[migration(id = "004_view", source = "module:dry-backfill")]
async fn view(backfill: &mut Backfill) -> Result<(), Error> {
    backfill.collection("all_things").delete().await
}

#[migration(id = "005_missing", source = "module:dry-backfill")]
async fn missing(backfill: &mut Backfill) -> Result<(), Error> {
    backfill.collection("nothing").delete().await
}

/// What the backfill of the same source needs.
#[migration(id = "001_names", source = "module:dry-backfill-needs")]
async fn names(tx: &mut Tx) -> Result<(), Error> {
    let things = tx.collection::<Document>("things");
    things.update_many(doc! {}, doc! { "$set": { "name": "thing" } }).await.map(drop).map_err(Error::from)
}

#[migration(id = "002_labels", source = "module:dry-backfill-needs", deps = ["module:dry-backfill-needs:001_names"])]
async fn labels(backfill: &mut Backfill) -> Result<(), Error> {
    let change = |thing: Document| thing.get_str("name").map(|name| Change::set(doc! { "label": name }));
    backfill.collection("things").each(change).await
}

#[migration(id = "003_unique", source = "module:dry-backfill-needs", deps = ["module:dry-backfill-needs:002_labels"])]
async fn unique(schema: &mut Schema) -> Result<(), Error> {
    schema.create_index("things", doc! { "label": 1 }).unique().await
}

/// It is tried before the transaction that has changed the same documents, and so without what it needs.
#[tokio::test]
async fn i4_a_backfill_that_fails_without_earlier_migrations_is_not_simulated() {
    let db = filled().await;
    let migrator = migrator(&db, "module:dry-backfill-needs").build().unwrap();
    let report = rehearsed(&db, migrator.up()).await.unwrap();
    let told = reason(&report, "002_labels");
    assert!(told.starts_with("it failed without the effects of 'module:dry-backfill-needs:001_names'"), "{told}");
    // The documents have no labels yet.
    assert!(reason(&report, "003_unique").contains("002_labels"), "{report}");
}

async fn filled() -> TestDb {
    let db = TestDb::new().await;
    db.collection::<Document>("things").insert_many((0..200).map(|id| doc! { "_id": id })).await.unwrap();
    db.create_collection("all_things").view_on("things").await.unwrap();
    db
}

async fn tried(db: &TestDb, id: &str) -> Execution {
    let migrator = migrator(db, SOURCE).build().unwrap();
    let report = match rehearsed(db, migrator.up().only(format!("{SOURCE}:{id}"))).await {
        Ok(report) => report,
        Err(error) => error.report().unwrap().clone(),
    };
    report.executions().next().unwrap().clone()
}

fn message(execution: &Execution) -> &str {
    match &execution.outcome {
        Outcome::Failed { message, .. } => message,
        Outcome::NotSimulated { reason } => reason,
        _ => "",
    }
}

#[tokio::test]
async fn i4_the_first_documents_of_a_backfill_are_changed_and_rolled_back() {
    let db = filled().await;
    let updated = tried(&db, "001_update").await;
    let operation = &updated.operations[0];
    assert!(matches!(updated.outcome, Outcome::WouldApply), "{updated:?}");
    assert_eq!((operation.counts.matched, operation.counts.modified, operation.samples.len()), (100, 100, 3));
    let (before, after) = (operation.samples[0].before.clone(), operation.samples[0].after.clone());
    assert_eq!((before, after), (Some(doc! { "_id": 50 }), Some(doc! { "_id": 50, "n": 1 })));
    assert_eq!(operation.notes, ["the first that match; the collection has about 200 documents"]);

    let computed = tried(&db, "002_each").await;
    let operation = &computed.operations[0];
    assert_eq!((operation.counts.matched, operation.counts.modified, operation.samples.len()), (100, 99, 2));
    assert_eq!(operation.samples[0].after, None);
    let nothing = tried(&db, "005_missing").await;
    assert_eq!(nothing.operations[0].notes, ["none of about 0 documents matches"]);
}

#[tokio::test]
async fn i4_a_backfill_that_would_fail_fails_in_a_dry_run() {
    let db = filled().await;
    let endless = tried(&db, "003_endless").await;
    let expected = "the change leaves documents that still match `remaining`, such as the one with the _id 0";
    assert_eq!(message(&endless), expected);
    assert!(message(&tried(&db, "004_view").await).contains("'all_things' is a view"));
    db.collection::<Document>("things").delete_one(doc! { "_id": 199 }).await.unwrap();
    db.collection::<Document>("things").insert_one(doc! { "_id": -1.5 }).await.unwrap();
    let failed = tried(&db, "002_each").await;
    assert!(message(&failed).contains("it has no number"), "{failed:?}");
}

#[tokio::test]
async fn a_backfill_whose_documents_are_not_found_in_time_is_not_simulated() {
    let db = filled().await;
    let things = format!("{}.things", db.name());
    let late = doc! { "failCommands": ["find"], "namespace": things, "errorCode": 50 };
    let _late = FailPoint::times(1, &db, late).await;
    let tried = tried(&db, "001_update").await;
    assert_eq!(message(&tried), "the server did not find documents that match within 10.0 s");
}

#[tokio::test]
async fn a_backfill_that_has_started_is_not_tried() {
    let db = filled().await;
    let things = db.collection::<Document>("things");
    things.insert_many((200..10_500).map(|id| doc! { "_id": id })).await.unwrap();
    let migrator = migrator(&db, SOURCE).build().unwrap();
    let validator = async |validator: Document| {
        db.run_command(doc! { "collMod": "things", "validator": validator }).await.unwrap();
    };
    validator(doc! { "$nor": [{ "_id": 10_499, "n": 1 }] }).await;
    migrator.up().only(format!("{SOURCE}:001_update")).await.unwrap_err();
    assert_eq!(message(&tried(&db, "001_update").await), "it has started already, and goes on where it is");
    validator(doc! {}).await;
    migrator.up().only(format!("{SOURCE}:001_update")).await.unwrap();
    let report = migrator.down().only(format!("{SOURCE}:001_update")).dry_run(true).await.unwrap();
    println!("{report}");
    let reverted = report.executions().next().unwrap();
    assert!(matches!(reverted.outcome, Outcome::WouldRevert), "{reverted:?}");
    assert_eq!((reverted.operations[0].counts.deleted, reverted.operations[0].samples.len()), (100, 3));
    assert_eq!(count(&db, "things", doc! { "n": 1 }).await, 10_450);
}
