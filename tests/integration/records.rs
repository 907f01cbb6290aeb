//! The records of a run.

use mongodb::Database;
use mongodb::bson::{DateTime, Document, doc};
use mongrate::options::Names;
use mongrate::{Schema, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, count, documents, executions, migrator, record, step};

/// Every user has a role.
#[migration(id = "001_tx", source = "module:records", down = undo)]
async fn tx(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "tx").await?)
}

async fn undo(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "undo").await?)
}

#[migration(id = "002_schema", source = "module:records", description = "An index")]
async fn schema(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "email": 1 }).await
}

#[migration(id = "003_database", source = "module:records", irreversible = "no way back")]
async fn database(db: &Database) -> Result<(), mongodb::error::Error> {
    db.collection::<Document>("users").insert_one(doc! {}).await?;
    Ok(())
}

#[tokio::test]
async fn a_record_has_all_fields() {
    let db = TestDb::new().await;
    let before = DateTime::now();
    let migrator = migrator(&db, "module:records")
        .actor("deploy 7")
        .environment("production")
        .codebase_version("1.2.3")
        .build()
        .unwrap();
    migrator.up().await.unwrap();

    let mut stored = record(&db, "module:records:001_tx").await.unwrap();
    let executed_at = *stored.get_datetime("executedAt").unwrap();
    assert!(executed_at >= before && executed_at <= DateTime::now());
    assert!(stored.get_i64("executionDuration").unwrap() >= 0);
    assert!(stored.get_str("checksum").unwrap().starts_with("t2:"));
    assert!(!stored.get_str("host").unwrap().is_empty());
    for measured in ["executedAt", "executionDuration", "checksum", "host"] {
        stored.remove(measured);
    }
    assert_eq!(
        stored,
        doc! {
            "_id": "module:records:001_tx", "status": "completed", "source": "module:records",
            "description": "Every user has a role.", "kind": "tx", "reversible": true, "batch": 1_i64, "appliedBy": "deploy 7",
            "pid": i64::from(std::process::id()), "environment": "production", "codebaseVersion": "1.2.3",
            "attempts": 1_i64, "token": 1_i64, "position": [1_i64, 1_i64],
        }
    );
    for id in ["module:records:002_schema", "module:records:003_database"] {
        let stored = record(&db, id).await.unwrap();
        assert_eq!(stored.get_str("status").unwrap(), "completed");
        assert!(!stored.get_bool("reversible").unwrap());
    }
    assert_eq!(record(&db, "module:records:002_schema").await.unwrap().get_str("description").unwrap(), "An index");
}

#[tokio::test]
async fn the_history_has_one_entry_for_each_execution() {
    let db = TestDb::new().await;
    migrator(&db, "module:records").build().unwrap().up().by("ada").await.unwrap();
    let entries = executions(&db).await;
    let ids: Vec<_> = entries.iter().map(|entry| entry.get_str("migrationId").unwrap()).collect();
    assert_eq!(ids, ["module:records:001_tx", "module:records:002_schema", "module:records:003_database"]);
    for entry in &entries {
        assert_eq!(entry.get_str("act").unwrap(), "up");
        assert_eq!(entry.get_str("status").unwrap(), "completed");
        assert_eq!(entry.get_str("by").unwrap(), "ada");
    }
}

#[tokio::test]
async fn batches_and_tokens_count_the_runs_that_had_work() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:records").build().unwrap();
    migrator.up().only("module:records:001_tx").await.unwrap();
    migrator.up().only("module:records:001_tx").await.unwrap();
    migrator.up().await.unwrap();
    let of = async |id: &str| {
        let record = record(&db, id).await.unwrap();
        (record.get_i64("batch").unwrap(), record.get_i64("token").unwrap())
    };
    assert_eq!(of("module:records:001_tx").await, (1, 1));
    assert_eq!(of("module:records:002_schema").await, (2, 2));
    assert_eq!(of("module:records:003_database").await, (2, 2));
    let fence = documents(&db, "migrations_lock").await.remove(0);
    assert_eq!((fence.get_str("_id").unwrap(), fence.get_i64("token").unwrap()), ("fence", 2));
}

#[tokio::test]
async fn a_reverted_migration_runs_again() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:records").build().unwrap();
    migrator.up().await.unwrap();
    let records = db.collection::<Document>("migrations");
    let rolled_back = doc! { "$set": { "status": "rolled-back", "revertedAt": DateTime::now() } };
    records.update_one(doc! { "_id": "module:records:001_tx" }, rolled_back).await.unwrap();
    let report = migrator.up().await.unwrap();
    assert_eq!(report.applied().map(|execution| execution.id.as_str()).collect::<Vec<_>>(), ["module:records:001_tx"]);
    assert_eq!(count(&db, "steps", doc! {}).await, 2);
    assert!(record(&db, "module:records:001_tx").await.unwrap().get("revertedAt").is_none());
}

#[tokio::test]
async fn all_names_are_configurable() {
    let db = TestDb::new().await;
    let mut names = Names::prefixed("schema");
    names.history = "past".to_owned();
    names.lock = "who".to_owned();
    let migrator = migrator(&db, "module:records").names(names).build().unwrap();
    migrator.up().await.unwrap();
    assert!(migrator.up().await.unwrap().is_empty());
    assert_eq!(collections(&db).await, ["past", "schema", "steps", "users", "who"]);
    assert_eq!((count(&db, "schema", doc! {}).await, count(&db, "past", doc! { "act": "up" }).await), (3, 3));
}
