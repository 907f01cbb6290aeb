//! Many processes that start at the same moment on a new database.

use std::sync::Arc;

use mongodb::bson::{Document, doc};
use mongrate_tests::TestDb;
use mongrate_tests::crash::ALL;
use tokio::sync::Barrier;

use super::{applied, assert_all_done, count, successor};

const REPLICAS: usize = 16;

/// All of them find that the collections, indexes and documents of the lock are missing, and create them.
#[tokio::test]
async fn i1_first_boots_race_for_collections_and_seeds() {
    let db = TestDb::new().await;
    let together = Arc::new(Barrier::new(REPLICAS));
    let mut runs = Vec::new();
    for _ in 0..REPLICAS {
        let (migrator, together) = (successor(&db).await, together.clone());
        runs.push(tokio::spawn(async move {
            together.wait().await;
            migrator.up().await
        }));
    }
    let mut times_applied = Vec::new();
    for run in runs {
        let report = run.await.unwrap().unwrap_or_else(|error| panic!("{error}"));
        times_applied.extend(applied(&report).into_iter().map(str::to_owned));
    }
    println!("{REPLICAS} replicas, all Ok; applied: {times_applied:?}");
    assert_eq!(times_applied, ALL);
    assert_all_done(&db, "first boots").await;
    assert_eq!(count(&db, "migrations_lock", doc! {}).await, 2);
    let indexes = db.collection::<Document>("migrations_history").list_index_names().await.unwrap();
    assert_eq!(indexes.len(), 4, "{indexes:?}");
}
