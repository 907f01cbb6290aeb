//! Bodies that fail or stop, and the effect on other bodies.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongrate::options::{Policy, Transactions};
use mongrate::report::Outcome;
use mongrate::{Error, Schema, Tx, migration};
use mongrate_tests::stored::{can_be_written, collections, count, migrator, step, tell, told};
use mongrate_tests::{FailPoint, TestDb, eventually};

use super::{of, reason, rehearsed, would_apply};

static WAITS: AtomicBool = AtomicBool::new(false);

#[migration(id = "001_first", source = "module:dry-fails")]
async fn first(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "first").await?)
}

#[migration(id = "002_fails", source = "module:dry-fails")]
async fn fails(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "second").await?;
    assert!(!told(tx, "panic").await?, "out of cheese");
    if told(tx, "ignore").await? {
        let told = tx.collection::<Document>("told");
        let _ = told.insert_one(doc! { "_id": "ignore" }).await;
        return Ok(());
    }
    if told(tx, "wait").await? {
        if !told(tx, "time out").await? {
            WAITS.store(true, Relaxed);
        }
        std::future::pending::<()>().await;
    }
    anyhow::bail!("as it should")
}

#[migration(id = "003_index", source = "module:dry-fails", deps = ["module:dry-fails:002_fails"])]
async fn index(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("steps", doc! { "name": 1 }).await
}

#[migration(id = "004_last", source = "module:dry-fails")]
async fn last(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "last").await?)
}

async fn failed(what: &str) -> (TestDb, Error) {
    let db = TestDb::new().await;
    tell(&db, what).await;
    let error = rehearsed(&db, migrator(&db, "module:dry-fails").build().unwrap().up()).await.unwrap_err();
    println!("{error}");
    assert!(error.to_string().ends_with("This was a dry run; nothing was changed or recorded"), "{error}");
    let report = error.report().unwrap();
    assert!(would_apply(report, "001_first"));
    assert_eq!(report.failed().count(), 1);
    assert_eq!(report.not_run(), ["module:dry-fails:003_index", "module:dry-fails:004_last"]);
    assert_eq!(collections(&db).await, ["told"]);
    (db, error)
}

#[tokio::test]
async fn i4_a_body_that_fails_leaves_nothing() {
    let (_, error) = failed("fail").await;
    assert!(matches!(&error, Error::Failed { message, .. } if message == "as it should"), "{error}");
    let text = error.report().unwrap().to_string();
    assert!(text.contains("\nfailed         module:dry-fails:002_fails: as it should\n"), "{text}");
    assert!(text.ends_with("Dry run: 1 would be applied, 1 failed, 2 not run; nothing was changed."), "{text}");
}

#[tokio::test]
async fn i4_a_body_that_panics_leaves_nothing() {
    let (_, error) = failed("panic").await;
    assert!(error.to_string().contains("out of cheese"), "{error}");
}

#[tokio::test]
async fn i4_a_body_that_ignores_an_error_fails() {
    let (_, error) = failed("ignore").await;
    let Error::Failed { source, .. } = &error else { panic!("{error}") };
    assert!(matches!(source.downcast_ref(), Some(Error::IgnoredError { .. })), "{source}");
}

#[tokio::test]
async fn independent_migrations_continue_in_a_new_transaction() {
    let db = TestDb::new().await;
    let up = migrator(&db, "module:dry-fails").build().unwrap().up();
    let error = rehearsed(&db, up.continue_on_error(true)).await.unwrap_err();
    let report = error.report().unwrap();
    assert_eq!(report.not_run(), ["module:dry-fails:003_index"]);
    assert!(would_apply(report, "004_last"));
    let lost = "ran in a new transaction, without the effects of 'module:dry-fails:001_first': a failure ended theirs";
    assert_eq!(of(report, "004_last").notes, [lost]);
}

#[migration(id = "001_waits", source = "module:dry-waits", timeout = "1s")]
async fn waits(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("things").update_one(doc! {}, doc! { "$set": { "a": 1 } }).await?;
    std::future::pending().await
}

#[migration(id = "002_schema_waits", source = "module:dry-waits", timeout = "1s")]
async fn schema_waits(schema: &mut Schema) -> Result<(), anyhow::Error> {
    schema.create_index("things", doc! { "a": 1 }).await?;
    std::future::pending().await
}

#[migration(id = "003_after", source = "module:dry-waits")]
async fn after(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("things").update_one(doc! {}, doc! { "$set": { "a": 2 } }).await?;
    Ok(())
}

#[tokio::test]
async fn i4_a_body_that_takes_too_long_is_rolled_back() {
    let db = TestDb::new().await;
    db.collection("things").insert_one(doc! {}).await.unwrap();
    let up = migrator(&db, "module:dry-waits").build().unwrap().up();
    let error = rehearsed(&db, up.continue_on_error(true)).await.unwrap_err();
    let report = error.report().unwrap();
    for name in ["001_waits", "002_schema_waits"] {
        let Outcome::Failed { message, .. } = &of(report, name).outcome else { panic!("{report}") };
        assert!(message.contains("timeout of 1.0 s"), "{message}");
    }
    // It could write what the first one had locked.
    assert!(would_apply(report, "003_after"));
    can_be_written(&db, "things").await;
}

#[tokio::test]
async fn i4_a_stopped_run_leaves_nothing() {
    let db = TestDb::new().await;
    tell(&db, "wait").await;
    let migrator = migrator(&db, "module:dry-fails").build().unwrap();
    let run = tokio::spawn({
        let (db, up) = (db.database().clone(), migrator.up());
        async move { rehearsed(&db, up).await }
    });
    eventually("the body waits", async || WAITS.load(Relaxed).then_some(())).await;
    migrator.shutdown().await;
    let error = run.await.unwrap().unwrap_err();
    println!("{error}");
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    assert!(error.to_string().contains("dry run"), "{error}");
    assert!(error.report().unwrap().stopped().is_some());
    assert_eq!(collections(&db).await, ["told"]);
}

#[tokio::test]
async fn i4_a_run_that_takes_too_long_leaves_nothing() {
    let db = TestDb::new().await;
    tell(&db, "wait").await;
    tell(&db, "time out").await;
    let up = migrator(&db, "module:dry-fails").build().unwrap().up().timeout(Duration::from_secs(2));
    let error = rehearsed(&db, up).await.unwrap_err();
    assert!(matches!(error, Error::RunTimedOut { .. }), "{error}");
    assert!(error.to_string().contains("dry run"), "{error}");
    assert_eq!(collections(&db).await, ["told"]);
}

static BODIES: AtomicU32 = AtomicU32::new(0);

#[migration(id = "001_insert", source = "module:dry-transient")]
async fn insert(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    BODIES.fetch_add(1, Relaxed);
    tx.collection::<Document>("effects").insert_one(doc! { "_id": 1 }).await?;
    Ok(())
}

#[migration(id = "002_update", source = "module:dry-transient")]
async fn update(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").update_one(doc! { "_id": 1 }, doc! { "$set": { "a": 1 } }).await?;
    Ok(())
}

/// The whole dry run, because the effects of the first body are lost, too.
#[tokio::test]
async fn a_transient_error_restarts_the_dry_run_up_to_three_times() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:dry-transient").build().unwrap();
    let conflict = |command: &str| {
        doc! { "failCommands": [command], "errorCode": 112, "errorLabels": ["TransientTransactionError"] }
    };
    {
        let _fault = FailPoint::times(2, &db, conflict("update")).await;
        let report = rehearsed(&db, migrator.up()).await.unwrap();
        assert!(would_apply(&report, "001_insert") && would_apply(&report, "002_update"));
        assert_eq!(report.executions().map(|execution| execution.attempts).collect::<Vec<_>>(), [3, 3]);
        assert_eq!(of(&report, "002_update").operations[0].counts.modified, 1);
        assert_eq!(BODIES.swap(0, Relaxed), 3);
    }
    let _fault = FailPoint::always(&db, conflict("update")).await;
    let error = rehearsed(&db, migrator.up()).await.unwrap_err();
    let Error::Failed { id, source, .. } = &error else { panic!("{error}") };
    assert_eq!(id, "module:dry-transient:002_update");
    assert!(matches!(source.downcast_ref(), Some(Error::TransactionAborted { attempts: 3, .. })), "{source}");
    assert_eq!(BODIES.load(Relaxed), 3);
}

#[migration(id = "001_index", source = "module:dry-alone")]
async fn alone_index(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "email": 1 }).unique().await
}

#[migration(id = "002_users", source = "module:dry-alone", deps = ["module:dry-alone:001_index"])]
async fn alone_users(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection("users").insert_one(doc! { "email": "ada" }).await?;
    Ok(())
}

#[tokio::test]
async fn i4_without_transactions_no_body_is_run() {
    let db = TestDb::standalone().await;
    let report = rehearsed(&db, migrator(&db, "module:dry-alone").build().unwrap().up()).await.unwrap();
    assert!(would_apply(&report, "001_index"));
    assert!(reason(&report, "002_users").contains("no transactions"));
    assert!(collections(&db).await.is_empty());
    assert_eq!(count(&db, "users", doc! {}).await, 0);

    let required = migrator(&db, "module:dry-alone").transactions(Transactions::Required).build().unwrap();
    assert!(matches!(rehearsed(&db, required.up()).await, Err(Error::TransactionsRequired)));
}

#[migration(id = "001_things", source = "module:dry-busy")]
async fn busy(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection("things").insert_one(doc! {}).await?;
    Ok(())
}

/// It takes no lease, so it neither waits for another process nor makes one wait.
#[tokio::test]
async fn another_process_that_migrates_does_not_matter() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:dry-busy").build().unwrap();
    migrator.up().await.unwrap();
    db.collection::<Document>("migrations").delete_many(doc! {}).await.unwrap();
    let held = doc! { "$set": { "holder": { "nonce": 1 }, "expiresAt": mongodb::bson::DateTime::MAX } };
    db.collection::<Document>("migrations_lock").update_one(doc! { "_id": "lease" }, held).await.unwrap();
    let report = rehearsed(&db, migrator.up()).await.unwrap();
    assert!(would_apply(&report, "001_things"));
}

#[migration(id = "001_quiet", source = "module:dry-quiet")]
async fn quiet(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection("things").insert_one(doc! {}).await?;
    Ok(())
}

/// A dry run sends no events and respects policies.
#[tokio::test]
async fn a_dry_run_sends_no_events_and_respects_policies() {
    let db = TestDb::new().await;
    let quiet = migrator(&db, "module:dry-quiet").build().unwrap();
    let mut events = quiet.events();
    rehearsed(&db, quiet.up()).await.unwrap();
    drop(quiet);
    assert!(events.next().await.is_none());

    migrator(&db, "module:dry-quiet").build().unwrap().up().await.unwrap();
    let drifted = doc! { "$set": { "checksum": "t2:another" } };
    db.collection::<Document>("migrations").update_one(doc! {}, drifted).await.unwrap();
    let strict = migrator(&db, "module:dry-quiet").drift(Policy::Error).build().unwrap();
    assert!(matches!(rehearsed(&db, strict.up()).await, Err(Error::Drift { .. })));
    assert!(matches!(strict.down().dry_run(true).await, Err(Error::Drift { .. })));
    let report = rehearsed(&db, migrator(&db, "module:dry-quiet").build().unwrap().up()).await.unwrap();
    assert!(report.warnings()[0].contains("changed since"), "{report}");
}
