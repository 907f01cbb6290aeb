//! Processes that are killed.

use std::time::Instant;

use mongodb::bson::doc;
use mongrate_tests::TestDb;
use mongrate_tests::crash::{ALL, EFFECTS};

use super::{SOON, applied, assert_all_done, count, effects, killed_at, successor};

/// The index of the second migration waits for every transaction that has touched its collection, so this ends in time
/// only when the transaction of the dead process was ended.
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

/// The second `commitTransaction` is that of the record which says that the second migration is running.
#[tokio::test]
async fn i1_killed_between_two_migrations() {
    let db = TestDb::new().await;
    killed_at(&db, "commitTransaction 2").await;
    assert_eq!(effects(&db, ALL[0]).await, 1);

    assert_eq!(applied(&successor(&db).await.up().await.unwrap()), ALL[1..]);
    assert_all_done(&db, "killed between two migrations").await;
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

/// While the dead process's lease lasts, the migration seems to run; when it is over, it is interrupted. It runs again,
/// and the report says so.
async fn interrupted(db: &TestDb, id: &str) {
    let successor = successor(db).await;
    let status = successor.status().await.unwrap();
    assert!(status.holder().is_some(), "{status}");
    assert_eq!(count(db, "migrations", doc! { "_id": id, "status": "running" }).await, 1);

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

/// A holder that is alive is never taken over, however long its body takes; one that is dead is, but not before its
/// lease is over.
#[tokio::test]
async fn i2_a_lease_is_taken_over_when_it_is_over_and_not_before() {
    let db = TestDb::new().await;
    killed_at(&db, "body 001_first").await;
    let began = Instant::now();
    successor(&db).await.up().await.unwrap();
    // The last heartbeat may have been an eighth of the lease before the death.
    assert!(began.elapsed().as_millis() > 1_000, "taken over after {:?}", began.elapsed());
    assert_all_done(&db, "taken over").await;
}
