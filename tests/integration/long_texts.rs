//! Long texts and documents are truncated, and their executions are still recorded.

use mongodb::Database;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongrate::{Error, Schema, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{documents, executions, history, lease_is_free, migrator, record, status, tell, told};

/// More than a document may have.
const TOO_LONG: usize = 20 * 1024 * 1024;
/// An error with its causes.
const ERROR: usize = 64 * 1024;
/// Any other text, and a document in a report.
const TEXT: usize = 16 * 1024;

/// Two bytes a character, so that a cut in between would show.
fn long() -> String {
    "é".repeat(TOO_LONG / 2)
}

fn too_long() -> anyhow::Error {
    anyhow::anyhow!("the root cause").context(long()).context("the body failed")
}

#[migration(id = "001_tx", source = "module:long-texts", down = undo)]
async fn tx(tx: &mut Tx) -> Result<(), anyhow::Error> {
    if told(tx, "tx").await? { Err(too_long()) } else { Ok(()) }
}

async fn undo(_: &mut Tx) -> Result<(), anyhow::Error> {
    Err(too_long())
}

#[migration(id = "002_database", source = "module:long-texts")]
async fn database(db: &Database) -> Result<(), anyhow::Error> {
    let told = db.collection::<Document>("told").find_one(doc! { "_id": "database" }).await?;
    if told.is_some() { Err(too_long()) } else { Ok(()) }
}

#[migration(id = "003_panic", source = "module:long-texts")]
async fn panic(_: &mut Schema) -> Result<(), mongrate::Error> {
    panic!("{}", long())
}

/// The recorded failure, truncated at a character boundary with a note.
async fn assert_cut(db: &Database, id: &str) {
    assert_eq!(history(db, id).await.last().unwrap(), "failed");
    let entries = documents(db, "migrations_history").await;
    let entry = entries.into_iter().rfind(|entry| entry.get_str("migrationId").is_ok_and(|there| there == id)).unwrap();
    for stored in [record(db, id).await.unwrap(), entry] {
        let error = stored.get_str("error").unwrap();
        let causes = stored.get_array("errorStack").unwrap();
        let causes: Vec<_> = causes.iter().filter_map(Bson::as_str).collect();
        let bytes = error.len() + causes.iter().map(|cause| cause.len()).sum::<usize>();
        assert!(bytes <= ERROR, "{bytes} bytes");
        assert!(causes.iter().any(|cause| cause.ends_with("… (20,971,520 bytes in all)")), "no note: {bytes} bytes");
    }
}

#[tokio::test]
async fn i6_an_error_of_20_mb_is_recorded() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:long-texts").build().unwrap();
    tell(&db, "tx").await;
    let error = migrator.up().await.unwrap_err();
    let Error::Failed { id, message, report, .. } = &error else { panic!("not a failure") };
    assert_eq!(id, "module:long-texts:001_tx");
    // Nothing between the first and the last is hidden, and people can read it.
    assert!(message.starts_with("the body failed: éé") && message.ends_with("the root cause"));
    assert!(report.to_string().len() < ERROR && error.to_string().len() < ERROR);
    assert_eq!(status(&db, id).await, "failed");
    assert_cut(&db, id).await;
    assert!(report.warnings().is_empty() && lease_is_free(&db).await);

    db.collection::<Document>("told").delete_many(doc! {}).await.unwrap();
    tell(&db, "database").await;
    migrator.up().await.unwrap_err();
    assert_eq!(status(&db, "module:long-texts:002_database").await, "failed");
    assert_cut(&db, "module:long-texts:002_database").await;

    db.collection::<Document>("told").delete_many(doc! {}).await.unwrap();
    migrator.up().await.unwrap_err();
    assert_eq!(status(&db, "module:long-texts:003_panic").await, "failed");
    let panicked = record(&db, "module:long-texts:003_panic").await.unwrap();
    assert!(panicked.get_str("error").unwrap().starts_with("the migration panicked: éé"));

    migrator.down().only("module:long-texts:001_tx").await.unwrap_err();
    assert_eq!(status(&db, "module:long-texts:001_tx").await, "completed");
    assert_cut(&db, "module:long-texts:001_tx").await;
}

#[tokio::test]
async fn i6_an_error_of_20_mb_is_recorded_without_transactions() {
    let db = TestDb::standalone().await;
    tell(&db, "tx").await;
    let error = migrator(&db, "module:long-texts").build().unwrap().up().await.unwrap_err();
    let Error::Partial { id, .. } = &error else { panic!("not a failure") };
    assert_eq!(status(&db, id).await, "failed");
    assert_cut(&db, id).await;
}

#[migration(id = "001_fine", source = "module:long-names")]
async fn fine(_: &mut Tx) -> Result<(), mongrate::Error> {
    Ok(())
}

#[tokio::test]
async fn long_names_and_reasons_are_recorded() {
    let db = TestDb::new().await;
    let builder = migrator(&db, "module:long-names").actor(long()).environment(long()).codebase_version(long());
    let migrator = builder.build().unwrap();
    migrator.up().await.unwrap();
    migrator.mark_pending(["module:long-names:001_fine"]).by(long()).because(long()).await.unwrap();
    let record = record(&db, "module:long-names:001_fine").await.unwrap();
    assert_eq!(record.get_str("status").unwrap(), "rolled-back");
    for field in ["appliedBy", "revertedBy", "environment", "codebaseVersion"] {
        assert!(record.get_str(field).unwrap().len() <= TEXT, "{field}");
    }
    let entries = executions(&db).await;
    assert_eq!(entries.len(), 2);
    for field in ["by", "because", "environment", "codebaseVersion"] {
        let text = entries[1].get_str(field).unwrap();
        assert!(text.len() <= TEXT && text.ends_with("… (20,971,520 bytes in all)"), "{field}");
    }
    // Nobody's lock is taken away for nothing, so a holder is made up.
    let held = doc! { "$set": { "holder": {
        "host": "h", "pid": 1_i64, "since": Bson::DateTime(mongodb::bson::DateTime::now()), "session": {},
        "nonce": mongodb::bson::oid::ObjectId::new(), "actor": "a",
    } } };
    db.collection::<Document>("migrations_lock").update_one(doc! { "_id": "lease" }, held).await.unwrap();
    migrator.force_unlock().by(long()).because(long()).await.unwrap().unwrap();
    assert_eq!(executions(&db).await.len(), 3);
}

#[migration(id = "001_large", source = "module:long-documents")]
async fn large(tx: &mut Tx) -> Result<(), mongrate::Error> {
    let large = tx.collection::<Document>("large");
    large.update_many(doc! {}, doc! { "$set": { "seen": true } }).await?;
    Ok(())
}

#[tokio::test]
async fn a_dry_run_truncates_large_documents() {
    let db = TestDb::new().await;
    let list: Vec<_> = (0..100_000).map(Bson::from).collect();
    let large = doc! { "_id": 1, "first": "short", "text": "é".repeat(4_000_000), "list": list, "last": 1 };
    db.collection::<Document>("large").insert_one(large).await.unwrap();
    let report = migrator(&db, "module:long-documents").build().unwrap().up().dry_run(true).await.unwrap();
    let operation = &report.executions().next().unwrap().operations[0];
    let sample = &operation.samples[0];
    for quoted in [sample.before.as_ref().unwrap(), sample.after.as_ref().unwrap()] {
        let bytes = RawDocumentBuf::try_from(quoted).unwrap().as_bytes().len();
        assert!(bytes <= 2 * TEXT, "{bytes} bytes");
        assert_eq!(quoted.get_str("first").unwrap(), "short");
        assert!(quoted.get_str("text").unwrap().ends_with("… (8,000,000 bytes in all)"));
    }
    assert!(report.to_string().len() < TEXT);
}
