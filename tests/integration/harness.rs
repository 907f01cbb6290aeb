//! Tests of the harness.

use mongodb::bson::{Document, doc};
use mongrate_tests::{FailPoint, TestDb, Worker};

#[tokio::test]
async fn each_test_has_its_own_database() {
    let (one, other) = (TestDb::new().await, TestDb::new().await);
    one.collection::<Document>("things").insert_one(doc! {}).await.unwrap();
    assert_eq!(other.collection::<Document>("things").count_documents(doc! {}).await.unwrap(), 0);

    let name = one.name().to_owned();
    drop(one);
    assert!(!other.client().list_database_names().await.unwrap().contains(&name));
}

#[tokio::test]
async fn commands_are_counted() {
    let db = TestDb::new().await;
    let things = db.collection::<Document>("things");
    things.insert_one(doc! {}).await.unwrap();
    things.insert_one(doc! {}).await.unwrap();
    things.find_one(doc! {}).await.unwrap();
    assert_eq!(
        db.commands().count().into_iter().collect::<Vec<_>>(),
        [("find".to_owned(), 1), ("insert".to_owned(), 2)]
    );
    assert_eq!(db.commands().take(), ["insert", "insert", "find"]);
    assert!(db.commands().take().is_empty());
}

#[tokio::test]
async fn a_fail_point_strikes_one_client_and_ends_with_its_guard() {
    let (db, other) = (TestDb::new().await, TestDb::new().await);
    let things = db.collection::<Document>("things");
    let fault = FailPoint::always(&db, doc! { "failCommands": ["insert"], "errorCode": 9001 }).await;
    assert!(things.insert_one(doc! {}).await.is_err());
    other.collection::<Document>("things").insert_one(doc! {}).await.unwrap();
    drop(fault);
    things.insert_one(doc! {}).await.unwrap();
}

#[tokio::test]
async fn a_worker_is_a_separate_process() {
    let db = TestDb::new().await;
    let mut worker = Worker::start(&["insert", db.uri(), db.name(), "things"]);
    assert_eq!(worker.line().await.as_deref(), Some("inserted"));
    assert!(worker.finish().await.success());
    let thing = db.collection::<Document>("things").find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(thing.get_i32("pid").unwrap(), i32::try_from(worker.pid()).unwrap());
}
