//! Fail-overs between the intent, the effect and the result of a `Schema` operation, and during an index build.

use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongrate::{Error, Schema, migration};
use mongrate_testkit::mongod::Mongod;
use mongrate_tests::crash::restructure::{ID, assert_restructured, prepare};
use mongrate_tests::stored::{collections, history, migrator};
use mongrate_tests::{FailPoint, TestDb, Worker, eventually, under_way};

use super::builds::builds_of;
use super::elections::{direct, one_primary, three_members};
use super::restructure::{assert_all_once, assert_ended, successor};
use super::{LEASE_MS, ended};

/// A lease that is longer than a fail-over.
const LONG_LEASE_MS: &str = "30000";

#[derive(Clone, Copy, Debug)]
enum Fall {
    Killed,
    SteppedDown,
}

fn start(db: &TestDb, lease_ms: &str, how: &str, position: &str) -> Worker {
    Worker::start(&["restructure", db.uri(), db.name(), lease_ms, how, position])
}

async fn paused_at(db: &TestDb, position: &str) -> Worker {
    let mut worker = start(db, LONG_LEASE_MS, "pause", position);
    assert_eq!(worker.line().await, Some(format!("halted at {position}")));
    worker.paused().await;
    worker
}

async fn step_down(server: &Mongod, primary: usize) {
    let client = Client::with_uri_str(server.members()[primary].uri()).await.unwrap();
    let step_down = doc! { "replSetStepDown": 5, "secondaryCatchUpPeriodSecs": 2, "force": true };
    client.database("admin").run_command(step_down).await.unwrap();
    assert_ne!(server.primary().await.unwrap(), primary);
}

/// Stops replication to the secondaries until the primary is dead.
async fn isolate(server: &Mongod, primary: usize) -> Vec<FailPoint> {
    let mut stopped = Vec::new();
    for secondary in (0..3).filter(|member| *member != primary) {
        let member = server.members()[secondary].uri();
        let stops = FailPoint::named("stopReplProducer", "alwaysOn", &member, doc! {}).await;
        stops.strikes().await;
        stopped.push(stops);
    }
    stopped
}

/// Kills the primary while the worker is paused. Everything that was not replicated is lost.
async fn lose_primary(server: &Mongod, primary: usize, stopped: Vec<FailPoint>, worker: &Worker) {
    worker.stop();
    worker.paused().await;
    server.kill(primary).unwrap();
    drop(stopped);
    server.primary().await.unwrap();
}

/// Waits until the worker, or the next run, completes.
async fn completed(db: &TestDb, worker: &mut Worker) -> String {
    let end = ended(worker).await;
    assert!(successor(db).await.status().await.unwrap().holder().is_none(), "{end}");
    if end != "ok" {
        assert!(end.starts_with("Failed") || end.starts_with("Unreachable"), "{end}");
        successor(db).await.up().await.unwrap();
    }
    end
}

#[tokio::test]
async fn i1_fail_overs_around_the_operations_of_a_schema_body() {
    let server = three_members().await;
    for (position, fall) in [
        // Before the first intent, and before a result with the next one.
        ("commitTransaction 1", Fall::SteppedDown),
        ("commitTransaction 2", Fall::Killed),
        // Between an intent and its effect.
        ("drop 1", Fall::Killed),
        ("renameCollection 1", Fall::SteppedDown),
        // Between an effect and its result.
        ("after drop 1", Fall::SteppedDown),
        ("after renameCollection 1", Fall::Killed),
    ] {
        let db = TestDb::on(&server).await;
        let orders = prepare(&db).await;
        let mut worker = paused_at(&db, position).await;
        let primary = server.primary().await.unwrap();
        match fall {
            Fall::SteppedDown => step_down(&server, primary).await,
            Fall::Killed => {
                server.kill(primary).unwrap();
                server.primary().await.unwrap();
                server.restart(primary).await.unwrap();
            }
        }
        worker.cont();
        let end = completed(&db, &mut worker).await;
        let context = format!("{fall:?} at {position}: {end}");
        println!("{context}");
        one_primary(&server).await;
        assert_all_once(&db, &context).await;
        assert_restructured(&db, &orders, &context).await;
        assert_ended(&db, "completed", &context).await;
    }
}

/// An operation takes effect only on the primary, which dies, so that the effect is rolled back. The run, or the next one, reads
/// the database again.
#[tokio::test]
async fn i1_an_operation_that_is_rolled_back_takes_effect_again() {
    let server = three_members().await;
    for (position, gone, dies) in [("drop 1", "orders_old", false), ("renameCollection 1", "orders", true)] {
        let db = TestDb::on(&server).await;
        let orders = prepare(&db).await;
        let mut worker = paused_at(&db, position).await;
        let primary = server.primary().await.unwrap();
        let stopped = isolate(&server, primary).await;
        worker.cont();
        let alone = direct(&server, primary, &db).await;
        let is_gone = async |names: Vec<String>| (!names.contains(&gone.to_owned())).then_some(());
        eventually("the effect on the primary", async || is_gone(collections(&alone).await).await).await;
        lose_primary(&server, primary, stopped, &worker).await;
        assert!(collections(&db).await.contains(&gone.to_owned()), "{position} was not rolled back");
        server.restart(primary).await.unwrap();
        let end = if dies {
            worker.kill();
            successor(&db).await.force_unlock().because("it is dead").await.unwrap();
            successor(&db).await.up().await.unwrap();
            "killed".to_owned()
        } else {
            worker.cont();
            completed(&db, &mut worker).await
        };
        let context = format!("{position}, rolled back: {end}");
        println!("{context}");
        one_primary(&server).await;
        assert_all_once(&db, &context).await;
        assert_restructured(&db, &orders, &context).await;
        assert_ended(&db, "completed", &context).await;
    }
}

/// A dead holder's `drop` arrives late, and only the primary has it when the next run reads the database. The primary dies, so the
/// run reads again before it continues.
#[tokio::test]
async fn i1_a_read_that_is_rolled_back_is_repeated() {
    let server = three_members().await;
    let db = TestDb::on(&server).await;
    let orders = prepare(&db).await;
    let mut dead = start(&db, LEASE_MS, "die", "drop 1");
    dead.finish().await;
    let mut worker = paused_at(&db, "listCollections 2").await;
    let primary = server.primary().await.unwrap();
    let stopped = isolate(&server, primary).await;
    let alone = direct(&server, primary, &db).await;
    alone.run_command(doc! { "drop": "orders_old", "writeConcern": { "w": 1 } }).await.unwrap();
    worker.cont();
    // The operation in doubt is written again under the next token before the result of the read is used.
    let written = doc! { "_id": ID, "token": 2 };
    let records = alone.collection::<Document>("migrations");
    eventually("the write on the primary", async || records.find_one(written.clone()).await.unwrap()).await;
    lose_primary(&server, primary, stopped, &worker).await;
    assert!(collections(&db).await.contains(&"orders_old".to_owned()), "the drop was not rolled back");
    server.restart(primary).await.unwrap();
    worker.cont();
    let end = completed(&db, &mut worker).await;
    println!("{end}");
    one_primary(&server).await;
    assert_all_once(&db, &end).await;
    assert_restructured(&db, &orders, &end).await;
    assert_ended(&db, "completed", &end).await;
}

#[migration(id = "001_index", source = "module:ddl-elections")]
async fn index(schema: &mut Schema) -> Result<(), Error> {
    schema.create_index("users", doc! { "email": 1 }).await
}

/// The build continues on the new primary, and the same run joins it.
#[tokio::test]
async fn i6_a_fail_over_during_an_index_build() {
    let server = three_members().await;
    let db = TestDb::on(&server).await;
    db.collection::<Document>("users").insert_one(doc! { "email": 1 }).await.unwrap();
    let primary = server.primary().await.unwrap();
    let member = server.members()[primary].uri();
    let hangs = FailPoint::named("hangAfterStartingIndexBuild", "alwaysOn", &member, doc! {}).await;
    let (replica, _) = db.replica("migrating").await;
    let run = tokio::spawn(migrator(&replica, "module:ddl-elections").build().unwrap().up().into_future());
    let build = eventually("the build", async || under_way::build(&db, "users").await).await;
    step_down(&server, primary).await;
    eventually("the request to the new primary", async || {
        (under_way::commands(&db, "createIndexes").await > 0).then_some(())
    })
    .await;
    assert_eq!(under_way::build(&db, "users").await, Some(build));
    assert!(!run.is_finished());
    drop(hangs);
    run.await.unwrap().unwrap();
    assert_eq!(under_way::build(&db, "users").await, None);
    assert_eq!(db.collection::<Document>("users").list_index_names().await.unwrap(), ["_id_", "email_1"]);
    assert_eq!(builds_of(&db, "users").await, ["startIndexBuild users", "commitIndexBuild users"]);
    assert_eq!(history(&db, "module:ddl-elections:001_index").await, ["completed"]);
}
