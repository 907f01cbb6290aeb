//! Processes that are killed.

use std::time::{Duration, Instant};

use mongodb::bson::{Bson, DateTime, Document, doc};
use mongrate::{Error, Migrator, Registry};
use mongrate_tests::crash::{ALL, EFFECTS, SOURCE, migrator};
use mongrate_tests::{FailPoint, TestDb, Worker, eventually};

use super::{SOON, applied, assert_all_applied, assert_all_done, count, effects, killed_at, successor, token};

/// The index of the second migration waits for all open transactions on its collection, so the run ends in time only if the
/// transaction of the dead process is ended.
#[tokio::test]
async fn i1_killed_in_a_body() {
    let db = TestDb::new().await;
    killed_at(&db, "body 001_first").await;
    assert_eq!(effects(&db, ALL[0]).await, 0);
    assert_eq!(count(&db, "migrations", doc! {}).await, 0);

    let began = Instant::now();
    let report = successor(&db).await.up().await.unwrap();
    assert!(began.elapsed() < SOON, "took {:?}", began.elapsed());
    assert_eq!(applied(&report), ALL);
    assert!(report.warnings().is_empty(), "{report}");
    assert_all_done(&db, "killed in a body").await;
}

#[tokio::test]
async fn i1_killed_just_before_the_commit() {
    let db = TestDb::new().await;
    killed_at(&db, "commitTransaction 1").await;
    assert_eq!(effects(&db, ALL[0]).await, 0);

    let began = Instant::now();
    assert_eq!(applied(&successor(&db).await.up().await.unwrap()), ALL);
    assert!(began.elapsed() < SOON, "took {:?}", began.elapsed());
    assert_all_done(&db, "killed before the commit").await;
}

/// The second `commitTransaction` stores the intent of the first operation of the second migration.
#[tokio::test]
async fn i1_killed_between_two_migrations() {
    let db = TestDb::new().await;
    killed_at(&db, "commitTransaction 2").await;
    assert_eq!(effects(&db, ALL[0]).await, 1);

    assert_eq!(applied(&successor(&db).await.up().await.unwrap()), ALL[1..]);
    assert_all_done(&db, "killed between two migrations").await;
}

/// Everything is committed when the process dies before it releases the lease. Nothing is pending, so nobody waits.
#[tokio::test]
async fn i1_killed_after_the_last_commit() {
    let db = TestDb::new().await;
    killed_at(&db, "after commitTransaction 7").await;
    assert_eq!(effects(&db, ALL[3]).await, 1);

    let report = successor(&db).await.up().await.unwrap();
    println!("after the death of a holder with nothing left to do: {report}");
    assert_all_applied(&db, "killed after the last commit").await;
    assert!(report.is_empty(), "{report}");
    assert_eq!(token(&db).await, 1);
}

#[tokio::test]
async fn killed_in_a_schema_body() {
    let db = TestDb::new().await;
    killed_at(&db, "body 002_schema").await;
    interrupted(&db, ALL[1]).await;
}

#[tokio::test]
async fn killed_in_a_raw_body() {
    let db = TestDb::new().await;
    killed_at(&db, "body 003_raw").await;
    interrupted(&db, ALL[2]).await;
    assert_eq!(effects(&db, ALL[2]).await, 2);
}

/// Until the lease of the dead process expires, the migration seems to be running; then, its state is interrupted. It runs again,
/// and the report mentions it.
async fn interrupted(db: &TestDb, id: &str) {
    let successor = successor(db).await;
    let status = successor.status().await.unwrap();
    assert!(status.holder().is_some(), "{status}");
    assert_eq!(count(db, "migrations", doc! { "_id": id, "status": "running" }).await, 1);

    let status = eventually("the lease of the dead process to be over", async || {
        let status = successor.status().await.unwrap();
        status.holder().is_some_and(|holder| holder.expired).then_some(status)
    })
    .await;
    assert!(status.to_string().contains("its lease has expired, and the next `up` takes over"), "{status}");
    assert!(status.interrupted().any(|(migration, _)| migration.id() == id), "{status}");

    let report = successor.up().await.unwrap();
    assert_eq!(applied(&report).first(), Some(&id));
    assert!(
        report.warnings().iter().any(|warning| warning.contains(id) && warning.contains("interrupted")),
        "{:?}",
        report.warnings()
    );
    assert_all_done(db, "interrupted").await;
    assert_eq!(count(db, EFFECTS, doc! { "migration": ALL[0] }).await, 1);
}

/// The take-over comes when the lease has expired, and not before. Waiting for it causes little load on the server.
#[tokio::test]
async fn i2_taken_over_when_the_lease_expires_and_not_before() {
    let db = TestDb::new().await;
    killed_at(&db, "body 001_first").await;
    let (database, commands) = db.replica("successor").await;
    let began = Instant::now();
    migrator(database, SOON).up().await.unwrap();
    // The last heartbeat may have been some time before the process died.
    assert!(began.elapsed().as_millis() > 1_000, "taken over after {:?}", began.elapsed());
    let tries = commands.count()["findAndModify"];
    assert!(tries < 10, "tried {tries} times");
    assert_all_done(&db, "taken over").await;
}

/// A waiter takes over from a dead process and is stopped before it has ended that process's transaction. The next holder finds
/// the lease free and still has to end it: otherwise the transaction blocks the run until the server aborts it.
#[tokio::test]
async fn i6_a_waiter_that_is_stopped_after_it_took_over_leaves_the_dead_process_to_its_successor() {
    let db = TestDb::new().await;
    killed_at(&db, "body 001_first").await;
    let observer = successor(&db).await;
    eventually("the lease of the dead process to expire", async || {
        observer.status().await.unwrap().holder().is_some_and(|holder| holder.expired).then_some(())
    })
    .await;
    let (database, commands) = db.replica("stopped").await;
    let slow = doc! {
        "failCommands": ["findAndModify"], "blockConnection": true, "blockTimeMS": 500, "appName": "stopped",
    };
    let fault = FailPoint::always(&db, slow).await;
    let waiter = migrator(database, Duration::from_secs(20));
    let run = tokio::spawn(waiter.up().into_future());
    eventually("the attempt to take over", async || commands.count().contains_key("findAndModify").then_some(())).await;
    waiter.shutdown().await;
    let error = run.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }), "{error:?}");
    drop(fault);
    let lease = db.collection::<Document>("migrations_lock").find_one(doc! { "_id": "lease" }).await.unwrap().unwrap();
    assert_eq!((lease.get_i64("token").unwrap(), lease.get("holder")), (2, Some(&Bson::Null)), "{lease}");
    assert_eq!(lease.get_array("abandoned").unwrap().len(), 1, "{lease}");

    let began = Instant::now();
    assert_eq!(applied(&successor(&db).await.up().await.unwrap()), ALL);
    assert!(began.elapsed() < SOON, "took {:?}", began.elapsed());
    assert_all_done(&db, "stopped after a take-over").await;
    let lease = db.collection::<Document>("migrations_lock").find_one(doc! { "_id": "lease" }).await.unwrap().unwrap();
    assert!(!lease.contains_key("abandoned"), "{lease}");
}

#[tokio::test]
async fn i1_many_wait_for_a_dead_holder() {
    let db = TestDb::new().await;
    killed_at(&db, "body 001_first").await;
    let mut runs = Vec::new();
    for _ in 0..8 {
        runs.push(tokio::spawn(successor(&db).await.up().into_future()));
    }
    let mut times_applied = 0;
    for run in runs {
        times_applied += run.await.unwrap().unwrap().applied().count();
    }
    assert_eq!(times_applied, ALL.len());
    assert_all_done(&db, "many wait").await;
}

/// `lock_wait` is respected while the holder may be alive.
#[tokio::test]
async fn gives_up_waiting_for_a_dead_holder() {
    let db = TestDb::new().await;
    let mut worker = Worker::start(&["crash", db.uri(), db.name(), "8000", "die", "createIndexes 1"]);
    worker.finish().await;
    let registry = Registry::linked().source(SOURCE);
    let wait = Duration::from_millis(3_500);
    let began = Instant::now();
    let error = Migrator::builder(db.database().clone())
        .registry(registry)
        .lock_wait(wait)
        .build()
        .unwrap()
        .up()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::LockTimeout { .. }), "{error:?}");
    assert!(began.elapsed() >= wait && began.elapsed() < wait + Duration::from_secs(2), "{:?}", began.elapsed());
}

/// A holder that died long ago, with a lease of the default length. Two heartbeat intervals are observed however short
/// `lock_wait` is, because this does not count as waiting for another process.
#[tokio::test]
async fn i6_a_dead_holder_is_taken_over_from_with_the_shortest_wait() {
    let db = TestDb::new().await;
    let mut worker = Worker::start(&["crash", db.uri(), db.name(), "16000", "die", "body 001_first"]);
    worker.finish().await;
    // As if minutes had passed.
    let over = doc! { "$set": { "expiresAt": DateTime::from_millis(0) } };
    db.collection::<Document>("migrations_lock").update_one(doc! { "_id": "lease" }, over).await.unwrap();
    let builder = || Migrator::builder(db.database().clone()).registry(Registry::linked().source(SOURCE));

    // Without any wait, the error says that waiting would help.
    let began = Instant::now();
    let error = builder().lock_wait(Duration::ZERO).build().unwrap().up().await.unwrap_err();
    let observation = Duration::from_secs(4);
    assert!(began.elapsed() < observation, "waited {:?}", began.elapsed());
    let Error::LockTimeout { take_over, holder, .. } = &error else { panic!("{error:?}") };
    assert!(holder.expired, "{error}");
    assert_eq!(*take_over, Some(observation), "{error}");
    for words in ["probably dead", "after 4.0 s", "lock_wait"] {
        assert!(error.to_string().contains(words), "{words} is not in: {error}");
    }

    let began = Instant::now();
    let report = builder().lock_wait(Duration::from_millis(1)).build().unwrap().up().await.unwrap();
    assert!(began.elapsed() >= observation, "taken over after {:?}", began.elapsed());
    assert_eq!(applied(&report), ALL);
    assert_all_done(&db, "taken over with the shortest wait").await;
}
