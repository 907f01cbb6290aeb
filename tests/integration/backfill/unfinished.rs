//! A backfill that is reverted before it has completed.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mongodb::bson::{Bson, Document, doc};
use mongrate::context::{Change, Pace};
use mongrate::migration::State;
use mongrate::{Backfill, Error, Migrator, Registry, Tx, migration};
use mongrate_tests::crash::backfill::{ID, MANY, fill};
use mongrate_tests::stored::{count, history, record, status};
use mongrate_tests::{TestDb, eventually};

use super::quick;

const LABELS: &str = "module:turned-back:001_labels";

#[migration(id = "001_labels", source = "module:turned-back", down = unlabel)]
async fn labels(backfill: &mut Backfill) -> Result<(), Error> {
    backfill.collection("orders").each(label()).await
}

#[migration(id = "001_skips", source = "module:turned-skips", down = unlabel)]
async fn skips(backfill: &mut Backfill) -> Result<(), Error> {
    backfill.collection("orders").skip_failed(10).each(label()).await
}

/// Fails at a document that is marked as broken.
fn label() -> impl Fn(Document) -> Result<Change, &'static str> {
    |order| match order.get("broken") {
        Some(_) => Err("it is broken"),
        None => Ok(Change::update(doc! { "$inc": { "n": 1 } })),
    }
}

async fn unlabel(backfill: &mut Backfill) -> Result<(), Error> {
    backfill.collection("orders").update(doc! { "$inc": { "m": 1 } }).await
}

/// With both conditions, and checked afterwards.
#[migration(id = "001_flags", source = "module:turned-flags", down = unflag, verify = permitted)]
async fn flags(backfill: &mut Backfill) -> Result<(), Error> {
    let left = doc! { "n": null, "kept": null };
    backfill.collection("orders").remaining(left).skip_failed(10).each(flag()).await
}

fn flag() -> impl Fn(Document) -> Result<Change, &'static str> {
    |order| match order.get("broken") {
        Some(_) => Err("it is broken"),
        None => Ok(Change::set(doc! { "n": 1 })),
    }
}

async fn unflag(backfill: &mut Backfill) -> Result<(), Error> {
    if !DOWN_WORKS.load(Ordering::SeqCst) {
        return Err(Error::Refused("not now".to_owned()));
    }
    let left = doc! { "n": { "$ne": null } };
    backfill.collection("orders").remaining(left).update(doc! { "$unset": { "n": "" }, "$set": { "m": 1 } }).await
}

async fn permitted(database: &mongodb::Database) -> Result<bool, mongodb::error::Error> {
    Ok(database.collection::<Document>("permits").find_one(doc! {}).await?.is_some())
}

static DOWN_WORKS: AtomicBool = AtomicBool::new(true);

#[migration(id = "001_elsewhere", source = "module:turned-elsewhere", down = elsewhere_down)]
async fn elsewhere(backfill: &mut Backfill) -> Result<(), Error> {
    backfill.collection("orders").remaining(doc! { "n": null }).update(doc! { "$inc": { "n": 1 } }).await
}

async fn elsewhere_down(backfill: &mut Backfill) -> Result<(), Error> {
    backfill.collection("people").repeatable().update(doc! { "$inc": { "n": 1 } }).await
}

fn migrator(db: &TestDb, source: &str) -> Migrator {
    let builder = Migrator::builder((**db).clone()).registry(Registry::linked().source(source)).assume_new();
    builder.lease(Duration::from_secs(5)).build().unwrap()
}

/// Asserts that exactly what was changed was reverted. Returns how many documents these are.
async fn assert_reverted(db: &TestDb, id: &str) -> u64 {
    let both = count(db, "orders", doc! { "n": 1, "m": 1 }).await;
    let neither = count(db, "orders", doc! { "n": null, "m": null }).await;
    assert_eq!(both + neither, count(db, "orders", doc! {}).await);
    assert_eq!(status(db, id).await, "rolled-back");
    assert_eq!(count(db, "migrations_ranges", doc! {}).await, 0);
    both
}

/// Breaks the documents that are the first and the last of their ranges, and others.
async fn break_some(db: &TestDb, ids: &[i64]) {
    let broken = doc! { "$set": { "broken": true } };
    db.collection::<Document>("orders").update_many(doc! { "_id": { "$in": ids } }, broken).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_exactly_what_a_failed_backfill_has_changed_is_reverted() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    break_some(&db, &[0, 5_000, 5_001]).await;
    let migrator = migrator(&db, "module:turned-back");
    migrator.up().await.unwrap_err();
    // Only by name.
    assert!(migrator.down().plan().await.unwrap().is_empty());
    let changed = count(&db, "orders", doc! { "n": 1 }).await;
    let plan = migrator.down().only(LABELS).plan().await.unwrap();
    assert_eq!(plan.iter().map(mongrate::plan::Step::state).collect::<Vec<_>>(), [State::Failed]);
    let dry = migrator.down().only(LABELS).dry_run(true).await.unwrap().to_string();
    assert!(dry.contains("it has not completed: what it has passed so far would be reverted"), "{dry}");
    let report = migrator.down().only(LABELS).await.unwrap();
    println!("{report}");
    assert_eq!(report.executions().count(), 1);
    assert_eq!(assert_reverted(&db, LABELS).await, changed);
    assert_eq!(history(&db, LABELS).await, ["failed", "rolled-back"]);
    // From the beginning.
    db.collection::<Document>("orders").update_many(doc! {}, doc! { "$unset": { "broken": "" } }).await.unwrap();
    migrator.up().await.unwrap();
    assert_eq!(count(&db, "orders", doc! { "n": { "$in": [1, 2] } }).await, 12_000);
    assert_eq!(count(&db, "orders", doc! { "n": 2, "m": 1 }).await, changed);
}

/// Other processes, which work on it, stop.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_exactly_what_was_changed_is_reverted_while_others_work_on_it() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let others: Vec<_> = (0..2).map(|_| quick(&db)).collect();
    others[0].up().background(true).await.unwrap();
    others[0].steer(ID).pace(Pace::Rate(NonZeroU32::new(2_000).unwrap())).await.unwrap();
    let work: Vec<_> = others.iter().map(|other| tokio::spawn(other.up().into_future())).collect();
    let some = async || (count(&db, "orders", doc! { "n": 1 }).await > 2_000).then_some(());
    eventually("documents are changed", some).await;
    let report = quick(&db).down().only(ID).await.unwrap();
    println!("{report}");
    for work in work {
        println!("{}", work.await.unwrap().unwrap());
    }
    let reverted = assert_reverted(&db, ID).await;
    assert!((2_000..12_000).contains(&reverted), "{reverted}");
    let ended = doc! { "migrationId": ID, "act": { "$in": ["up", "down"] } };
    let ended: Vec<_> = db.collection::<Document>("migrations_history").distinct("status", ended).await.unwrap();
    assert_eq!(ended, ["rolled-back", "running"].map(Bson::from));
    assert_eq!(count(&db, "log", doc! { "_id": "dependent" }).await, 0);
}

#[tokio::test]
async fn a_backfill_that_cannot_be_reverted_yet_says_why_and_goes_on() {
    let (replica_set, standalone) = (TestDb::new().await, TestDb::standalone().await);
    let skips = TestDb::new().await;
    for (db, source, id, reason) in [
        (&replica_set, "module:turned-elsewhere", "001_elsewhere", "its `down` is about another collection"),
        (&standalone, "module:turned-elsewhere", "001_elsewhere", "a server without transactions"),
        (&skips, "module:turned-skips", "001_skips", "skipped documents"),
    ] {
        fill(db, MANY).await;
        break_some(db, &[5_000]).await;
        let (migrator, id) = (migrator(db, source), format!("{source}:{id}"));
        migrator.up().background(true).await.unwrap();
        if source == "module:turned-skips" {
            migrator.up().await.unwrap_err();
        }
        let before = record(db, &id).await.unwrap();
        let error = migrator.down().only(&id).await.unwrap_err();
        println!("{error}");
        assert!(error.to_string().contains(reason), "{error}");
        let after = record(db, &id).await.unwrap();
        for field in ["status", "direction", "underway", "backfill"] {
            assert_eq!(before.get(field), after.get(field), "{field}");
        }
        assert_eq!(count(db, "orders", doc! { "m": 1 }).await, 0);
        db.collection::<Document>("orders").update_many(doc! {}, doc! { "$unset": { "broken": "" } }).await.unwrap();
        migrator.up().await.unwrap();
        assert_eq!(count(db, "orders", doc! { "n": 1 }).await, 12_000);
    }
}

const FLAGS: &str = "module:turned-flags:001_flags";

/// What the application has written in the new form meanwhile, behind the last range or in its place, is not reverted.
#[tokio::test]
async fn i1_what_a_backfill_has_not_passed_is_not_reverted() {
    let db = TestDb::new().await;
    let orders = db.collection::<Document>("orders");
    let migrator = migrator(&db, "module:turned-flags");
    fill(&db, MANY).await;
    let theirs = |from: i64| (from..from + 50).map(|id| doc! { "_id": id, "n": 1, "theirs": true });
    // Nothing has begun.
    migrator.up().background(true).await.unwrap();
    orders.insert_many(theirs(20_000)).await.unwrap();
    migrator.down().only(FLAGS).await.unwrap();
    assert_eq!((status(&db, FLAGS).await.as_str(), count(&db, "orders", doc! { "m": 1 }).await), ("rolled-back", 0));
    // All is done, but for the check.
    migrator.up().await.unwrap_err();
    assert_eq!(count(&db, "orders", doc! { "n": 1, "theirs": null }).await, 12_000);
    orders.insert_many(theirs(30_000)).await.unwrap();
    migrator.down().only(FLAGS).await.unwrap();
    assert_eq!(count(&db, "orders", doc! { "m": 1, "n": null, "theirs": null }).await, 12_000);
    assert_eq!(count(&db, "orders", doc! { "n": 1, "theirs": true, "_id": { "$gte": 30_000 } }).await, 50);
    // A sweep has begun.
    migrator.up().await.unwrap_err();
    let ranges = db.collection::<Document>("migrations_ranges");
    let state = |state: &str| doc! { "$set": { "state": state } };
    let sweeps = doc! { "_id.n": { "$gte": 16 } };
    ranges.update_many(sweeps.clone(), state("open")).await.unwrap();
    let error = migrator.down().only(FLAGS).await.unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("a sweep has begun"), "{error}");
    ranges.update_many(sweeps, state("done")).await.unwrap();
    migrator.down().only(FLAGS).await.unwrap();
    // The collection is another one.
    migrator.up().background(true).await.unwrap();
    orders.drop().await.unwrap();
    fill(&db, MANY).await;
    let error = migrator.down().only(FLAGS).await.unwrap_err();
    assert!(error.to_string().contains("it is another collection now"), "{error}");
    // Nobody knows.
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let migrator = self::migrator(&db, "module:turned-flags");
    migrator.up().background(true).await.unwrap();
    db.collection::<Document>("migrations_ranges").delete_many(doc! {}).await.unwrap();
    let error = migrator.down().only(FLAGS).await.unwrap_err();
    assert!(error.to_string().contains("are missing in 'migrations_ranges'"), "{error}");
    assert_eq!(count(&db, "orders", doc! { "m": 1 }).await, 0);
}

/// A document that a sweep has skipped, an execution that is repeated, and a `down` that fails before it begins.
#[tokio::test]
async fn i1_a_backfill_whose_revert_was_refused_is_as_it_was() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let migrator = migrator(&db, "module:turned-flags");
    db.collection::<Document>("permits").insert_one(doc! {}).await.unwrap();
    let orders = db.collection::<Document>("orders");
    let refused = async |reason: &str| {
        let before = record(&db, FLAGS).await.unwrap();
        let error = migrator.down().only(FLAGS).await.unwrap_err();
        println!("{error}");
        assert!(error.to_string().contains(reason), "{error}");
        let after = record(&db, FLAGS).await.unwrap();
        for field in ["status", "direction", "underway", "attempts", "error", "errorStack"] {
            assert_eq!(before.get(field), after.get(field), "{field}");
        }
        assert_eq!(count(&db, "orders", doc! { "m": 1 }).await, 0);
    };
    migrator.up().background(true).await.unwrap();
    DOWN_WORKS.store(false, Ordering::SeqCst);
    refused("not now").await;
    DOWN_WORKS.store(true, Ordering::SeqCst);
    // Only a sweep sees it.
    orders.insert_one(doc! { "_id": 50_000, "broken": true }).await.unwrap();
    let error = migrator.up().await.unwrap_err();
    assert!(error.to_string().contains("1 document of 'orders' could not be changed"), "{error}");
    refused("it has skipped documents").await;
    migrator.up().background(true).await.unwrap();
    refused("it has skipped documents").await;
    orders.delete_one(doc! { "_id": 50_000 }).await.unwrap();
    let report = migrator.up().await.unwrap();
    assert_eq!(count(&db, "orders", doc! { "n": 1 }).await, 12_000);
    assert_eq!(report.applied().next().unwrap().operations[0].counts.modified, 12_000);
    // All documents were changed by the execution before.
    migrator.rerun(FLAGS).await.unwrap();
    refused("an earlier run has changed documents").await;
    migrator.up().await.unwrap();
    migrator.down().await.unwrap();
    assert_eq!(count(&db, "orders", doc! { "m": 1, "n": null }).await, 12_000);
}

/// It goes on with the other one, and leaves the one that was reverted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_run_leaves_a_backfill_that_was_reverted_and_goes_on_with_the_others() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let people = (0..MANY).map(|id| doc! { "_id": id });
    db.collection::<Document>("people").insert_many(people).await.unwrap();
    let registry = || [LABELS, PEOPLE].iter().map(|id| Registry::linked().get(id).unwrap()).collect::<Registry>();
    let migrator = || Migrator::builder((*db).clone()).registry(registry()).assume_new().build().unwrap();
    let (service, person) = (migrator(), migrator());
    service.up().background(true).await.unwrap();
    for id in [LABELS, PEOPLE] {
        person.steer(id).pace(Pace::Rate(NonZeroU32::new(3_000).unwrap())).await.unwrap();
    }
    let work = tokio::spawn(service.up().into_future());
    let some = async || (count(&db, "orders", doc! { "n": 1 }).await > 1_000).then_some(());
    eventually("documents are changed", some).await;
    let error = person.down().only(PEOPLE).await.unwrap_err();
    assert!(error.to_string().contains("it has not completed, and its `down` is not a backfill"), "{error}");
    person.down().only(LABELS).await.unwrap();
    let report = work.await.unwrap().unwrap();
    println!("{report}");
    assert_eq!(report.warnings().iter().filter(|warning| warning.contains("was reverted")).count(), 1);
    assert_reverted(&db, LABELS).await;
    assert_eq!(
        (status(&db, PEOPLE).await.as_str(), count(&db, "people", doc! { "n": 1 }).await),
        ("completed", 12_000)
    );
}

const PEOPLE: &str = "module:turned-people:001_people";

#[migration(id = "001_people", source = "module:turned-people", down = people_down)]
async fn people(backfill: &mut Backfill) -> Result<(), Error> {
    backfill.collection("people").update(doc! { "$inc": { "n": 1 } }).await
}

async fn people_down(tx: &mut Tx) -> Result<(), Error> {
    tx.collection::<Document>("people").update_many(doc! {}, doc! { "$unset": { "n": "" } }).await?;
    Ok(())
}
