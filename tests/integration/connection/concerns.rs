//! Read preference and concerns.

use mongodb::bson::{Document, doc};
use mongodb::{Client, Database};
use mongrate::{Migrator, MigratorBuilder, Registry, Schema, Tx, migration};
use mongrate_tests::stored::{count, status};
use mongrate_tests::{Gate, TestDb, eventually, servers};

use super::{Sent, options};

const SOURCE: &str = "module:concerns";

#[migration(id = "001_tx", source = "module:concerns", down = untx)]
async fn tx(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let things = tx.collection::<Document>("things");
    things.insert_one(doc! { "kind": "tx" }).await?;
    things.count_documents(doc! {}).await?;
    tx.kv().set("key", 1).await?;
    assert!(tx.kv().get("key").await?.is_some());
    Ok(())
}

async fn untx(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("things").delete_many(doc! { "kind": "tx" }).await?;
    Ok(())
}

#[migration(id = "002_schema", source = "module:concerns", verify = is_there)]
async fn schema(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_collection("made").await?;
    schema.create_index("made", doc! { "a": 1 }).await
}

async fn is_there(db: &Database) -> Result<bool, mongodb::error::Error> {
    db.collection::<Document>("made").find_one(doc! {}).await?;
    Ok(db.list_collection_names().await?.contains(&"made".to_owned()))
}

#[migration(id = "003_raw", source = "module:concerns")]
async fn raw(db: &Database) -> Result<(), mongodb::error::Error> {
    let things = db.collection::<Document>("things");
    things.insert_one(doc! { "kind": "raw" }).await?;
    things.find_one(doc! {}).await?;
    Ok(())
}

#[migration(id = "004_marked", source = "module:concerns")]
async fn marked(_: &mut Tx) -> Result<(), mongodb::error::Error> {
    Ok(())
}

/// What was sent reads with majority (in a transaction, one snapshot) and is written with majority and journal; within a
/// transaction, only its own concerns count.
fn assert_durable(sent: &Sent) {
    const WRITES: [&str; 8] = [
        "insert",
        "update",
        "delete",
        "findAndModify",
        "create",
        "createIndexes",
        "commitTransaction",
        "abortTransaction",
    ];
    const READS: [&str; 4] = ["find", "aggregate", "count", "distinct"];
    let commands = sent.take();
    assert!(commands.len() > 20, "{commands:?}");
    for command in &commands {
        let name = command.keys().next().unwrap().as_str();
        let in_transaction = command.get_bool("autocommit").is_ok() && !name.ends_with("Transaction");
        let write = command.get_document("writeConcern").ok();
        let read = command.get_document("readConcern").ok().and_then(|concern| concern.get_str("level").ok());
        if in_transaction {
            assert_eq!(write, None, "{command}");
            let first = command.get_bool("startTransaction").unwrap_or_default();
            // The server creates a collection in a transaction, for a dry run, only with this one.
            let scratch = command.get_str("create").is_ok_and(|name| name.starts_with("mongrate_dry_run_"));
            let expected = if scratch { "local" } else { "snapshot" };
            assert_eq!(read, first.then_some(expected), "{command}");
        } else if WRITES.contains(&name) {
            let write = write.unwrap_or_else(|| panic!("without a write concern: {command}"));
            assert_eq!(write.get_str("w").unwrap(), "majority", "{command}");
            assert!(write.get_bool("j").unwrap(), "{command}");
        } else if READS.contains(&name) {
            assert_eq!(read, Some("majority"), "{command}");
        }
        if name == "endSessions" {
            // The driver's own, when a client is shut down.
            continue;
        }
        let preference = command.get_document("$readPreference").and_then(|preference| preference.get_str("mode"));
        assert!(preference.map_or(true, |mode| mode == "primary"), "{command}");
    }
}

async fn goes_through(db: &TestDb, builder: MigratorBuilder, sent: &Sent, how: &str) {
    let migrator = builder.registry(Registry::linked().source(SOURCE)).build().unwrap();
    let id = |name: &str| format!("{SOURCE}:{name}");
    migrator.mark_applied([id("004_marked")]).await.unwrap_or_else(|error| panic!("{how}: {error}"));
    migrator.up().dry_run(true).await.unwrap_or_else(|error| panic!("{how}: {error}"));
    migrator.up().await.unwrap_or_else(|error| panic!("{how}: {error}"));
    migrator.down().only(id("001_tx")).await.unwrap_or_else(|error| panic!("{how}: {error}"));
    migrator.detect().await.unwrap();
    migrator.status().await.unwrap();
    assert_durable(sent);
    assert_eq!(count(db, "things", doc! { "kind": "raw" }).await, 1, "{how}");
    assert_eq!(count(db, "things", doc! { "kind": "tx" }).await, 0, "{how}");
    for (name, status_) in [("001_tx", "rolled-back"), ("002_schema", "completed"), ("003_raw", "completed")] {
        assert_eq!(status(db, &id(name)).await, status_, "{how}: {name}");
    }
}

#[tokio::test]
async fn i1_migrations_ignore_the_concerns_of_the_connection_string() {
    for said in [
        "&readPreference=secondaryPreferred",
        "&readPreference=primaryPreferred&readConcernLevel=local",
        "&readPreference=nearest&w=1",
        "&w=1&journal=false&readConcernLevel=local",
    ] {
        let db = TestDb::three_members().await;
        let (options, sent) = options(&db, said).await;
        let brought = Client::with_options(options).unwrap().database(db.name());
        goes_through(&db, Migrator::builder(brought), &sent, said).await;

        let db = TestDb::three_members().await;
        let (options, sent) = self::options(&db, said).await;
        goes_through(&db, Migrator::connect_with(options, db.name()).unwrap(), &sent, said).await;
    }
}

static BEGINS: Gate = Gate::new();
static INSERTS: Gate = Gate::new();

#[migration(id = "001_insert", source = "module:concerns-failover")]
async fn insert(db: &Database) -> Result<(), mongodb::error::Error> {
    BEGINS.open();
    INSERTS.pass().await;
    db.collection::<Document>("effects").insert_one(doc! { "_id": 1 }).await?;
    Ok(())
}

/// An acknowledged write of a body survives a failover, even if the connection string has `w=1`.
#[tokio::test]
async fn i1_an_insert_of_a_raw_body_survives_a_fail_over() {
    let server = servers::builder().members(3).start().await.unwrap();
    let db = TestDb::on(&server).await;
    let uri = format!("{}&w=1", db.uri());
    let brought = Client::with_uri_str(&uri).await.unwrap().database(db.name());
    let migrator = Migrator::builder(brought).registry(Registry::linked().source("module:concerns-failover"));
    let migrator = migrator.build().unwrap();
    let run = tokio::spawn(migrator.up().into_future());
    BEGINS.pass().await;
    let primary = server.primary().await.unwrap();
    let others: Vec<_> = (0..3).filter(|member| *member != primary).collect();
    for member in &others {
        server.stop(*member).unwrap();
    }
    INSERTS.open();
    let alone = Client::with_uri_str(server.members()[primary].uri()).await.unwrap().database(db.name());
    eventually("the insert on the primary", async || {
        alone.collection::<Document>("effects").find_one(doc! {}).await.unwrap()
    })
    .await;
    server.kill(primary).unwrap();
    for member in &others {
        server.cont(*member).unwrap();
    }
    server.primary().await.unwrap();
    server.restart(primary).await.unwrap();
    let result = run.await.unwrap();
    server.primary().await.unwrap();
    if let Err(error) = result {
        println!("after the fail-over: {error}");
        assert_ne!(status(&db, "module:concerns-failover:001_insert").await, "completed");
    } else {
        assert_eq!(status(&db, "module:concerns-failover:001_insert").await, "completed");
        assert_eq!(count(&db, "effects", doc! {}).await, 1);
    }
}
