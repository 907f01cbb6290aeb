//! The first run on a database that other means have changed before.

use std::future::pending;
use std::time::Duration;

use futures_util::future::join_all;
use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::migrator::DatabaseFilter;
use mongrate::options::FirstUse;
use mongrate::{Error, Migrator, Plan, Registry};
use mongrate_tests::adopted::{APPLIED, LAST, SOURCE, builder, ids, live, revision};
use mongrate_tests::stored::{collections, count, documents, executions, fingerprint, lease_is_free};
use mongrate_tests::{MyApp, TestDb, Worker};

const REASON: &str = "first use: the application reported that everything through 'module:adopted:024_x' was applied";

/// Asserts that each of the first `migrations` has taken effect once, and no other.
async fn assert_in_effect_once(db: &Database, migrations: usize) {
    let mut by: Vec<_> =
        documents(db, "effects").await.iter().map(|effect| effect.get_str("by").unwrap().to_owned()).collect();
    by.sort_unstable();
    let expected: Vec<_> =
        ids().into_iter().take(migrations).map(|id| id.rsplit(':').next().unwrap().to_owned()).collect();
    assert_eq!(by, expected);
}

/// Asserts that a baseline was recorded once, with its reason, and only the rest ran.
async fn assert_adopted(db: &Database, because: &str) {
    assert_in_effect_once(db, ids().len()).await;
    let entries = executions(db).await;
    let acts = |act: &str| entries.iter().filter(|entry| entry.get_str("act").unwrap() == act).collect::<Vec<_>>();
    assert_eq!((acts("baseline").len(), acts("up").len()), (APPLIED, ids().len() - APPLIED));
    assert!(acts("baseline").iter().all(|entry| entry.get_str("because").unwrap() == because), "{entries:?}");
    let records = documents(db, "migrations").await;
    assert_eq!(records.len(), ids().len());
    assert!(records.iter().all(|record| record.get_str("status").unwrap() == "completed"));
    assert!(lease_is_free(db).await);
}

/// Asserts that nothing was recorded, and nothing ran.
async fn assert_untouched(db: &Database) {
    assert_in_effect_once(db, APPLIED).await;
    assert_eq!(count(db, "migrations", doc! {}).await, 0);
    assert_eq!(executions(db).await.len(), 0);
    assert!(lease_is_free(db).await);
}

fn steps(plan: &Plan) -> Vec<&str> {
    plan.iter().map(|step| step.migration().id()).collect()
}

#[tokio::test]
async fn a_database_with_a_history_is_refused() {
    let db = TestDb::new().await;
    live(&db, APPLIED).await;
    let migrator = builder(&db).build().unwrap();
    let before = fingerprint(&db).await;
    let reads = [
        migrator.plan().await.unwrap_err(),
        migrator.up().plan().await.unwrap_err(),
        migrator.up().check().await.unwrap_err(),
        migrator.up().dry_run(true).await.unwrap_err(),
    ];
    assert_eq!(fingerprint(&db).await, before);
    let error = migrator.up().await.unwrap_err();
    println!("{error}");
    assert!(reads.iter().all(|read| read.to_string() == error.to_string()), "{reads:?}");
    let Error::AlreadyInEffect { ids } = &error else { panic!("{error}") };
    assert_eq!(ids.len(), APPLIED / 3);
    assert!(
        error.to_string().contains(".first_use(..)") && error.to_string().contains("`migrator.baseline(id)`"),
        "{error}"
    );
    assert_untouched(&db).await;
}

#[tokio::test]
async fn the_application_reports_what_was_applied() {
    let db = TestDb::new().await;
    live(&db, APPLIED).await;
    let migrator = builder(&db).first_use(revision).build().unwrap();
    let report = migrator.up().by("ana").await.unwrap();
    println!("{report}");
    assert_eq!((report.amended().len(), report.applied().count()), (APPLIED, 2));
    assert!(report.summary().to_string().starts_with("Recorded 24 as applied. Applied 2."), "{report}");
    assert_adopted(&db, REASON).await;
    // The order of reverting depends on distinct positions.
    let positions = db.collection::<Document>("migrations").distinct("position", doc! {}).await.unwrap();
    assert_eq!(positions.len(), ids().len());

    let _ = db.commands().take();
    assert!(migrator.up().await.unwrap().is_empty());
    assert_eq!(db.commands().take(), ["find"]);
    assert_eq!(count(&db, "asked", doc! {}).await, 1);
}

#[tokio::test]
async fn the_application_lists_what_was_applied() {
    let db = TestDb::new().await;
    live(&db, APPLIED).await;
    let applied: Vec<_> = ids().into_iter().take(APPLIED).map(str::to_owned).collect();
    let answer = move |_| {
        let applied = applied.clone();
        async move { Ok::<_, Error>(FirstUse::Applied(applied)) }
    };
    builder(&db).first_use(answer).build().unwrap().up().await.unwrap();
    assert_adopted(&db, "first use: the application reported that this was applied").await;
}

#[tokio::test]
async fn a_person_detects_what_was_applied() {
    let db = TestDb::new().await;
    live(&db, 21).await;
    let migrator = builder(&db).build().unwrap();
    let detected = migrator.detect().await.unwrap();
    // The first migration has only a postcondition that is true of anything.
    assert_eq!(detected.baseline(), None);
    let baseline = detected.assuming_undecided().baseline().unwrap();
    assert_eq!(baseline, "module:adopted:021_u");
    migrator.baseline(baseline).because("revision 21").await.unwrap();
    assert_eq!(migrator.up().await.unwrap().applied().count(), 5);
    assert_in_effect_once(&db, ids().len()).await;
}

#[tokio::test]
async fn a_person_names_what_was_applied() {
    let db = TestDb::new().await;
    live(&db, APPLIED).await;
    let migrator = builder(&db).build().unwrap();
    migrator.baseline(LAST).because("see OPS-17").await.unwrap();
    assert_eq!(migrator.up().await.unwrap().applied().count(), 2);
    assert_adopted(&db, "see OPS-17").await;
}

#[tokio::test]
async fn a_new_database_is_new() {
    let db = TestDb::new().await;
    let report = builder(&db).first_use(revision).build().unwrap().up().await.unwrap();
    assert_eq!((report.amended().len(), report.applied().count()), (0, ids().len()));
    assert_in_effect_once(&db, ids().len()).await;
    // Without an answer, as well.
    let other = TestDb::new().await;
    assert_eq!(builder(&other).build().unwrap().up().await.unwrap().applied().count(), ids().len());
}

#[tokio::test]
async fn a_database_that_was_filled_for_a_test_counts_as_new() {
    let db = TestDb::new().await;
    live(&db, APPLIED).await;
    assert_eq!(builder(&db).assume_new().build().unwrap().up().await.unwrap().applied().count(), ids().len());
    assert_eq!(count(&db, "effects", doc! {}).await, (APPLIED + ids().len()) as u64);
}

#[tokio::test]
async fn i4_a_dry_run_and_a_plan_ask_and_record_nothing() {
    let db = TestDb::new().await;
    live(&db, APPLIED).await;
    let answer = |_| async { Ok::<_, Error>(FirstUse::Through(LAST.to_owned())) };
    let migrator = builder(&db).first_use(answer).build().unwrap();
    let (before, names) = (fingerprint(&db).await, collections(&db).await);
    let rest: Vec<_> = ids().into_iter().skip(APPLIED).collect();
    assert_eq!(steps(&migrator.plan().await.unwrap()), rest);
    let plan = migrator.up().plan().await.unwrap();
    assert_eq!(steps(&plan), rest);
    let report = migrator.up().dry_run(true).await.unwrap();
    println!("{report}");
    assert_eq!(report.executions().map(|execution| execution.id.as_str()).collect::<Vec<_>>(), rest);
    assert!(report.warnings().iter().any(|warning| warning.starts_with(REASON)), "{report}");
    assert_eq!((fingerprint(&db).await, collections(&db).await), (before, names));

    migrator.up().limited_to(&plan).await.unwrap();
    assert_adopted(&db, REASON).await;
}

#[tokio::test]
async fn an_answer_that_is_of_no_use_stops_the_run() {
    let db = TestDb::new().await;
    live(&db, APPLIED).await;
    let unknown = |_| async { Ok::<_, Error>(FirstUse::Through("module:adopted:024_w".to_owned())) };
    let error = builder(&db).first_use(unknown).build().unwrap().up().await.unwrap_err();
    assert!(matches!(&error, Error::UnknownMigration { id, .. } if id == "module:adopted:024_w"), "{error}");
    assert_untouched(&db).await;

    let fails = |_| async { Err(anyhow::anyhow!("revision 27 is from the future")) };
    let error = builder(&db).first_use(fails).build().unwrap().up().await.unwrap_err();
    println!("{error}");
    assert!(matches!(&error, Error::FirstUseFailed { source, .. } if source.to_string().contains("27")), "{error:?}");
    assert_untouched(&db).await;

    let panics = |_| async { panic!("no revision") };
    let error = builder(&db).first_use::<_, _, Error>(panics).build().unwrap().up().await.unwrap_err();
    assert!(error.to_string().contains("it panicked: no revision"), "{error}");
    assert_untouched(&db).await;

    let hangs = |_| pending::<Result<FirstUse, Error>>();
    let hanging = builder(&db).first_use(hangs).build().unwrap();
    let error = hanging.up().timeout(Duration::from_millis(500)).await.unwrap_err();
    assert!(matches!(error, Error::RunTimedOut { .. }), "{error:?}");
    assert_untouched(&db).await;

    builder(&db).first_use(revision).build().unwrap().up().await.unwrap();
    assert_adopted(&db, REASON).await;
}

#[tokio::test]
async fn an_answer_that_takes_too_long_stops_the_run() {
    let db = TestDb::new().await;
    live(&db, APPLIED).await;
    let hangs = |_| pending::<Result<FirstUse, Error>>();
    let error = builder(&db).first_use(hangs).build().unwrap().up().await.unwrap_err();
    println!("{error}");
    assert!(matches!(error, Error::FirstUseTimedOut { .. }), "{error:?}");
    assert_untouched(&db).await;
}

#[tokio::test]
async fn each_tenant_is_asked() {
    let db = TestDb::new().await;
    let (old, new) = (db.tenant("old"), db.tenant("new"));
    live(&old, APPLIED).await;
    live(&new, 0).await;
    let tenants = Migrator::for_each(db.client().clone(), DatabaseFilter::prefix(db.tenants()));
    let tenants = tenants.options(|builder| builder.registry(Registry::linked().source(SOURCE)).first_use(revision));
    tenants.await.unwrap().into_result().unwrap();
    assert_adopted(&old, REASON).await;
    assert_in_effect_once(&new, ids().len()).await;
    for tenant in [&old, &new] {
        assert_eq!(count(tenant, "asked", doc! {}).await, 1);
    }
}

#[tokio::test]
async fn twenty_replicas_ask_once() {
    let db = TestDb::new().await;
    live(&db, APPLIED).await;
    let mut workers: Vec<_> = (0..20).map(|_| Worker::start(&["adopted", db.uri(), db.name()])).collect();
    for worker in &mut workers {
        assert_eq!(worker.line().await.as_deref(), Some("ready"));
    }
    workers.iter_mut().for_each(Worker::go);
    let lines = join_all(workers.iter_mut().map(async |worker| {
        let lines = worker.rest().await;
        assert!(worker.finish().await.success(), "{lines:?}");
        lines
    }));
    let lines = lines.await.concat();
    assert_eq!(lines.iter().filter(|line| *line == "applied 2").count(), 1, "{lines:?}");
    assert_eq!(count(&db, "asked", doc! {}).await, 1);
    assert_adopted(&db, REASON).await;
}

/// A replica dies right after the answer: it is asked again, unless the answer was recorded.
#[tokio::test]
async fn i1_a_replica_that_dies_after_the_answer_leaves_it_to_the_next() {
    for (place, questions) in [("create 1", 2), ("commitTransaction 1", 2), ("after commitTransaction 1", 1)] {
        let db = TestDb::new().await;
        live(&db, APPLIED).await;
        let mut dying = Worker::start(&["adopted", db.uri(), db.name(), "die", place]);
        assert_eq!(dying.line().await.as_deref(), Some("ready"));
        dying.go();
        let lines = dying.rest().await;
        assert!(lines.iter().any(|line| line.starts_with("halted at")), "{place}: {lines:?}");
        assert_eq!(count(&db, "effects", doc! {}).await, APPLIED as u64, "{place}");
        let recorded = count(&db, "migrations", doc! {}).await;
        assert_eq!(recorded, if questions == 1 { APPLIED as u64 } else { 0 }, "{place}");

        let mut next = Worker::start(&["adopted", db.uri(), db.name()]);
        assert_eq!(next.line().await.as_deref(), Some("ready"));
        next.go();
        assert_eq!(next.rest().await, ["applied 2"], "{place}");
        assert_eq!(count(&db, "asked", doc! {}).await, questions, "{place}");
        assert_adopted(&db, REASON).await;
    }
}

/// Without transactions, a part of the records would look like a complete history.
#[tokio::test]
async fn a_standalone_server_gets_all_records_with_one_command() {
    let db = TestDb::standalone().await;
    live(&db, APPLIED).await;
    let migrator = builder(&db).first_use(revision).build().unwrap();
    let _ = db.commands().take();
    migrator.up().await.unwrap();
    let commands = db.commands().take();
    let mut after = commands.iter().skip_while(|command| *command != "createIndexes").skip(1);
    let recorded: Vec<_> = after.by_ref().take_while(|command| *command != "find").collect();
    // The fence, the records, and their entries.
    assert_eq!(recorded, ["update", "insert", "insert"]);
    assert_adopted(&db, REASON).await;
}

#[tokio::test]
async fn the_command_line_shows_the_reason() {
    let db = TestDb::new().await;
    live(&db, APPLIED).await;
    builder(&db).first_use(revision).build().unwrap().up().await.unwrap();
    let app = MyApp::on(&db);
    let text = app.run(["history", "--limit", "40"]).await;
    assert_eq!(text.stdout.matches(REASON).count(), APPLIED, "{text}");
    let json = app.run(["history", "--limit", "40", "--format", "json"]).await;
    assert_eq!(json.stdout.matches(REASON).count(), APPLIED, "{json}");
}
