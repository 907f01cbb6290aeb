//! Index builds that are blocked by open transactions, or interrupted.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use mongodb::bson::{Bson, Document, doc};
use mongrate::{Error, Schema, migration};
use mongrate_tests::crash::restructure::carried_out;
use mongrate_tests::crash::{ALL, EFFECTS};
use mongrate_tests::stored::{can_be_written, history, lease_is_free, migrator, record};
use mongrate_tests::{FailPoint, TestDb, eventually, servers, under_way};

use super::{assert_all_done, count, successor, victim};

#[migration(id = "001_index", source = "module:builds")]
async fn index(schema: &mut Schema) -> Result<(), Error> {
    schema.max_time(Duration::from_millis(500)).create_index("users", doc! { "email": 1 }).await
}

/// The application has an open transaction on the collection. Each run waits up to its limit, reports the transaction as the
/// cause, and releases the lease. The application's writes are not blocked afterwards. Once the transaction has ended, the next
/// run completes.
#[tokio::test]
async fn i6_an_index_is_blocked_by_an_open_transaction() {
    let db = TestDb::new().await;
    let users = db.collection::<Document>("users");
    users.insert_one(doc! { "_id": 1 }).await.unwrap();
    let mut session = db.client().start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    users.insert_one(doc! { "_id": 2 }).session(&mut session).await.unwrap();
    let migrator = migrator(&db, "module:builds").build().unwrap();
    for tries in 1..=2 {
        let began = Instant::now();
        let error = migrator.up().await.unwrap_err();
        println!("try {tries}, after {:?}: {error}", began.elapsed());
        assert!(matches!(error, Error::Failed { .. }), "{error:?}");
        for words in ["create index on 'users'", "MaxTimeMSExpired", "open transaction"] {
            assert!(error.to_string().contains(words), "{words} is not in: {error}");
        }
        assert!(began.elapsed() < Duration::from_secs(10), "took {:?}", began.elapsed());
        assert!(lease_is_free(&db).await);
        assert_eq!(record(&db, "module:builds:001_index").await.unwrap().get_i64("attempts").unwrap(), tries);
        users.insert_one(doc! {}).await.unwrap();
    }
    session.commit_transaction().await.unwrap();
    migrator.up().await.unwrap();
    assert_eq!(history(&db, "module:builds:001_index").await, ["failed", "failed", "completed"]);
    assert_eq!(users.list_index_names().await.unwrap(), ["_id_", "email_1"]);
    assert_eq!(count(&db, "users", doc! {}).await, 4);
}

#[migration(id = "001_index", source = "module:builds-patient")]
async fn patient_index(schema: &mut Schema) -> Result<(), Error> {
    schema.max_time(Duration::from_secs(20)).create_index("users", doc! { "email": 1 }).await
}

/// The transaction ends during the second attempt: the same run completes.
#[tokio::test]
async fn i6_an_index_that_was_blocked_is_retried() {
    let db = TestDb::new().await;
    let users = db.collection::<Document>("users");
    users.insert_one(doc! { "_id": 1 }).await.unwrap();
    let mut session = db.client().start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    users.insert_one(doc! { "_id": 2 }).session(&mut session).await.unwrap();
    let (replica, commands) = db.replica("migrating").await;
    let run = tokio::spawn(migrator(&replica, "module:builds-patient").build().unwrap().up().into_future());
    let asked = async || (commands.count().get("createIndexes") >= Some(&3)).then_some(());
    // One for Mongrate's own history.
    eventually("the second attempt", asked).await;
    session.commit_transaction().await.unwrap();
    run.await.unwrap().unwrap();
    assert_eq!(history(&db, "module:builds-patient:001_index").await, ["completed"]);
    assert_eq!(users.list_index_names().await.unwrap(), ["_id_", "email_1"]);
}

/// The build continues without the process that started it. The next run joins it.
#[tokio::test]
async fn i6_killed_during_an_index_build() {
    // The fail point affects every build on the server.
    let server = servers::builder().start().await.unwrap();
    let db = TestDb::on(&server).await;
    let hangs = FailPoint::named("hangAfterStartingIndexBuild", "alwaysOn", db.uri(), doc! {}).await;
    let mut worker = victim(&db, &[]);
    let building = async || {
        under_way::operations(&db, doc! { "command.createIndexes": "effects", "ns": { "$regex": db.name() } })
            .await
            .len()
    };
    eventually("the build", async || (building().await >= 1).then_some(())).await;
    worker.kill();
    assert_eq!(count(&db, "migrations", doc! { "_id": ALL[1], "status": "running" }).await, 1);

    let next = successor(&db).await;
    let run = tokio::spawn(next.up().into_future());
    // The second process has taken over and sent its request.
    eventually("the second process", async || {
        let status = next.status().await.unwrap();
        let holds = status.holder().is_some_and(|holder| holder.pid == i64::from(std::process::id()));
        (holds && building().await >= 1).then_some(())
    })
    .await;
    assert!(!run.is_finished());
    drop(hangs);
    let report = run.await.unwrap().unwrap();
    println!("killed during a build: {report}\n{:?}", report.warnings());
    assert!(report.warnings().iter().any(|warning| warning.contains("interrupted")), "{:?}", report.warnings());
    let indexes = db.run_command(doc! { "listIndexes": "effects" }).await.unwrap();
    let indexes = indexes.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
    assert_eq!(indexes.len(), 2, "{indexes:?}");
    // An index that is still being built would be marked.
    assert!(indexes.iter().all(|index| !index.as_document().unwrap().contains_key("buildUUID")), "{indexes:?}");
    assert_eq!(builds_of(&db, "effects").await, ["startIndexBuild effects", "commitIndexBuild effects"]);
    assert_all_done(&db, "killed during an index build").await;
}

/// Waits until the holder with this token has joined the build of a victim's index, and returns the build.
pub(super) async fn joined_by(db: &TestDb, token: i64) -> Bson {
    let leases = db.collection::<Document>("migrations_lock");
    eventually("a holder that waits for a build", async || {
        let lease = leases.find_one(doc! { "_id": "lease", "token": token }).await.unwrap()?;
        let session = lease.get_document("holder").ok()?.get_document("session").ok()?.get("id")?.clone();
        let waits = under_way::operations(db, doc! { "command.createIndexes": EFFECTS, "lsid.id": session }).await;
        if waits.is_empty() { None } else { under_way::build(db, EFFECTS).await }
    })
    .await
}

/// Each of them joins the build that the first one started.
#[tokio::test]
async fn i6_five_holders_in_a_row_are_killed_during_one_index_build() {
    let server = servers::builder().start().await.unwrap();
    let db = TestDb::on(&server).await;
    let hangs = FailPoint::named("hangAfterStartingIndexBuild", "alwaysOn", db.uri(), doc! {}).await;
    let mut builds = Vec::new();
    for token in 1..=5 {
        let mut worker = victim(&db, &[]);
        builds.push(joined_by(&db, token).await);
        worker.kill();
    }
    let next = successor(&db).await;
    let run = tokio::spawn(next.up().into_future());
    builds.push(joined_by(&db, 6).await);
    builds.dedup();
    assert_eq!(builds.len(), 1, "{builds:?}");
    drop(hangs);
    run.await.unwrap().unwrap();
    assert_eq!(builds_of(&db, EFFECTS).await, ["startIndexBuild effects", "commitIndexBuild effects"]);
    assert_all_done(&db, "five holders killed").await;
}

#[migration(id = "001_index", source = "module:builds-long")]
async fn long_index(schema: &mut Schema) -> Result<(), Error> {
    schema.max_time(Duration::from_secs(15)).create_index("users", doc! { "email": 1 }).await
}

/// A blocked attempt is ended and repeated. A build that runs for as long is not.
#[tokio::test]
async fn i6_a_build_that_takes_longer_than_an_attempt_is_not_restarted() {
    let server = servers::builder().start().await.unwrap();
    let db = TestDb::on(&server).await;
    db.collection::<Document>("users").insert_one(doc! { "email": 1 }).await.unwrap();
    let hangs = FailPoint::named("hangAfterStartingIndexBuild", "alwaysOn", db.uri(), doc! {}).await;
    let (replica, commands) = db.replica("migrating").await;
    let run = tokio::spawn(migrator(&replica, "module:builds-long").build().unwrap().up().into_future());
    let build = eventually("the build", async || under_way::build(&db, "users").await).await;
    // More than a third of its time.
    eventually("a request of six seconds", async || {
        let requests =
            under_way::operations(&db, doc! { "command.createIndexes": "users", "secs_running": { "$gte": 6 } }).await;
        (!requests.is_empty()).then_some(())
    })
    .await;
    assert_eq!(under_way::build(&db, "users").await, Some(build));
    // One for Mongrate's own history.
    assert_eq!(commands.count().get("createIndexes"), Some(&2));
    drop(hangs);
    run.await.unwrap().unwrap();
    assert_eq!(commands.count().get("createIndexes"), Some(&2));
    assert_eq!(builds_of(&db, "users").await, ["startIndexBuild users", "commitIndexBuild users"]);
    assert_eq!(history(&db, "module:builds-long:001_index").await, ["completed"]);
}

/// Returns the oplog entries of builds on a collection, which include builds that were aborted and restarted.
pub(super) async fn builds_of(db: &TestDb, collection: &str) -> Vec<String> {
    let mut all = carried_out(db).await;
    all.retain(|command| command.ends_with(&format!("IndexBuild {collection}")));
    all.sort_unstable_by_key(|command| !command.starts_with("start"));
    all
}

#[migration(id = "001_index", source = "module:builds-stopped")]
async fn stopped_index(schema: &mut Schema) -> Result<(), Error> {
    schema.create_index("users", doc! { "email": 1 }).await
}

/// A run that is stopped does not end the build and releases the lease. The next run joins the build.
#[tokio::test]
async fn i6_a_run_that_is_stopped_during_an_index_build_leaves_it_to_the_next() {
    let server = servers::builder().start().await.unwrap();
    let db = TestDb::on(&server).await;
    db.collection::<Document>("users").insert_one(doc! { "email": 1 }).await.unwrap();
    let (replica, _) = db.replica("stopped").await;
    let first = migrator(&replica, "module:builds-stopped").build().unwrap();
    let building = async || (under_way::commands(&db, "createIndexes").await >= 1).then_some(());
    // Mongrate's own indexes must exist before builds hang.
    migrator(&replica, "module:builds-prepared").build().unwrap().up().await.unwrap();
    let hangs = FailPoint::named("hangAfterStartingIndexBuild", "alwaysOn", db.uri(), doc! {}).await;
    let run = tokio::spawn(first.up().into_future());
    eventually("the build", building).await;
    first.shutdown().await;
    let error = run.await.unwrap().unwrap_err();
    println!("{error}");
    assert!(matches!(error, Error::Interrupted { .. }), "{error:?}");
    let warnings = error.report().unwrap().warnings();
    assert!(warnings.iter().any(|warning| warning.contains("the next run joins it")), "{warnings:?}");
    assert!(lease_is_free(&db).await);

    let next = migrator(&db, "module:builds-stopped").build().unwrap();
    let run = tokio::spawn(next.up().into_future());
    eventually("the second request", async || (under_way::commands(&db, "createIndexes").await >= 2).then_some(()))
        .await;
    drop(hangs);
    run.await.unwrap().unwrap();
    assert_eq!(builds_of(&db, "users").await, ["startIndexBuild users", "commitIndexBuild users"]);
    assert_eq!(history(&db, "module:builds-stopped:001_index").await, ["running", "completed"]);
}

/// In milliseconds. A time limit is not part of the checksum, so runs may have different ones.
static LIMIT: AtomicU64 = AtomicU64::new(500);

#[migration(id = "001_index", source = "module:builds-taken")]
async fn taken_index(schema: &mut Schema) -> Result<(), Error> {
    schema.max_time(Duration::from_millis(LIMIT.load(Relaxed))).create_index("users", doc! { "email": 1 }).await
}

/// The lock is released by force while a failed migration resumes. The build is not ended.
#[tokio::test]
async fn i6_an_index_build_that_resumes_after_a_failure_outlives_a_forced_unlock() {
    let server = servers::builder().start().await.unwrap();
    let db = TestDb::on(&server).await;
    let users = db.collection::<Document>("users");
    users.insert_one(doc! { "_id": 1 }).await.unwrap();
    let mut session = db.client().start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    users.insert_one(doc! { "_id": 2 }).session(&mut session).await.unwrap();
    let next = migrator(&db, "module:builds-taken").build().unwrap();
    next.up().await.unwrap_err();
    session.commit_transaction().await.unwrap();
    LIMIT.store(60_000, Relaxed);

    let hangs = FailPoint::named("hangAfterStartingIndexBuild", "alwaysOn", db.uri(), doc! {}).await;
    let (replica, _) = db.replica("resuming").await;
    let resumed = migrator(&replica, "module:builds-taken").build().unwrap();
    let run = tokio::spawn(resumed.up().into_future());
    eventually("the build", async || (under_way::commands(&db, "createIndexes").await >= 1).then_some(())).await;
    assert!(next.force_unlock().await.unwrap().is_some());
    let error = run.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::LeaseLost { .. }), "{error:?}");
    let run = tokio::spawn(next.up().into_future());
    eventually("the second request", async || (under_way::commands(&db, "createIndexes").await >= 2).then_some(()))
        .await;
    drop(hangs);
    run.await.unwrap().unwrap();
    let built: Vec<_> =
        builds_of(&db, "users").await.into_iter().filter(|command| !command.starts_with("abort")).collect();
    assert_eq!(built, ["startIndexBuild users", "commitIndexBuild users"]);
}

#[migration(id = "001_prepared", source = "module:builds-prepared")]
async fn prepared(schema: &mut Schema) -> Result<(), Error> {
    schema.create_collection("prepared").await
}

#[migration(id = "001_drop", source = "module:builds-timeout", timeout = "1s")]
async fn slow_drop(schema: &mut Schema) -> Result<(), Error> {
    schema.drop_collection("users").await?;
    schema.create_collection("users").await
}

/// The timeout passes while the command waits for a transaction of the application. The command is ended, so that it has no
/// effect after the run, and the next run resumes.
#[tokio::test]
async fn i6_a_drop_that_waits_longer_than_its_timeout_is_ended() {
    let db = TestDb::new().await;
    let users = db.collection::<Document>("users");
    users.insert_one(doc! { "_id": 1 }).await.unwrap();
    let mut session = db.client().start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    users.insert_one(doc! { "_id": 2 }).session(&mut session).await.unwrap();
    let migrator = migrator(&db, "module:builds-timeout").build().unwrap();
    let error = migrator.up().await.unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("timeout"), "{error}");
    assert!(lease_is_free(&db).await);
    assert_eq!(under_way::commands(&db, "drop").await, 0);
    session.commit_transaction().await.unwrap();
    assert_eq!(count(&db, "users", doc! {}).await, 2);
    migrator.up().await.unwrap();
    assert_eq!(count(&db, "users", doc! {}).await, 0);
    let dropped = carried_out(&db).await.into_iter().filter(|command| command == "drop users").count();
    assert_eq!(dropped, 1);
    can_be_written(&db, "users").await;
}
