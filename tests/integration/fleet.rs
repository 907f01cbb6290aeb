//! Many processes that start together, like replicas of a service.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use mongodb::bson::{Document, doc};
use mongrate_tests::fleet::COUNT;
use mongrate_tests::stored::{count, documents, history, lease_is_free, status};
use mongrate_tests::{TestDb, Worker};

/// What the workers printed, all together.
async fn boot(db: &TestDb, processes: usize, source: &str) -> Vec<String> {
    let mut workers: Vec<_> = (0..processes).map(|_| Worker::start(&["up", db.uri(), db.name(), source])).collect();
    for worker in &mut workers {
        assert_eq!(worker.line().await.as_deref(), Some("ready"));
    }
    workers.iter_mut().for_each(Worker::go);
    let lines = join_all(workers.iter_mut().map(async |worker| {
        let lines = worker.rest().await;
        assert!(worker.finish().await.success(), "{lines:?}");
        lines
    }));
    lines.await.concat()
}

/// Each migration is completed by one execution, and the processes together say that they applied each once.
async fn applied_once(db: &TestDb, source: &str, output: &[String]) {
    let records = documents(db, "migrations").await;
    assert_eq!(records.len(), COUNT);
    for record in &records {
        let id = record.get_str("_id").unwrap();
        assert!(id.starts_with(source));
        assert_eq!(status(db, id).await, "completed");
        assert_eq!(record.get_i64("attempts").unwrap(), 1);
        assert_eq!(history(db, id).await, ["completed"]);
    }
    assert!(lease_is_free(db).await);
    let applied = output.iter().filter_map(|line| line.strip_prefix("applied "));
    assert_eq!(applied.map(|count| count.parse::<usize>().unwrap()).sum::<usize>(), COUNT);
}

async fn effects_of_each(db: &TestDb) -> BTreeMap<String, usize> {
    let mut effects = BTreeMap::new();
    for effect in documents(db, "effects").await {
        *effects.entry(effect.get_str("of").unwrap().to_owned()).or_default() += 1;
    }
    effects
}

fn bodies_that_ran(output: &[String]) -> usize {
    output.iter().filter(|line| line.starts_with("ran ")).count()
}

async fn transactions(processes: usize) {
    let db = TestDb::new().await;
    let output = boot(&db, processes, "module:fleet-tx").await;
    applied_once(&db, "module:fleet-tx", &output).await;
    let effects = effects_of_each(&db).await;
    assert_eq!(effects.len(), COUNT);
    assert!(effects.values().all(|count| *count == 1), "{effects:?}");
}

async fn schemas(processes: usize) {
    let db = TestDb::new().await;
    let output = boot(&db, processes, "module:fleet-schema").await;
    applied_once(&db, "module:fleet-schema", &output).await;
    assert_eq!(bodies_that_ran(&output), COUNT);
    let indexes = db.collection::<Document>("effects").list_index_names().await.unwrap();
    assert_eq!(indexes.len(), COUNT + 1);
}

async fn databases(processes: usize) {
    let db = TestDb::new().await;
    let output = boot(&db, processes, "module:fleet-database").await;
    applied_once(&db, "module:fleet-database", &output).await;
    assert_eq!(bodies_that_ran(&output), COUNT);
    assert_eq!(effects_of_each(&db).await.len(), COUNT);
    assert_eq!(count(&db, "effects", doc! {}).await, COUNT as u64);
}

#[tokio::test]
async fn i1_two_processes_apply_transactions_once() {
    transactions(2).await;
}

#[tokio::test]
async fn i1_fifty_processes_apply_transactions_once() {
    transactions(50).await;
}

#[tokio::test]
async fn two_processes_run_schema_bodies_once() {
    schemas(2).await;
}

#[tokio::test]
async fn twenty_processes_run_schema_bodies_once() {
    schemas(20).await;
}

#[tokio::test]
async fn two_processes_run_database_bodies_once() {
    databases(2).await;
}

#[tokio::test]
async fn twenty_processes_run_database_bodies_once() {
    databases(20).await;
}
