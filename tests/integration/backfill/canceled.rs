//! A backfill that is canceled, or started from the beginning.

use std::num::NonZeroU32;

use mongodb::bson::{Document, doc};
use mongrate::context::Pace;
use mongrate::events::Event;
use mongrate::history::Act;
use mongrate::migration::State;
use mongrate::{Error, Migrator, Registry};
use mongrate_tests::crash::backfill::{ID, MANY, SOURCE, fill};
use mongrate_tests::stored::{count, record};
use mongrate_tests::{TestDb, eventually};

use super::quick;

const UNRELATED: &str = "module:backfill:002_unrelated";
const DEPENDENT: &str = "module:backfill:003_dependent";

async fn changed(db: &TestDb) -> u64 {
    count(db, "orders", doc! { "n": 1 }).await
}

async fn state(db: &TestDb, id: &str) -> Option<State> {
    quick(db).status().await.unwrap().state(id)
}

/// Two processes with four workers are in the midst of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_a_canceled_backfill_runs_again_only_if_it_is_named() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let (pace, workers) = (Pace::Rate(NonZeroU32::new(1_000).unwrap()), NonZeroU32::new(4).unwrap());
    quick(&db).up().background(true).await.unwrap();
    quick(&db).steer(ID).pace(pace).workers(workers).await.unwrap();
    let service = || Migrator::builder((*db).clone()).registry(Registry::linked().source(SOURCE)).assume_new().boot();
    let mut booted = service().variables(|_| None::<String>).await.unwrap();
    let other = quick(&db);
    let mut events = other.events();
    let run = tokio::spawn(other.up().into_future());
    while !matches!(events.next().await.unwrap(), Event::Progress { .. }) {}
    eventually("documents are changed", async || (changed(&db).await > 0).then_some(())).await;

    let report = quick(&db).cancel_backfill(ID).by("ana").because("wrong totals, OPS-18").await.unwrap();
    assert_eq!(report.amended(), [(ID.to_owned(), Act::Cancel)]);
    let so_far = changed(&db).await;
    assert!(so_far < MANY.unsigned_abs());
    // Both leave it.
    let left = run.await.unwrap().unwrap();
    let warned = format!("'{ID}' was canceled meanwhile, and runs again only when it is named");
    assert!(left.warnings().contains(&warned), "{left}");
    booted.backfilled().await;
    assert_eq!(state(&db, ID).await, Some(State::Canceled));
    assert_eq!(count(&db, "migrations_ranges", doc! {}).await, 0);
    assert!(matches!(quick(&db).steer(ID).resume().await, Err(Error::NotUnderway { .. })));

    // Neither a run nor a boot begins it again, and what depends on it waits.
    let plan = quick(&db).up().plan().await.unwrap();
    let waits = format!("'{DEPENDENT}' waits for the backfill '{ID}', which was canceled: run '{ID}' by name first.");
    assert!(plan.is_empty() && plan.to_string().contains(&waits), "{plan}");
    quick(&db).up().await.unwrap();
    let mut booted = service().variables(|_| None::<String>).await.unwrap();
    booted.backfilled().await;
    let error = quick(&db).up().only(DEPENDENT).await.unwrap_err();
    assert!(error.to_string().contains("runs only when it is named"), "{error}");
    assert_eq!((changed(&db).await, state(&db, UNRELATED).await), (so_far, Some(State::Completed)));
    // Again, it changes nothing.
    assert!(quick(&db).cancel_backfill(ID).await.unwrap().amended().is_empty());
    let history = quick(&db).history().act(Act::Cancel).await.unwrap();
    let [entry] = &history.entries[..] else { panic!("{history:?}") };
    assert_eq!((entry.by.as_deref(), entry.because.as_deref()), (Some("ana"), Some("wrong totals, OPS-18")));

    // By name, it begins from the start.
    quick(&db).up().only(ID).await.unwrap();
    assert_eq!(
        (changed(&db).await, count(&db, "orders", doc! { "n": 2 }).await),
        (MANY.unsigned_abs() - so_far, so_far)
    );
    assert!(!record(&db, ID).await.unwrap().contains_key("canceled"));
    assert!(matches!(quick(&db).cancel_backfill(ID).await, Err(Error::NotUnderway { .. })));
}

#[tokio::test]
async fn a_restarted_backfill_begins_with_the_next_run() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    for id in [ID, UNRELATED] {
        let refused = quick(&db).restart_backfill(id).await.unwrap_err();
        assert!(matches!(&refused, Error::NotUnderway { id: told } if told == id), "{refused}");
    }
    assert!(matches!(quick(&db).cancel_backfill("001_nubmers").await, Err(Error::UnknownMigration { .. })));
    // The last document of the collection cannot be changed.
    let refused = |refused: Document| doc! { "collMod": "orders", "validator": refused };
    db.run_command(refused(doc! { "$nor": [{ "_id": MANY - 1, "n": 1 }] })).await.unwrap();
    quick(&db).up().await.unwrap_err();
    let so_far = changed(&db).await;
    assert_eq!(state(&db, ID).await, Some(State::Failed));
    db.run_command(refused(doc! {})).await.unwrap();

    quick(&db).restart_backfill(ID).because("the totals were wrong").await.unwrap();
    assert_eq!((state(&db, ID).await, changed(&db).await), (Some(State::RolledBack), so_far));
    quick(&db).up().await.unwrap();
    assert_eq!(count(&db, "orders", doc! { "n": 2 }).await, so_far);
    assert_eq!(changed(&db).await, MANY.unsigned_abs() - so_far);

    // One that was canceled is pending again.
    let other = TestDb::new().await;
    fill(&other, MANY).await;
    quick(&other).up().background(true).await.unwrap();
    for restart in [true, false] {
        quick(&other).cancel_backfill(ID).await.unwrap();
        let quick = quick(&other);
        if restart { quick.restart_backfill(ID).await } else { quick.mark_pending([ID]).await }.unwrap();
        assert_eq!(state(&other, ID).await, Some(State::RolledBack));
        if restart {
            quick.up().background(true).await.unwrap();
        }
    }
    let report = quick(&other).up().await.unwrap();
    assert_eq!((report.applied().count(), changed(&other).await), (2, MANY.unsigned_abs()));
}

/// How much of it the canceled run has changed is forgotten, so that nobody knows what to revert.
#[tokio::test]
async fn i1_one_that_was_canceled_is_reverted_only_after_it_has_completed() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let refused = |refused: Document| doc! { "collMod": "orders", "validator": refused };
    db.run_command(refused(doc! { "$nor": [{ "_id": MANY - 1, "n": 1 }] })).await.unwrap();
    quick(&db).up().await.unwrap_err();
    quick(&db).cancel_backfill(ID).await.unwrap();
    db.run_command(refused(doc! {})).await.unwrap();
    quick(&db).up().only(ID).background(true).await.unwrap();
    for again in [true, false] {
        let error = quick(&db).down().only(ID).await.unwrap_err();
        assert!(error.to_string().contains("an earlier run has changed documents: complete it first"), "{error}");
        if again {
            quick(&db).mark_pending([ID]).await.unwrap();
            quick(&db).up().background(true).await.unwrap();
        }
    }
    assert_eq!((count(&db, "orders", doc! { "m": 1 }).await, state(&db, ID).await), (0, Some(State::Underway)));

    quick(&db).up().only(ID).await.unwrap();
    quick(&db).down().only(ID).await.unwrap();
    assert_eq!(count(&db, "orders", doc! { "m": 1 }).await, MANY.unsigned_abs());

    // While it is being reverted, neither is what a person would mean.
    quick(&db).up().only(ID).await.unwrap();
    db.run_command(refused(doc! { "$nor": [{ "_id": MANY - 1, "m": 2 }] })).await.unwrap();
    quick(&db).down().only(ID).await.unwrap_err();
    for refused in [quick(&db).cancel_backfill(ID).await, quick(&db).restart_backfill(ID).await] {
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("is being reverted: run its `down` again"), "{refused}");
    }
}

/// A boot that only checks passes, and what requires it fails, until it is marked.
#[tokio::test]
async fn a_canceled_backfill_is_marked_as_applied() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    quick(&db).up().background(true).await.unwrap();
    quick(&db).cancel_backfill(ID).await.unwrap();
    let off = |name: &str| (name == "MONGRATE_AUTO").then(|| "false".to_owned());
    let service = Migrator::builder((*db).clone()).registry(Registry::linked().source(SOURCE)).boot();
    service.variables(off).await.unwrap();
    assert!(quick(&db).health().await.unwrap().pending().is_empty());
    assert!(quick(&db).require(ID).await.unwrap_err().to_string().contains("was canceled"));
    quick(&db).mark_applied([ID]).await.unwrap();
    let marked = record(&db, ID).await.unwrap();
    assert_eq!((marked.get_str("status").unwrap(), marked.get("canceled")), ("completed", None));
    quick(&db).up().await.unwrap();
    assert_eq!((count(&db, "log", doc! { "_id": "dependent" }).await, changed(&db).await), (1, 0));
}

/// Nothing that is applied may depend on one that is not (I3).
#[tokio::test]
async fn i3_one_with_an_applied_dependent_is_not_canceled() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    quick(&db).up().await.unwrap();
    let underway = doc! { "$set": { "status": "running", "underway": true } };
    db.collection::<Document>("migrations").update_one(doc! { "_id": ID }, underway).await.unwrap();
    for refused in [quick(&db).cancel_backfill(ID).await, quick(&db).restart_backfill(ID).await] {
        let refused = refused.unwrap_err();
        assert!(matches!(&refused, Error::DependentsApplied { .. }), "{refused}");
    }
}
