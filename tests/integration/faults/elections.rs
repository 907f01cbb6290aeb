//! Fail-overs in the middle of a run, on servers of three members.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::{Client, Database};
use mongrate::mongod::Mongod;
use mongrate::{Migrator, Registry, Tx, migration};
use mongrate_tests::{TestDb, Worker, crash, eventually, servers};
use tokio::time::sleep;

use super::{assert_all_done, count, ended, successor};

static STEPPED: AtomicU32 = AtomicU32::new(0);

macro_rules! short {
    ($name:ident, $id:literal) => {
        #[migration(id = $id, source = "module:stepdown")]
        async fn $name(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
            tx.collection::<Document>("effects").insert_one(doc! { "migration": $id }).await?;
            STEPPED.fetch_add(1, Relaxed);
            sleep(Duration::from_millis(300)).await;
            Ok(())
        }
    };
}

short!(one, "001_one");
short!(two, "002_two");
short!(three, "003_three");
short!(four, "004_four");
short!(five, "005_five");
short!(six, "006_six");

/// With a lease that outlasts a fail-over.
fn start(db: &TestDb, halt: &[&str]) -> Worker {
    Worker::start(&[&["crash", db.uri(), db.name(), "30000"], halt].concat())
}

async fn three_members() -> Mongod {
    servers::builder().members(3).start().await.unwrap()
}

/// Kills the primary while a process stands still at a place.
async fn primary_killed(place: &str) {
    let server = three_members().await;
    let db = TestDb::on(&server).await;
    let mut worker = start(&db, &["pause", place]);
    assert_eq!(worker.line().await, Some(format!("halted at {place}")));
    worker.paused().await;
    let primary = server.primary().await.unwrap();
    server.kill(primary).unwrap();
    server.primary().await.unwrap();
    worker.cont();
    // An index build on a collection that is not empty waits for all voting members.
    server.restart(primary).await.unwrap();
    let end = ended(&mut worker).await;
    assert!(successor(&db).await.status().await.unwrap().holder().is_none(), "{end}");
    if end != "ok" {
        assert!(end.starts_with("Failed") || end.starts_with("Unreachable"), "{end}");
        successor(&db).await.up().await.unwrap();
    }
    assert_all_done(&db, &format!("{place}: {end}")).await;
}

#[tokio::test]
async fn i1_primary_killed_in_a_body() {
    primary_killed("body 001_first").await;
}

#[tokio::test]
async fn i1_primary_killed_before_the_commit() {
    primary_killed("commitTransaction 1").await;
}

/// The commit is applied on the primary, but has not reached a majority when the primary dies: the new primary does not
/// know it, and the old one takes it back.
#[tokio::test]
async fn i1_primary_killed_before_the_commit_has_reached_a_majority() {
    let server = three_members().await;
    let db = TestDb::on(&server).await;
    let primary = server.primary().await.unwrap();
    let mut worker = start(&db, &["pause", "commitTransaction 1"]);
    worker.line().await.unwrap();
    worker.paused().await;
    for (index, _) in server.members().iter().enumerate().filter(|(index, _)| *index != primary) {
        server.stop(index).unwrap();
    }
    worker.cont();
    let applied = direct(&server, primary, &db).await;
    eventually("the commit on the primary", async || {
        let effects = applied.collection::<Document>(crash::EFFECTS);
        effects.find_one(doc! {}).await.unwrap()
    })
    .await;
    server.kill(primary).unwrap();
    for (index, _) in server.members().iter().enumerate().filter(|(index, _)| *index != primary) {
        server.cont(index).unwrap();
    }
    server.primary().await.unwrap();
    server.restart(primary).await.unwrap();
    let end = ended(&mut worker).await;
    if end != "ok" {
        successor(&db).await.up().await.unwrap();
    }
    assert_all_done(&db, &end).await;
}

async fn direct(server: &Mongod, member: usize, db: &TestDb) -> Database {
    Client::with_uri_str(server.members()[member].uri()).await.unwrap().database(db.name())
}

/// More than one of them in one run: every body that was under way runs again.
#[tokio::test]
async fn i1_step_downs_while_several_migrations_run() {
    let server = three_members().await;
    let db = TestDb::on(&server).await;
    let registry = Registry::linked().source("module:stepdown");
    let migrator = Migrator::builder(db.database().clone()).registry(registry).build();
    let run = tokio::spawn(migrator.up().into_future());
    for bodies in [2, 5] {
        eventually("the next body", async || (STEPPED.load(Relaxed) >= bodies).then_some(())).await;
        let primary = server.primary().await.unwrap();
        let client = Client::with_uri_str(server.members()[primary].uri()).await.unwrap();
        let step_down = doc! { "replSetStepDown": 2, "secondaryCatchUpPeriodSecs": 1, "force": true };
        client.database("admin").run_command(step_down).await.unwrap();
    }
    let result = run.await.unwrap();
    assert!(migrator.status().await.unwrap().holder().is_none(), "{result:?}");
    migrator.up().await.unwrap();
    assert!(STEPPED.load(Relaxed) > 6, "nothing was interrupted: {result:?}");
    for id in ["001_one", "002_two", "003_three", "004_four", "005_five", "006_six"] {
        assert_eq!(count(&db, "effects", doc! { "migration": id }).await, 1, "{id}: {result:?}");
    }
    assert_eq!(count(&db, "migrations_history", doc! { "status": "completed" }).await, 6, "{result:?}");
}
