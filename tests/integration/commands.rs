//! The number of commands that a run sends, and the commands that write.

use futures_util::StreamExt;
use mongodb::bson::{Document, doc};
use mongrate::{Schema, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, count, fingerprint, migrator, record};

#[migration(id = "001_a", source = "module:commands")]
async fn a(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    insert(tx).await
}

#[migration(id = "002_b", source = "module:commands")]
async fn b(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    insert(tx).await
}

#[migration(id = "003_c", source = "module:commands")]
async fn c(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    insert(tx).await
}

async fn insert(tx: &Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("things").insert_one(doc! {}).await?;
    Ok(())
}

#[migration(id = "001_index", source = "module:commands-schema")]
async fn index(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("things", doc! { "a": 1 }).await
}

#[migration(id = "001_nothing", source = "module:commands-nothing")]
async fn nothing(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.drop_collection("nowhere").await?;
    schema.create_collection("things").await
}

#[migration(id = "001_several", source = "module:commands-several")]
async fn several(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("things", doc! { "b": 1 }).await?;
    schema.create_index("things", doc! { "c": 1 }).await?;
    schema.drop_index("things", "b_1").await?;
    schema.set_validator("things", doc! {}).await
}

#[tokio::test]
async fn a_transaction_takes_four_more_commands() {
    let db = TestDb::new().await;
    migrator(&db, "module:commands").build().unwrap().up().await.unwrap();
    let sent = db.commands().take();
    println!("three Tx migrations, the first ever: {} commands: {sent:?}", sent.len());
    let first = sent.iter().position(|name| name == "insert").unwrap();
    let each = ["insert", "insert", "insert", "update", "commitTransaction"];
    assert_eq!(sent[first..first + 15], [each, each, each].concat());
    // And the end of the run, and the release of the lease.
    assert_eq!(sent[first + 15..], ["insert", "update"]);
    assert_eq!(count(&db, "things", doc! {}).await, 3);
}

#[tokio::test]
async fn a_run_with_work_takes_few_commands() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:commands").build().unwrap();
    migrator.up().only("module:commands:001_a").await.unwrap();
    let _ = db.commands().take();
    migrator.up().only("module:commands:002_b").await.unwrap();
    let sent = db.commands().take();
    println!("one Tx migration, later: {} commands: {sent:?}", sent.len());
    assert_eq!(
        sent,
        [
            // What is pending; whether Mongrate's own collections are its own; what the server can do.
            "find",
            "listCollections",
            "find",
            "find",
            "hello",
            // The lease, the fence.
            "find",
            "findAndModify",
            "update",
            // What is pending now; what is missing of our own.
            "find",
            "create",
            "createIndexes",
            // The highest batch number so far.
            "find",
            // The body, and the four.
            "insert",
            "insert",
            "insert",
            "update",
            "commitTransaction",
            // The end of the run, and the release.
            "insert",
            "update"
        ]
    );

    self::migrator(&db, "module:commands-schema").build().unwrap().up().await.unwrap();
    let sent = db.commands().take();
    println!("one Schema migration, later: {} commands: {sent:?}", sent.len());
    let running = ["update", "update", "commitTransaction"];
    let completed = ["update", "insert", "update", "commitTransaction"];
    // What it has left, for its record; and whether that is still there at the end of the run.
    let looks = ["listCollections", "listIndexes"];
    let end = ["insert", "update"];
    assert_eq!(sent[12..], [&running[..], &["createIndexes"], &looks, &completed, &looks, &end].concat());

    // Nothing to do is found out by looking, and recorded once.
    self::migrator(&db, "module:commands-nothing").build().unwrap().up().await.unwrap();
    let sent = db.commands().take();
    println!("one Schema migration with nothing to do: {} commands: {sent:?}", sent.len());
    assert_eq!(sent[12..], [&["listCollections"; 3][..], &completed, &["listCollections"], &end].concat());

    // Each operation is between its intent and the next one's.
    self::migrator(&db, "module:commands-several").build().unwrap().up().await.unwrap();
    let sent = db.commands().take();
    println!("one Schema migration of four operations: {} commands: {sent:?}", sent.len());
    let operations = ["createIndexes", "createIndexes", "dropIndexes", "collMod"];
    let expected: Vec<_> = operations.into_iter().flat_map(|operation| [&running[..], &[operation]].concat()).collect();
    assert_eq!(sent[12..], [&expected[..], &looks, &completed, &looks, &end].concat());
}

#[tokio::test]
async fn nothing_pending_takes_one_command_and_writes_nothing() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:commands").build().unwrap();
    migrator.up().await.unwrap();
    let before = fingerprint(&db).await;

    let _ = db.commands().take();
    let report = migrator.up().await.unwrap();
    assert_eq!(db.commands().take(), ["find"]);
    assert!(report.is_empty() && !report.finished_elsewhere());
    assert_eq!(fingerprint(&db).await, before);
}

#[tokio::test]
async fn nothing_pending_takes_one_command_with_a_thousand_records() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:commands").build().unwrap();
    migrator.up().await.unwrap();
    let pattern = record(&db, "module:commands:001_a").await.unwrap();
    let many = (0..1_000).map(|number| {
        let mut record = pattern.clone();
        record.insert("_id", format!("module:another:{number:03}_x"));
        record
    });
    db.collection::<Document>("migrations").insert_many(many).await.unwrap();
    let before = fingerprint(&db).await;

    let _ = db.commands().take();
    assert!(migrator.up().await.unwrap().is_empty());
    assert_eq!(db.commands().take(), ["find"]);
    assert_eq!(fingerprint(&db).await, before);
    // A record is never deleted because its migration is not linked in (I7).
    assert_eq!(count(&db, "migrations", doc! {}).await, 1_003);
}

#[tokio::test]
async fn i4_reads_create_nothing() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:commands").build().unwrap();
    assert_eq!(migrator.status().await.unwrap().pending().count(), 3);
    assert_eq!(migrator.plan().await.unwrap().len(), 3);
    assert!(db.commands().count().keys().all(|name| name == "find"), "{:?}", db.commands().count());
    assert!(collections(&db).await.is_empty());
    assert!(!db.client().list_database_names().await.unwrap().contains(&db.name().to_owned()));
}

#[tokio::test]
async fn i4_reads_write_nothing() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:commands").build().unwrap();
    migrator.up().only("module:commands:001_a").await.unwrap();
    let (before, names) = (fingerprint(&db).await, collections(&db).await);
    let _ = db.commands().take();
    let status = migrator.status().await.unwrap();
    assert_eq!(db.commands().take(), ["find", "find"]);
    assert_eq!((status.completed().count(), status.pending().count()), (1, 2));
    assert_eq!(migrator.plan().await.unwrap().len(), 2);
    assert_eq!(db.commands().take(), ["find"]);
    assert_eq!((fingerprint(&db).await, collections(&db).await), (before, names));
}

#[tokio::test]
async fn the_history_has_its_indexes() {
    let db = TestDb::new().await;
    migrator(&db, "module:commands").build().unwrap().up().await.unwrap();
    let mut indexes = db.collection::<Document>("migrations_history").list_indexes().await.unwrap();
    let mut keys = Vec::new();
    while let Some(index) = indexes.next().await {
        keys.push(index.unwrap().keys);
    }
    assert_eq!(
        keys,
        [
            doc! { "_id": 1 },
            doc! { "executedAt": -1, "_id": -1 },
            doc! { "status": 1, "executedAt": -1, "_id": -1 },
            doc! { "token": -1 },
        ]
    );
    for (filter, index) in [
        (doc! { "status": "failed" }, "newest_unsuccessful"),
        (doc! { "status": "completed" }, "newest"),
        (doc! { "migrationId": "module:commands:001_a" }, "newest"),
    ] {
        let find = doc! { "find": "migrations_history", "filter": &filter, "sort": { "executedAt": -1, "_id": -1 } };
        let plan = db.run_command(doc! { "explain": find, "verbosity": "queryPlanner" }).await.unwrap();
        let plan = plan.get_document("queryPlanner").unwrap().get_document("winningPlan").unwrap();
        let scan = plan.get_document("inputStage").unwrap();
        let found = (plan.get_str("stage").unwrap_or_default(), scan.get_str("indexName").unwrap_or_default());
        assert_eq!(found, ("FETCH", index), "{filter}: {plan}");
    }
    assert_eq!(collections(&db).await, ["migrations", "migrations_history", "migrations_lock", "things"]);
}
