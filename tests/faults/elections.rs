//! Fail-overs during a run, on replica sets with three members.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use mongodb::{Client, Database};
use mongrate::{Migrator, Registry, Tx, migration};
use mongrate_testkit::mongod::Mongod;
use mongrate_tests::crash::ALL;
use mongrate_tests::{FailPoint, TestDb, Worker, crash, eventually, eventually_within, servers};
use tokio::time::sleep;

use super::{assert_all_done, count, effects, ended, successor, token};

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

/// Starts a worker with a lease that is longer than a fail-over.
fn start(db: &TestDb, halt: &[&str]) -> Worker {
    Worker::start(&[&["crash", db.uri(), db.name(), "30000"], halt].concat())
}

pub(super) async fn three_members() -> Mongod {
    servers::builder().members(3).start().await.unwrap()
}

/// Waits until all members see the same primary: there may be several elections in a row.
pub(super) async fn one_primary(server: &Mongod) {
    let ask = async |client: &Client| {
        let hello = client.database("admin").run_command(doc! { "hello": 1 }).await.ok()?;
        hello.get_str("primary").ok().map(str::to_owned)
    };
    let mut members = Vec::new();
    for member in server.members() {
        members.push(Client::with_uri_str(member.uri()).await.unwrap());
    }
    eventually("one primary for all members", async || {
        let first = ask(&members[0]).await?;
        (ask(&members[1]).await? == first && ask(&members[2]).await? == first).then_some(())
    })
    .await;
}

/// Kills the primary while a process is paused at `position`.
async fn primary_killed(position: &str) {
    let server = three_members().await;
    let db = TestDb::on(&server).await;
    let mut worker = start(&db, &["pause", position]);
    assert_eq!(worker.line().await, Some(format!("halted at {position}")));
    worker.paused().await;
    let primary = server.primary().await.unwrap();
    server.kill(primary).unwrap();
    server.primary().await.unwrap();
    worker.cont();
    // An index build on a non-empty collection waits for all voting members.
    server.restart(primary).await.unwrap();
    let end = ended(&mut worker).await;
    assert!(successor(&db).await.status().await.unwrap().holder().is_none(), "{end}");
    if end != "ok" {
        assert!(end.starts_with("Failed") || end.starts_with("Unreachable"), "{end}");
        successor(&db).await.up().await.unwrap();
    }
    assert_all_done(&db, &format!("{position}: {end}")).await;
}

#[tokio::test]
async fn i1_primary_killed_in_a_body() {
    primary_killed("body 001_first").await;
}

#[tokio::test]
async fn i6_primary_killed_in_a_schema_body() {
    primary_killed("body 002_schema").await;
}

#[tokio::test]
async fn i6_primary_killed_in_a_raw_body() {
    primary_killed("body 003_raw").await;
}

#[tokio::test]
async fn i1_primary_killed_before_the_commit() {
    primary_killed("commitTransaction 1").await;
}

/// The commit is applied on the primary, but has not reached a majority when the primary dies. The new primary does not have it,
/// and the old one rolls it back.
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

/// The commit has reached a majority when the primary dies, but the reply is lost. The process asks the new primary.
#[tokio::test]
async fn i1_primary_killed_after_the_commit_has_reached_a_majority() {
    let server = three_members().await;
    let db = TestDb::on(&server).await;
    let mut worker = start(&db, &["pause", "commitTransaction 1"]);
    worker.line().await.unwrap();
    worker.paused().await;
    let primary = server.primary().await.unwrap();
    let hang = FailPoint::named("hangBeforeWaitingForWriteConcern", "alwaysOn", db.uri(), doc! {}).await;
    worker.cont();
    eventually("the commit on a majority", async || (effects(&db, ALL[0]).await == 1).then_some(())).await;
    server.kill(primary).unwrap();
    server.primary().await.unwrap();
    drop(hang);
    server.restart(primary).await.unwrap();
    let end = ended(&mut worker).await;
    println!("killed with the commit on a majority: {end}");
    assert_eq!(end, "ok");
    assert_eq!(token(&db).await, 1);
    assert_all_done(&db, "killed after the commit").await;
}

/// The driver notices after about 20 s that the primary no longer answers. A lease of one minute survives that.
#[tokio::test]
async fn i2_primary_stopped_with_default_options() {
    let server = three_members().await;
    let db = TestDb::on(&server).await;
    let mut worker = Worker::start(&["crash", db.uri(), db.name(), "60000", "pause", "commitTransaction 7"]);
    worker.line().await.unwrap();
    worker.paused().await;
    let primary = server.primary().await.unwrap();
    server.stop(primary).unwrap();
    server.primary().await.unwrap();
    let began = Instant::now();
    worker.cont();
    let observer = successor(&db).await;
    eventually_within(Duration::from_secs(60), "the end of the run", async || {
        observer.status().await.ok().filter(|status| status.holder().is_none())
    })
    .await;
    let end = ended(&mut worker).await;
    println!("the primary was stopped for {:?}: {end}", began.elapsed());
    assert_eq!(end, "ok");
    assert_eq!(token(&db).await, 1);
    server.cont(primary).unwrap();
    assert_all_done(&db, "primary stopped").await;
}

/// No write reaches a majority. The run fails in time with this reason, and reports nothing as applied that a fail-over could
/// undo.
#[tokio::test]
async fn i6_both_secondaries_stopped() {
    let server = three_members().await;
    let db = TestDb::on(&server).await;
    let uri = format!("{}&serverSelectionTimeoutMS=2000", db.uri());
    let mut worker = Worker::start(&["crash", &uri, db.name(), "6000", "pause", "commitTransaction 1"]);
    worker.line().await.unwrap();
    worker.paused().await;
    let primary = server.primary().await.unwrap();
    let others: Vec<_> = (0..3).filter(|member| *member != primary).collect();
    for member in &others {
        server.stop(*member).unwrap();
    }
    worker.cont();
    let began = Instant::now();
    let mut printed = Vec::new();
    let end = loop {
        let line = worker.line().await.expect("the worker said nothing of its end");
        if let Some(end) = line.strip_prefix("ended ") {
            break end.to_owned();
        }
        printed.push(line);
    };
    println!("without a majority, after {:?}: {end}; before it {printed:?}", began.elapsed());
    assert!(!printed.iter().any(|line| line.starts_with("applied")), "{printed:?}");
    // It claims nothing that it cannot know.
    assert!(end.starts_with("Unacknowledged"), "{end}");
    assert!(end.contains("it acknowledges no majority writes"), "{end}");
    assert!(
        end.contains("The attempt may still take effect; only what the report lists as applied is certain"),
        "{end}"
    );

    for member in &others {
        server.cont(*member).unwrap();
    }
    one_primary(&server).await;
    // In any case, an effect has its record. Counted in this order, because either may reach a majority only now.
    let effects = effects(&db, ALL[0]).await;
    let completed = count(&db, "migrations", doc! { "_id": ALL[0], "status": "completed" }).await;
    assert!(completed >= effects, "{effects} effects, {completed} records");
    successor(&db).await.up().await.unwrap();
    assert_all_done(&db, &end).await;
}

pub(super) async fn direct(server: &Mongod, member: usize, db: &TestDb) -> Database {
    Client::with_uri_str(server.members()[member].uri()).await.unwrap().database(db.name())
}

/// Several fail-overs in one run: every interrupted body runs again.
#[tokio::test]
async fn i1_step_downs_while_several_migrations_run() {
    let server = three_members().await;
    let db = TestDb::on(&server).await;
    let registry = Registry::linked().source("module:stepdown");
    let migrator = Migrator::builder(db.database().clone()).registry(registry).build().unwrap();
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
    assert_eq!(count(&db, "migrations_history", doc! { "act": "up", "status": "completed" }).await, 6, "{result:?}");
}
