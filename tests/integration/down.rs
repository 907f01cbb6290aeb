//! `down`: applied migrations are reverted in the reverse order, as far as the graph allows.

mod failure;
mod refused;

use std::future::IntoFuture;

use mongodb::Database;
use mongodb::bson::{DateTime, Document, doc};
use mongrate::migration::{Direction, State};
use mongrate::{Error, Report, Schema, Tx, migration};
use mongrate_tests::stored::{
    self, count, documents, fingerprint, history, lease_is_free, migrator, record, registry, status,
};
use mongrate_tests::{FailPoint, TestDb};

const USERS: &str = "module:down:001_users";
const ROLES: &str = "module:down:002_roles";
const INDEX: &str = "module:down:003_index";
const RAW: &str = "module:down:004_raw";

/// Ada is there, or is not.
#[migration(id = "001_users", source = "module:down", down = drop_users)]
async fn users(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("users").insert_one(doc! { "_id": "ada" }).await?;
    Ok(())
}

async fn drop_users(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("users").delete_one(doc! { "_id": "ada" }).await?;
    count_down(tx, "001").await
}

#[migration(id = "002_roles", source = "module:down", deps = ["module:down:001_users"], down = drop_roles)]
async fn roles(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let users = tx.collection::<Document>("users");
    users.update_one(doc! { "_id": "ada" }, doc! { "$set": { "role": "member" } }).await?;
    Ok(())
}

async fn drop_roles(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let users = tx.collection::<Document>("users");
    users.update_one(doc! { "_id": "ada" }, doc! { "$unset": { "role": "" } }).await?;
    count_down(tx, "002").await
}

#[migration(id = "003_index", source = "module:down", deps = ["module:down:001_users"], down = drop_index)]
async fn index(schema: &mut Schema) -> Result<(), Error> {
    schema.create_index("users", doc! { "role": 1 }).named("by_role").await
}

async fn drop_index(schema: &mut Schema) -> Result<(), Error> {
    schema.drop_index("users", "by_role").await
}

#[migration(id = "004_raw", source = "module:down", deps = ["module:down:002_roles"], down = raw_down)]
async fn raw(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("settings").insert_one(doc! { "_id": "theme" }).await?;
    Ok(())
}

/// Of another kind than what it reverts.
async fn raw_down(db: &Database) -> Result<(), mongodb::error::Error> {
    db.collection::<Document>("settings").delete_one(doc! { "_id": "theme" }).await?;
    let downs = db.collection::<Document>("downs");
    downs.insert_one(doc! { "_id": "004", "place": 0_i64 }).await?;
    Ok(())
}

/// In the order of their numbers, a `down` that ran twice would be found here.
async fn count_down(tx: &Tx, id: &str) -> Result<(), anyhow::Error> {
    let downs = tx.collection::<Document>("downs");
    let place = i64::try_from(downs.count_documents(doc! {}).await?)?;
    downs.insert_one(doc! { "_id": id, "place": place }).await?;
    Ok(())
}

fn reverted(report: &Report) -> Vec<&str> {
    report.reverted().map(|execution| execution.id.as_str()).collect()
}

async fn applied() -> (TestDb, mongrate::Migrator) {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:down").actor("boot").build().unwrap();
    assert_eq!(migrator.up().await.unwrap().applied().count(), 4);
    (db, migrator)
}

#[tokio::test]
async fn the_last_applied_one_is_reverted() {
    let (db, migrator) = applied().await;
    let report = migrator.down().by("ana").await.unwrap();
    println!("{report}");
    assert_eq!(reverted(&report), [RAW]);
    assert_eq!(report.executions().next().unwrap().direction, Direction::Down);
    assert_eq!(count(&db, "settings", doc! {}).await, 0);

    let record = record(&db, RAW).await.unwrap();
    assert_eq!(record.get_str("status").unwrap(), "rolled-back");
    assert_eq!(record.get_str("appliedBy").unwrap(), "boot");
    assert_eq!(record.get_str("revertedBy").unwrap(), "ana");
    assert!(record.get_datetime("revertedAt").unwrap() >= record.get_datetime("executedAt").unwrap());
    assert_eq!(record.get_i64("batch").unwrap(), 1);
    assert_eq!(history(&db, RAW).await, ["completed", "rolled-back"]);
    assert!(lease_is_free(&db).await);

    // Only this migration is pending again.
    assert_eq!(migrator.status().await.unwrap().state(RAW), Some(State::RolledBack));
    assert_eq!(migrator.up().await.unwrap().applied().count(), 1);
    assert_eq!(count(&db, "settings", doc! {}).await, 1);
    assert_eq!(history(&db, RAW).await, ["completed", "rolled-back", "completed"]);
    assert!(stored::record(&db, RAW).await.unwrap().get("revertedAt").is_none());
}

#[tokio::test]
async fn i3_several_steps_go_backwards() {
    let (db, migrator) = applied().await;
    assert_eq!(reverted(&migrator.down().steps(3).await.unwrap()), [RAW, INDEX, ROLES]);
    assert_eq!(documents(&db, "users").await, [doc! { "_id": "ada" }]);
    assert_eq!(reverted(&migrator.down().steps(3).await.unwrap()), [USERS]);
    assert_eq!(count(&db, "users", doc! {}).await, 0);
    let downs = documents(&db, "downs").await;
    let order: Vec<_> = downs.iter().map(|down| down.get_str("_id").unwrap()).collect();
    assert_eq!(order, ["001", "002", "004"]);
    assert_eq!(downs[1].get_i64("place").unwrap(), 1);
    assert_eq!(downs[0].get_i64("place").unwrap(), 2);

    // Nothing to revert: one read, no writes, no lease.
    let before = fingerprint(&db).await;
    let _ = db.commands().take();
    let report = migrator.down().await.unwrap();
    assert_eq!(report.to_string(), "Nothing to revert.");
    assert_eq!(db.commands().take(), ["find"]);
    assert_eq!(fingerprint(&db).await, before);
}

#[tokio::test]
async fn a_batch_is_what_the_last_up_applied() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:down").build().unwrap();
    migrator.up().only(ROLES).await.unwrap();
    migrator.up().await.unwrap();
    assert_eq!(reverted(&migrator.down().batch().await.unwrap()), [RAW, INDEX]);
    assert_eq!(reverted(&migrator.down().batch().await.unwrap()), [ROLES, USERS]);
    assert!(migrator.down().batch().await.unwrap().is_empty());
}

/// Neither batches nor clocks determine the order.
#[tokio::test]
async fn a_later_mark_counts_as_applied_later() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:down").build().unwrap();
    migrator.up().only(ROLES).await.unwrap();
    migrator.mark_applied([INDEX]).await.unwrap();
    assert!(migrator.down().to(INDEX).plan().await.unwrap().is_empty());
    migrator.up().await.unwrap();
    // As if the clock had gone back by a day between the two runs, and an older version had written the first record.
    let records = db.collection::<Document>("migrations");
    let yesterday = DateTime::from_millis(DateTime::now().timestamp_millis() - 86_400_000);
    records.update_one(doc! { "_id": RAW }, doc! { "$set": { "executedAt": yesterday } }).await.unwrap();
    records.update_one(doc! { "_id": USERS }, doc! { "$unset": { "position": "" } }).await.unwrap();
    assert_eq!(reverted(&migrator.down().to(INDEX).await.unwrap()), [RAW]);
    assert_eq!(reverted(&migrator.down().steps(2).await.unwrap()), [INDEX, ROLES]);
    assert_eq!(reverted(&migrator.down().steps(2).await.unwrap()), [USERS]);
}

/// A batch that was marked as applied was applied by no `up`.
#[tokio::test]
async fn marked_migrations_belong_to_no_batch() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:down").build().unwrap();
    migrator.baseline(ROLES).await.unwrap();
    assert!(migrator.down().batch().await.unwrap().is_empty());
    migrator.up().await.unwrap();
    assert_eq!(reverted(&migrator.down().batch().await.unwrap()), [RAW, INDEX]);
    // One by one they can be reverted all the same.
    assert_eq!(reverted(&migrator.down().await.unwrap()), [ROLES]);
}

#[tokio::test]
async fn to_keeps_the_named_migration() {
    let (db, migrator) = applied().await;
    assert_eq!(reverted(&migrator.down().to(ROLES).await.unwrap()), [RAW, INDEX]);
    assert_eq!(status(&db, ROLES).await, "completed");
    assert_eq!(documents(&db, "users").await, [doc! { "_id": "ada", "role": "member" }]);
    assert!(migrator.down().to(ROLES).await.unwrap().is_empty());
}

#[tokio::test]
async fn only_named_migrations_are_reverted() {
    let (db, migrator) = applied().await;
    assert_eq!(reverted(&migrator.down().only(INDEX).await.unwrap()), [INDEX]);
    assert_eq!(db.collection::<Document>("users").list_index_names().await.unwrap(), ["_id_"]);
    // Whatever is not applied is left out.
    assert_eq!(reverted(&migrator.down().only(INDEX).only(RAW).await.unwrap()), [RAW]);
}

#[tokio::test]
async fn dependents_are_reverted_on_request() {
    let (_db, migrator) = applied().await;
    assert_eq!(reverted(&migrator.down().only(USERS).with_dependents(true).await.unwrap()), [RAW, INDEX, ROLES, USERS]);
}

/// As many as want to: the same migration is reverted once, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn i1_concurrent_downs_revert_once() {
    let (db, _) = applied().await;
    let mut runs = tokio::task::JoinSet::new();
    for number in 0..8 {
        let (replica, _) = db.replica(&format!("replica {number}")).await;
        let migrator = migrator(&replica, "module:down").build().unwrap();
        runs.spawn(async move { migrator.down().only(ROLES).with_dependents(true).await.unwrap() });
    }
    let reports = runs.join_all().await;
    assert_eq!(reports.iter().map(|report| report.reverted().count()).sum::<usize>(), 2);
    assert!(
        reports.iter().all(|report| !report.is_empty()
            || report.finished_elsewhere()
            || report.to_string() == "Nothing to revert.")
    );
    assert_eq!(history(&db, ROLES).await, ["completed", "rolled-back"]);
    assert_eq!(count(&db, "downs", doc! {}).await, 2);
    assert_eq!(status(&db, USERS).await, "completed");
}

/// Each run resolves "the last one" when it begins.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_downs_revert_the_same_migration() {
    let (db, migrator) = applied().await;
    // Both have read before either of them takes the lease.
    let slow = doc! { "failCommands": ["findAndModify"], "blockConnection": true, "blockTimeMS": 500 };
    let slow = FailPoint::always(&db, slow).await;
    let (one, two) = tokio::join!(migrator.down().into_future(), migrator.down().into_future());
    drop(slow);
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(reverted(&one).len() + reverted(&two).len(), 1, "{one}\n{two}");
    assert_eq!(status(&db, ROLES).await, "completed");
}

#[tokio::test]
async fn a_source_reverts_only_its_own_migrations() {
    let db = TestDb::new().await;
    let all =
        mongrate::Migrator::builder(db.database().clone()).registry(registry(&["module:down", "module:down-other"]));
    all.clone().build().unwrap().up().await.unwrap();
    let other = mongrate::Registry::linked().source("module:down-other");
    let report = all.registry(other).build().unwrap().down().steps(9).await.unwrap();
    assert_eq!(reverted(&report), ["module:down-other:001_other"]);
    assert_eq!(status(&db, RAW).await, "completed");
}

#[migration(id = "001_other", source = "module:down-other", down = other_down)]
async fn other(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("settings").insert_one(doc! { "_id": "other" }).await?;
    Ok(())
}

async fn other_down(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("settings").delete_one(doc! { "_id": "other" }).await?;
    Ok(())
}
