//! Manual changes of records: `mark_applied`, `mark_pending`, `baseline`, `accept`, `prune`, each with who and why.

use mongodb::bson::{Document, doc};
use mongrate::history::Act;
use mongrate::migration::State;
use mongrate::migrator::Amend;
use mongrate::{Error, Migrator, Registry, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{
    collections, count, fingerprint, history, lease_is_free, migrator, record, registry, status, step, steps,
};

const A: &str = "module:amend:001_a";
const B: &str = "module:amend:002_b";
const C: &str = "module:amend:003_c";

#[migration(id = "001_a", source = "module:amend")]
async fn a(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    step(tx, "a").await
}

#[migration(id = "002_b", source = "module:amend", deps = ["module:amend:001_a"])]
async fn b(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    step(tx, "b").await
}

#[migration(id = "003_c", source = "module:amend", deps = ["module:amend:002_b"])]
async fn c(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    step(tx, "c").await
}

async fn fresh() -> (TestDb, Migrator) {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:amend").actor("nobody").build().unwrap();
    (db, migrator)
}

/// Its ids, and that nothing ran.
async fn amended(db: &TestDb, amend: Amend) -> Vec<String> {
    let before = steps(db).await;
    let report = amend.by("ana").because("see OPS-17").await.unwrap();
    println!("{report}");
    assert_eq!(steps(db).await, before);
    assert!(lease_is_free(db).await);
    report.amended().iter().map(|(id, _)| id.clone()).collect()
}

/// Nothing was written, not even a collection.
async fn refused(db: &TestDb, amend: Amend) -> Error {
    let before = fingerprint(db).await;
    let error = amend.await.unwrap_err();
    println!("{error}");
    assert_eq!(fingerprint(db).await, before);
    error
}

#[tokio::test]
async fn a_migration_marked_as_applied_does_not_run() {
    let (db, migrator) = fresh().await;
    assert_eq!(amended(&db, migrator.mark_applied([A, B])).await, [A, B]);
    let stored = record(&db, A).await.unwrap();
    assert_eq!(stored.get_str("status").unwrap(), "completed");
    assert_eq!(stored.get_str("appliedBy").unwrap(), "ana");
    assert_eq!(stored.get_i64("batch").unwrap(), 0);
    assert_eq!(stored.get_i64("attempts").unwrap(), 0);

    let entry = migrator.history().migration(A).await.unwrap().entries.remove(0);
    assert_eq!(
        (entry.act, entry.by.as_deref(), entry.because.as_deref()),
        (Act::MarkApplied, Some("ana"), Some("see OPS-17"))
    );
    assert!(entry.token > 0);

    assert_eq!(migrator.up().await.unwrap().applied().count(), 1);
    assert_eq!(steps(&db).await, ["c"]);
    // Repeating it changes nothing and takes no lease.
    let before = fingerprint(&db).await;
    assert!(migrator.mark_applied([A, C]).await.unwrap().is_empty());
    assert_eq!(fingerprint(&db).await, before);
}

#[tokio::test]
async fn i3_a_pending_dependency_prevents_marking_as_applied() {
    let (db, migrator) = fresh().await;
    let error = refused(&db, migrator.mark_applied([C])).await;
    assert_eq!(
        error.to_string(),
        "'module:amend:003_c' cannot be marked as applied while its dependencies are pending: module:amend:002_b. Mark them as well, or apply them first"
    );
    let error = refused(&db, migrator.mark_applied([A, "module:amend:002_bb"])).await;
    assert!(matches!(error, Error::UnknownMigration { nearest: Some(B), .. }), "{error}");
    assert!(collections(&db).await.is_empty());
}

#[tokio::test]
async fn a_migration_marked_as_pending_runs_again() {
    let (db, migrator) = fresh().await;
    migrator.up().await.unwrap();
    assert_eq!(amended(&db, migrator.mark_pending([C])).await, [C]);
    assert_eq!(migrator.status().await.unwrap().state(C), Some(State::RolledBack));
    assert_eq!(migrator.plan().await.unwrap().len(), 1);
    migrator.up().await.unwrap();
    assert_eq!(steps(&db).await, ["a", "b", "c", "c"]);
    assert_eq!(history(&db, C).await, ["completed", "rolled-back", "completed"]);
    let before = fingerprint(&db).await;
    migrator.mark_pending(Vec::<String>::new()).await.unwrap();
    assert_eq!(fingerprint(&db).await, before);
}

#[tokio::test]
async fn i3_an_applied_dependent_prevents_marking_as_pending() {
    let (db, migrator) = fresh().await;
    migrator.up().await.unwrap();
    let error = refused(&db, migrator.mark_pending([A, C])).await;
    assert!(matches!(&error, Error::DependentsApplied { id: A, dependents, .. } if dependents == &[B]), "{error}");
    assert_eq!(amended(&db, migrator.mark_pending([B, C])).await, [B, C]);
}

#[tokio::test]
async fn a_baseline_includes_everything_before_it() {
    let (db, migrator) = fresh().await;
    assert_eq!(amended(&db, migrator.baseline(B)).await, [A, B]);
    assert_eq!(migrator.history().migration(A).await.unwrap().entries[0].act, Act::Baseline);
    migrator.up().await.unwrap();
    assert_eq!(steps(&db).await, ["c"]);
    assert!(amended(&db, migrator.baseline(C)).await.is_empty());
}

#[tokio::test]
async fn a_second_baseline_adds_what_is_pending_and_changes_no_record() {
    let (db, migrator) = fresh().await;
    assert_eq!(amended(&db, migrator.baseline(A)).await, [A]);
    let first = record(&db, A).await;
    assert_eq!(amended(&db, migrator.baseline(C)).await, [B, C]);
    assert_eq!(record(&db, A).await, first);
    // An earlier one takes nothing back.
    assert!(amended(&db, migrator.baseline(A)).await.is_empty());
    assert!(migrator.up().await.unwrap().is_empty());
}

/// Two operators, and replicas that boot meanwhile: each record is changed once, and each body runs at most once.
#[tokio::test(flavor = "multi_thread")]
async fn i1_concurrent_marks_and_runs() {
    let (db, migrator) = fresh().await;
    let mut runs = tokio::task::JoinSet::new();
    for number in 0..8 {
        let (replica, _) = db.replica(&format!("replica {number}")).await;
        let migrator = mongrate_tests::stored::migrator(&replica, "module:amend").build().unwrap();
        runs.spawn(async move {
            if number % 2 == 0 { migrator.baseline(B).await.unwrap() } else { migrator.up().await.unwrap() }
        });
    }
    runs.join_all().await;
    for id in [A, B, C] {
        assert_eq!(status(&db, id).await, "completed");
        assert_eq!(history(&db, id).await.len(), 1, "{id}");
    }
    let ran = steps(&db).await;
    assert!(ran == ["c"] || ran == ["a", "b", "c"], "{ran:?}");
    drop(migrator);
}

#[tokio::test]
async fn a_changed_checksum_is_accepted() {
    let (db, migrator) = fresh().await;
    migrator.up().await.unwrap();
    let records = db.collection::<Document>("migrations");
    records.update_one(doc! { "_id": A }, doc! { "$set": { "checksum": "t2:old" } }).await.unwrap();
    assert!(!migrator.validate().await.unwrap().is_valid());
    assert_eq!(amended(&db, migrator.accept(A)).await, [A]);
    let linked = Registry::linked().get(A).unwrap();
    assert_eq!(record(&db, A).await.unwrap().get_str("checksum").unwrap(), linked.checksum());
    let entry = migrator.history().migration(A).await.unwrap().entries.remove(0);
    assert_eq!((entry.act, entry.previous_checksum.as_deref()), (Act::Accept, Some("t2:old")));
    assert!(migrator.validate().await.unwrap().is_valid());
    // It does not run again, and there is nothing more to accept.
    assert!(migrator.up().await.unwrap().is_empty());
    assert!(migrator.accept(A).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_finding_about_an_applied_migration_is_accepted() {
    let (db, migrator) = fresh().await;
    migrator.up().await.unwrap();
    let records = db.collection::<Document>("migrations");
    let no = doc! { "$set": { "verificationFailed": true, "error": "no" } };
    records.update_one(doc! { "_id": A }, no).await.unwrap();
    assert!(!migrator.validate().await.unwrap().is_valid());
    assert_eq!(amended(&db, migrator.accept(A)).await, [A]);
    assert!(migrator.validate().await.unwrap().is_valid());
    assert_eq!(history(&db, A).await, ["completed", "completed"]);
    // The act itself has not failed.
    assert_eq!(migrator.history().migration(A).await.unwrap().entries[0].error, None);
}

#[tokio::test]
async fn a_migration_that_is_not_applied_cannot_be_accepted() {
    let (db, migrator) = fresh().await;
    let error = refused(&db, migrator.accept(A)).await;
    assert_eq!(error.to_string(), "'module:amend:001_a' is not applied");
}

/// Only what is not linked in, and only on request (I7).
#[tokio::test]
async fn i7_an_orphan_is_pruned() {
    let (db, migrator) = fresh().await;
    migrator.up().await.unwrap();
    let without = Migrator::builder(db.database().clone())
        .registry(registry(&["module:amend"]).into_iter().filter(|migration| migration.id() != C).collect())
        .build()
        .unwrap();
    let error = refused(&db, without.prune(B)).await;
    assert!(matches!(error, Error::NotAnOrphan { id: B }), "{error}");
    assert_eq!(without.status().await.unwrap().orphans().len(), 1);
    without.up().await.unwrap();
    assert_eq!(count(&db, "migrations", doc! {}).await, 3);

    let before = record(&db, C).await.unwrap();
    assert_eq!(amended(&db, without.prune(C)).await, [C]);
    assert!(record(&db, C).await.is_none());
    assert_eq!(count(&db, "migrations", doc! {}).await, 2);
    let entry = without.history().migration(C).await.unwrap().entries.remove(0);
    assert_eq!((entry.act, entry.status), (Act::Prune, None));
    let removed = entry.removed.unwrap();
    assert_eq!(removed.checksum, before.get_str("checksum").unwrap());
    let error = refused(&db, without.prune(C)).await;
    assert!(matches!(&error, Error::UnknownMigration { id, .. } if id == C), "{error}");
}

/// A mark resolves partial changes.
#[tokio::test]
async fn a_mark_resolves_partial_changes() {
    for (applied, expected) in [(true, "completed"), (false, "rolled-back")] {
        let db = TestDb::standalone().await;
        let migrator = mongrate_tests::stored::migrator(&db, "module:amend").build().unwrap();
        migrator.up().only(A).await.unwrap();
        let half = doc! { "$set": { "status": "failed", "partial": true, "error": "told to" } };
        db.collection::<Document>("migrations").update_one(doc! { "_id": A }, half).await.unwrap();
        assert!(matches!(migrator.up().await.unwrap_err(), Error::PartiallyApplied { .. }));
        let mark = if applied { migrator.mark_applied([A]) } else { migrator.mark_pending([A]) };
        assert_eq!(amended(&db, mark).await, [A]);
        assert_eq!(status(&db, A).await, expected);
        migrator.up().await.unwrap();
        assert_eq!(status(&db, C).await, "completed");
    }
}

/// Stores a log and what a body left beside a record, as an interrupted `Schema` migration does.
async fn beside(db: &TestDb, id: &str) {
    let log = doc! { "direction": "up", "phase": 0, "checksum": "t1:0", "ops": [] };
    let left = doc! { "order": [1_i64, 1_i64], "facts": [] };
    let fields = doc! { "$set": { "log": log, "left": left } };
    db.collection::<Document>("migrations").update_one(doc! { "_id": id }, fields).await.unwrap();
}

/// Which of the two are still there.
async fn still_beside(db: &TestDb, id: &str) -> (bool, bool) {
    let stored = record(db, id).await.unwrap();
    (stored.contains_key("log"), stored.contains_key("left"))
}

#[tokio::test]
async fn accepting_keeps_the_fields_beside_a_record() {
    let (db, migrator) = fresh().await;
    migrator.up().await.unwrap();
    beside(&db, A).await;
    let changed = doc! { "$set": { "checksum": "t1:old", "error": "no", "errorStack": ["no"] } };
    db.collection::<Document>("migrations").update_one(doc! { "_id": A }, changed).await.unwrap();
    assert_eq!(amended(&db, migrator.accept(A)).await, [A]);
    assert_eq!(still_beside(&db, A).await, (true, true));
    let stored = record(&db, A).await.unwrap();
    assert!(!stored.contains_key("error") && !stored.contains_key("errorStack"), "{stored}");
}

/// A mark overrides the log and the footprint.
#[tokio::test]
async fn a_mark_moves_the_log_to_the_history() {
    for db in [TestDb::new().await, TestDb::standalone().await] {
        let migrator = migrator(&db, "module:amend").build().unwrap();
        migrator.up().await.unwrap();
        let ids = [C, B];
        for id in ids {
            beside(&db, id).await;
        }
        let failed = doc! { "$set": { "status": "failed" } };
        db.collection::<Document>("migrations").update_one(doc! { "_id": B }, failed).await.unwrap();
        amended(&db, migrator.mark_pending([C])).await;
        amended(&db, migrator.mark_applied([B])).await;
        for id in ids {
            assert_eq!(still_beside(&db, id).await, (false, false), "{id}");
            let log = migrator.history().migration(id).await.unwrap().entries.remove(0).log;
            assert_eq!(log.unwrap().get_i32("phase").unwrap(), 0);
        }
        // One that had none.
        amended(&db, migrator.mark_pending([A, B])).await;
        assert_eq!(migrator.history().migration(A).await.unwrap().entries[0].log, None);

        beside(&db, C).await;
        let without = registry(&["module:amend"]).into_iter().filter(|migration| migration.id() != C).collect();
        let without = Migrator::builder(db.database().clone()).registry(without).build().unwrap();
        amended(&db, without.prune(C)).await;
        assert!(record(&db, C).await.is_none());
        assert!(without.history().migration(C).await.unwrap().entries[0].log.is_some());
    }
}
