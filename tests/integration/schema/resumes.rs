//! A body that resumes: completed operations are skipped, doubts are resolved, and no document is lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongrate::migrator::Problem;
use mongrate::report::Prediction;
use mongrate::{Error, Migrator, Schema, migration};
use mongrate_tests::stored::{collections, count, fingerprint, history, lease_is_free, migrator, record, status};
use mongrate_tests::{FailPoint, TestDb, under_way};
use tokio::time::timeout;

const SWAP: &str = "module:resumes-swap:001_swap";

/// Drops the old orders and renames the current ones.
#[migration(id = "001_swap", source = "module:resumes-swap")]
async fn swap(schema: &mut Schema) -> Result<(), Error> {
    schema.drop_collection("orders_old").await?;
    schema.rename_collection("orders", "orders_old").await?;
    schema.create_collection("orders").await?;
    schema.create_index("orders_old", doc! { "number": 1 }).unique().await
}

/// A thousand orders of today, two of them with the same number, and one old order.
async fn orders() -> (TestDb, Migrator) {
    let db = TestDb::new().await;
    let (migrator, error) = failed(&db).await;
    println!("{error}");
    assert!(matches!(error, Error::Failed { .. }) && error.to_string().contains("11000"), "{error}");
    assert!(error.to_string().contains("resumes"), "{error}");
    (db, migrator)
}

async fn failed(db: &TestDb) -> (Migrator, Error) {
    db.collection::<Document>("orders_old").insert_one(doc! { "_id": "old" }).await.unwrap();
    let orders = (0..1_000).map(|number| doc! { "_id": number, "number": number.max(1) });
    db.collection::<Document>("orders").insert_many(orders).await.unwrap();
    let migrator = migrator(db, "module:resumes-swap").build().unwrap();
    let error = migrator.up().await.unwrap_err();
    (migrator, error)
}

/// Its fourth operation fails repeatedly. The second run must not drop the collection that the first run renamed.
#[tokio::test]
async fn a_failed_body_resumes_without_loss() {
    let (db, migrator) = orders().await;
    for attempts in 2..=3 {
        assert_eq!(count(&db, "orders_old", doc! {}).await, 1_000);
        assert_eq!(count(&db, "orders", doc! {}).await, 0);
        let log = record(&db, SWAP).await.unwrap().get_document("log").unwrap().clone();
        println!("{log}");
        let _ = db.commands().take();
        migrator.up().await.unwrap_err();
        let sent = db.commands().take();
        let first = |command: &str| sent.iter().position(|other| other == command);
        assert_eq!((first("drop"), first("renameCollection")), (None, None), "{sent:?}");
        // A process that this operation kills again and again is seen in the record.
        // The first ones are those of the history.
        let repeated = sent.iter().rposition(|command| command == "createIndexes").unwrap();
        assert!(first("commitTransaction").is_some_and(|stored| stored < repeated), "{sent:?}");
        assert_eq!(record(&db, SWAP).await.unwrap().get_i64("attempts").unwrap(), attempts);
        assert!(lease_is_free(&db).await);
    }
    // Repaired in the data.
    db.collection::<Document>("orders_old").delete_one(doc! { "_id": 0 }).await.unwrap();
    migrator.up().await.unwrap();
    assert_eq!(status(&db, SWAP).await, "completed");
    assert_eq!(history(&db, SWAP).await, ["failed", "failed", "failed", "completed"]);
    assert_eq!(count(&db, "orders_old", doc! {}).await, 999);
    assert!(!record(&db, SWAP).await.unwrap().contains_key("log"));
    assert!(collections(&db).await.contains(&"orders".to_owned()));
}

/// On a server without transactions, too.
#[tokio::test]
async fn a_failed_body_resumes_without_loss_on_a_standalone_server() {
    let db = TestDb::standalone().await;
    let (migrator, error) = failed(&db).await;
    println!("{error}");
    migrator.up().await.unwrap_err();
    assert_eq!(count(&db, "orders_old", doc! {}).await, 1_000);
    db.collection::<Document>("orders_old").delete_one(doc! { "_id": 0 }).await.unwrap();
    migrator.up().await.unwrap();
    assert_eq!(count(&db, "orders_old", doc! {}).await, 999);
    assert_eq!(status(&db, SWAP).await, "completed");
    assert!(!record(&db, SWAP).await.unwrap().contains_key("log"));
}

/// The history holds the results of the operations of each execution.
#[tokio::test]
async fn the_history_has_the_operations() {
    let (db, migrator) = orders().await;
    db.collection::<Document>("orders_old").delete_one(doc! { "_id": 0 }).await.unwrap();
    migrator.up().await.unwrap();
    let page = migrator.history().await.unwrap();
    let results = |place: usize| {
        let first = page.entries[place].effects.first.iter();
        first.map(|effect| (effect.op.clone(), effect.result.clone())).collect::<Vec<_>>()
    };
    let now = |op: &str| (op.to_owned(), Some("now".to_owned()));
    let done = [now("drop_collection"), now("rename_collection"), now("create_collection")];
    assert_eq!(results(1)[..3], done);
    assert_eq!(results(1)[3], ("create_index".to_owned(), None));
    assert_eq!(results(0)[3], now("create_index"));
    assert_eq!(page.entries[0].effects.count, 4);
}

/// Completed operations are reported as done, and only later ones are checked.
#[tokio::test]
async fn i4_a_dry_run_continues_after_the_completed_operations() {
    let (db, migrator) = orders().await;
    let before = fingerprint(&db).await;
    let report = migrator.up().dry_run(true).await.unwrap();
    println!("{report}");
    assert_eq!(fingerprint(&db).await, before);
    let operations = &report.executions().next().unwrap().operations;
    for operation in &operations[..3] {
        assert_eq!(operation.notes, ["done by the interrupted run"], "{operation:?}");
    }
    assert_eq!(operations[3].prediction, Some(Prediction::WouldFail), "{:?}", operations[3]);
}

/// The collections of a copy have other UUIDs, so it is unknown which of them was meant.
#[tokio::test]
async fn a_drop_in_doubt_is_not_resolved_in_a_copy() {
    let db = TestDb::new().await;
    db.collection::<Document>("orders_old").insert_one(doc! { "_id": "old" }).await.unwrap();
    db.collection::<Document>("orders").insert_one(doc! { "number": 1 }).await.unwrap();
    let migrator = migrator(&db, "module:resumes-swap").build().unwrap();
    let fault = FailPoint::times(1, &db, doc! { "failCommands": ["drop"], "errorCode": 96 }).await;
    migrator.up().await.unwrap_err();
    drop(fault);
    // As a restored database has it.
    let records = db.collection::<Document>("migrations");
    let stored = records.find_one(doc! {}).await.unwrap().unwrap();
    records.drop().await.unwrap();
    records.insert_one(&stored).await.unwrap();
    let error = migrator.up().await.unwrap_err();
    println!("{error}");
    let Error::Failed { source, .. } = &error else { panic!("{error}") };
    assert!(matches!(source.downcast_ref(), Some(Error::InDoubt { position: 1, .. })), "{source:?}");
    assert_eq!((count(&db, "orders_old", doc! {}).await, count(&db, "orders", doc! {}).await), (1, 1));
    assert!(collections(&db).await.contains(&"orders".to_owned()));
    migrator.mark_pending([SWAP]).because("looked at it").await.unwrap();
    migrator.up().await.unwrap();
    assert_eq!(count(&db, "orders_old", doc! { "number": 1 }).await, 1);
}

#[migration(id = "001_ignores", source = "module:resumes-ignores")]
async fn ignores(schema: &mut Schema) -> Result<(), Error> {
    schema.create_collection("shelf").await?;
    let _ = schema.modify_collection("nowhere", doc! { "validationLevel": "off" }).await;
    // Refused, whatever it is.
    schema.create_collection("another").await.unwrap_err();
    Ok(())
}

#[tokio::test]
async fn an_ignored_error_ends_the_body() {
    let db = TestDb::new().await;
    let error = migrator(&db, "module:resumes-ignores").build().unwrap().up().await.unwrap_err();
    println!("{error}");
    let Error::Failed { source, .. } = &error else { panic!("{error}") };
    assert!(matches!(source.downcast_ref(), Some(Error::IgnoredError { .. })), "{source:?}");
    assert!(!collections(&db).await.contains(&"another".to_owned()));
}

static PANICS: AtomicBool = AtomicBool::new(true);

#[migration(id = "001_panics", source = "module:resumes-panics")]
async fn panics(schema: &mut Schema) -> Result<(), Error> {
    schema.drop_collection("old").await?;
    schema.rename_collection("new", "old").await?;
    assert!(!PANICS.load(Ordering::SeqCst), "told to");
    schema.create_collection("new").await
}

#[tokio::test]
async fn a_body_that_panicked_resumes() {
    let db = TestDb::new().await;
    db.collection::<Document>("new").insert_one(doc! {}).await.unwrap();
    let migrator = migrator(&db, "module:resumes-panics").build().unwrap();
    migrator.up().await.unwrap_err();
    PANICS.store(false, Ordering::SeqCst);
    migrator.up().await.unwrap();
    assert_eq!(count(&db, "old", doc! {}).await, 1);
    assert!(collections(&db).await.contains(&"new".to_owned()));
}

#[migration(id = "001_many", source = "module:resumes-many")]
async fn many(schema: &mut Schema) -> Result<(), Error> {
    for _ in 0..=1_000 {
        schema.drop_collection("nowhere").await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_body_has_a_limited_number_of_operations() {
    let db = TestDb::new().await;
    let error = migrator(&db, "module:resumes-many").build().unwrap().up().await.unwrap_err();
    assert!(error.to_string().contains("split it"), "{error}");
}

const REVERTED: &str = "module:resumes-down:001_shelves";

#[migration(id = "001_shelves", source = "module:resumes-down", down = shelves_down)]
async fn shelves(schema: &mut Schema) -> Result<(), Error> {
    schema.create_collection("shelf").await?;
    schema.create_collection("books").await
}

async fn shelves_down(schema: &mut Schema) -> Result<(), Error> {
    schema.drop_collection("shelf").await?;
    schema.rename_collection("books", "kept").await
}

/// A partially reverted migration cannot be applied: reverted operations would count as completed.
#[tokio::test]
async fn a_failed_down_resumes_and_an_up_is_refused() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:resumes-down").build().unwrap();
    migrator.up().await.unwrap();
    db.collection::<Document>("kept").insert_one(doc! {}).await.unwrap();
    let error = migrator.down().await.unwrap_err();
    println!("{error}");
    let before = record(&db, REVERTED).await.unwrap();
    assert_eq!(before.get_str("direction").unwrap(), "down");
    for _ in 0..2 {
        let error = migrator.up().await.unwrap_err();
        println!("{error}");
        let Error::Failed { source, .. } = &error else { panic!("{error}") };
        assert!(matches!(source.downcast_ref(), Some(Error::PartiallyReverted { .. })), "{source:?}");
        let record = record(&db, REVERTED).await.unwrap();
        assert_eq!(record.get_document("log").unwrap(), before.get_document("log").unwrap());
        assert_eq!(record.get_str("direction").unwrap(), "down");
        assert!(!collections(&db).await.contains(&"shelf".to_owned()));
    }
    let validation = migrator.validate().await.unwrap();
    let problems: Vec<_> = validation.findings().iter().map(|finding| finding.problem.clone()).collect();
    assert_eq!(problems, [Problem::PartiallyReverted], "{validation}");
    assert!(!Problem::PartiallyReverted.is_fixed_by_up());
    db.collection::<Document>("kept").drop().await.unwrap();
    migrator.down().await.unwrap();
    assert_eq!(status(&db, REVERTED).await, "rolled-back");
    assert!(!record(&db, REVERTED).await.unwrap().contains_key("log"));
    migrator.up().await.unwrap();
    assert!(collections(&db).await.contains(&"shelf".to_owned()));
}

#[migration(id = "001_impatient", source = "module:resumes-impatient")]
async fn impatient(schema: &mut Schema) -> Result<(), anyhow::Error> {
    Ok(timeout(Duration::from_secs(1), schema.drop_collection("orders_old")).await??)
}

/// A body that does not await its operation fails, and the operation is ended at the server.
#[tokio::test]
async fn i6_an_operation_dropped_by_its_body_is_ended() {
    let db = TestDb::new().await;
    let old = db.collection::<Document>("orders_old");
    old.insert_one(doc! { "_id": "old" }).await.unwrap();
    let mut session = db.client().start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    old.insert_one(doc! { "_id": "open" }).session(&mut session).await.unwrap();
    let migrator = migrator(&db, "module:resumes-impatient").build().unwrap();
    let error = migrator.up().await.unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("elapsed"), "{error}");
    assert!(lease_is_free(&db).await);
    assert_eq!(under_way::commands(&db, "drop").await, 0);
    let server = db.run_command(doc! { "buildInfo": 1 }).await.unwrap();
    // 5.0 refuses the first one, because it names the UUID of the collection.
    let sent = if server.get_str("version").unwrap().starts_with("5.0.") { 2 } else { 1 };
    assert_eq!(db.commands().count().get("drop"), Some(&sent));
    session.commit_transaction().await.unwrap();
    assert_eq!(count(&db, "orders_old", doc! {}).await, 2);
    migrator.up().await.unwrap();
    assert_eq!(count(&db, "orders_old", doc! {}).await, 0);
}

/// A run that is stopped while it stores the log does not record a failed migration.
#[tokio::test]
async fn i6_a_run_stopped_while_storing_its_log_is_interrupted() {
    let db = TestDb::new().await;
    db.collection::<Document>("orders").insert_one(doc! { "number": 1 }).await.unwrap();
    db.collection::<Document>("orders_old").insert_one(doc! { "_id": "old" }).await.unwrap();
    let stopped = migrator(&db, "module:resumes-swap").build().unwrap();
    let slow = doc! { "failCommands": ["commitTransaction"], "blockConnection": true, "blockTimeMS": 3_000 };
    let slow = FailPoint::times(1, &db, slow).await;
    let run = tokio::spawn(stopped.up().into_future());
    slow.strikes().await;
    stopped.shutdown().await;
    let error = run.await.unwrap().unwrap_err();
    println!("{error}");
    assert!(matches!(error, Error::Interrupted { .. }), "{error:?}");
    assert!(lease_is_free(&db).await);
    migrator(&db, "module:resumes-swap").build().unwrap().up().await.unwrap();
    assert_eq!(count(&db, "orders_old", doc! { "number": 1 }).await, 1);
    assert_eq!(status(&db, SWAP).await, "completed");
}
