//! Partial changes of a migration, and a program that does not link it: an older version, after the newer one
//! was rolled back.

use std::future::IntoFuture;

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::migrator::HealthStatus;
use mongrate::{Error, Migrator, Registry, Schema, Tx, migration};
use mongrate_tests::stored::{fingerprint, migrator, registry, status, step, steps, tell, told, untell};
use mongrate_tests::{Gate, TestDb};

#[migration(id = "001_fine", source = "module:elsewhere-tx")]
async fn fine(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "fine").await?)
}

#[migration(id = "002_breaks", source = "module:elsewhere-tx", deps = ["module:elsewhere-tx:001_fine"])]
async fn breaks(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "breaks").await?;
    anyhow::ensure!(!told(tx, "break").await?, "told to");
    Ok(())
}

/// A migrator that does not link the second migration of a source.
fn older(db: &Database, source: &str) -> Migrator {
    let first: Registry = registry(&[source]).into_iter().take(1).collect();
    Migrator::builder(db.clone()).registry(first).build().unwrap()
}

fn assert_elsewhere(error: &Error, id: &str) {
    println!("{error}");
    assert!(matches!(error, Error::PartiallyAppliedElsewhere { ids } if ids == &[id]), "{error}");
}

async fn assert_refused(older: &Migrator, db: &Database, id: &str) {
    let before = fingerprint(db).await;
    assert_elsewhere(&older.up().await.unwrap_err(), id);
    assert_elsewhere(&older.up().dry_run(true).await.unwrap_err(), id);
    assert_elsewhere(&older.up().plan().await.unwrap_err(), id);
    assert_elsewhere(&older.plan().await.unwrap_err(), id);
    let health = older.health().await.unwrap();
    println!("{health}");
    assert_eq!((health.status(), health.is_ready()), (HealthStatus::Failed, false));
    assert_eq!(health.partially_applied_elsewhere(), [id]);
    assert!(health.to_string().contains(&format!("1 not linked in and partial ({id})")), "{health}");
    assert_eq!(fingerprint(db).await, before);
}

#[tokio::test]
async fn a_partial_tx_stops_a_program_that_does_not_link_it() {
    const ID: &str = "module:elsewhere-tx:002_breaks";
    let db = TestDb::standalone().await;
    tell(&db, "break").await;
    let newer = migrator(&db, "module:elsewhere-tx").build().unwrap();
    newer.up().await.unwrap_err();
    let older = older(&db, "module:elsewhere-tx");
    assert_refused(&older, &db, ID).await;
    // The environment does not matter.
    for variables in [[("MONGRATE_FAIL_HARD", "false")], [("MONGRATE_AUTO", "false")]] {
        let first: Registry = registry(&["module:elsewhere-tx"]).into_iter().take(1).collect();
        let boot = Migrator::builder(db.database().clone()).registry(first).boot();
        let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        assert_elsewhere(&boot.variables(variable).await.unwrap_err(), ID);
    }

    // The one that links it goes on as ever.
    untell(&db, "break").await;
    assert!(matches!(newer.up().await.unwrap_err(), Error::PartiallyApplied { .. }));
    newer.up().only(ID).await.unwrap();
    let _ = db.commands().take();
    assert!(older.up().await.unwrap().is_empty());
    assert_eq!(db.commands().take(), ["find"]);
    assert!(older.health().await.unwrap().is_ready());
}

#[tokio::test]
async fn pruning_the_record_lets_the_program_start() {
    let db = TestDb::standalone().await;
    tell(&db, "break").await;
    migrator(&db, "module:elsewhere-tx").build().unwrap().up().await.unwrap_err();
    let older = older(&db, "module:elsewhere-tx");
    older.prune("module:elsewhere-tx:002_breaks").because("repaired by hand").await.unwrap();
    assert!(older.up().await.unwrap().is_empty());
    assert_eq!(steps(&db).await, ["fine", "breaks"]);
}

static RUNS: Gate = Gate::new();
static GOES: Gate = Gate::new();

#[migration(id = "001_fine", source = "module:elsewhere-database")]
async fn fine_first(_: &mut Tx) -> Result<(), mongrate::Error> {
    Ok(())
}

#[migration(id = "002_raw", source = "module:elsewhere-database")]
async fn raw(db: &Database) -> Result<(), mongodb::error::Error> {
    RUNS.open();
    GOES.pass().await;
    db.collection::<Document>("effects").insert_one(doc! {}).await?;
    Ok(())
}

#[tokio::test]
async fn an_interrupted_raw_body_stops_a_program_that_does_not_link_it() {
    const ID: &str = "module:elsewhere-database:002_raw";
    let db = TestDb::new().await;
    // With clients of its own, so that the end of its body is known and the lease released.
    let newer = Migrator::connect(db.uri(), db.name()).await.unwrap();
    let first = newer.registry(Registry::linked().source("module:elsewhere-database")).build().unwrap();
    let run = tokio::spawn(first.up().into_future());
    RUNS.pass().await;

    // A rolling update: the older one serves meanwhile.
    let older = older(&db, "module:elsewhere-database");
    let _ = db.commands().take();
    assert!(older.up().await.unwrap().is_empty());
    // The records, then the lease, then the records again.
    assert_eq!(db.commands().take(), ["find", "find", "find"]);
    let health = older.health().await.unwrap();
    assert_eq!((health.status(), health.is_ready()), (HealthStatus::Busy, true), "{health}");

    first.shutdown().await;
    assert!(matches!(run.await.unwrap().unwrap_err(), Error::Interrupted { .. }));
    assert_eq!(status(&db, ID).await, "running");
    assert_refused(&older, &db, ID).await;

    GOES.open();
    let newer = Migrator::connect(db.uri(), db.name()).await.unwrap();
    let newer = newer.registry(Registry::linked().source("module:elsewhere-database")).build().unwrap();
    let report = newer.up().await.unwrap();
    assert_eq!(report.applied().count(), 1, "{report}");
    assert!(older.up().await.unwrap().is_empty());
}

/// Its holder dies while the older program waits for it.
#[tokio::test]
async fn partial_changes_of_a_dead_holder_are_found_after_the_wait() {
    const ID: &str = "module:elsewhere-tx:002_breaks";
    let db = TestDb::new().await;
    migrator(&db, "module:elsewhere-tx").build().unwrap().up().await.unwrap();
    let records = db.collection::<Document>("migrations");
    records.delete_one(doc! { "_id": "module:elsewhere-tx:001_fine" }).await.unwrap();
    let running = doc! { "$set": { "status": "running", "kind": "database", "token": 2_i64 } };
    records.update_one(doc! { "_id": ID }, running).await.unwrap();
    // It is alive by the server's clock when it is looked at first, and then gives no more signs of life.
    let holder = doc! {
        "nonce": mongodb::bson::oid::ObjectId::new(), "host": "elsewhere", "pid": 1_i64, "actor": null, "session": {},
        "current": ID,
    };
    let held = doc! { "$set": {
        "holder": { "$mergeObjects": [holder, { "since": "$$NOW" }] }, "token": 2_i64, "beat": 0_i64, "leaseMs": 2_000_i64,
        "expiresAt": { "$add": ["$$NOW", 2_000_i64] },
    } };
    db.collection::<Document>("migrations_lock").update_one(doc! { "_id": "lease" }, vec![held]).await.unwrap();
    assert_elsewhere(&older(&db, "module:elsewhere-tx").up().await.unwrap_err(), ID);
    assert_eq!(steps(&db).await, ["fine", "breaks"]);
}

#[migration(id = "001_fine", source = "module:elsewhere-schema")]
async fn fine_index(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "email": 1 }).await
}

#[migration(id = "002_index", source = "module:elsewhere-schema")]
async fn index(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "name": 1 }).await
}

#[tokio::test]
async fn only_the_record_of_an_interrupted_raw_body_stops_other_programs() {
    let db = TestDb::new().await;
    migrator(&db, "module:elsewhere-schema").build().unwrap().up().await.unwrap();
    let records = db.collection::<Document>("migrations");
    let id = doc! { "_id": "module:elsewhere-schema:002_index" };
    let record = records.find_one(id.clone()).await.unwrap().unwrap();
    assert_eq!(record.get_str("kind").unwrap(), "schema");
    let older = older(&db, "module:elsewhere-schema");
    for kind in ["schema", "tx", "backfill", ""] {
        // A record of an older version says nothing.
        let change = match kind {
            "" => doc! { "$set": { "status": "running" }, "$unset": { "kind": "" } },
            kind => doc! { "$set": { "status": "running", "kind": kind } },
        };
        records.update_one(id.clone(), change).await.unwrap();
        let _ = db.commands().take();
        assert!(older.up().await.unwrap().is_empty(), "{kind}");
        assert_eq!(db.commands().take(), ["find"], "{kind}");
        assert!(older.health().await.unwrap().is_ready(), "{kind}");
    }
}
