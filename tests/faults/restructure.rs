//! A `Schema` body that dies, or loses a message, at every single command. It resumes, and loses nothing (I1).

use std::os::unix::process::ExitStatusExt;

use futures_util::{StreamExt, stream};
use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongrate::{Error, Migrator};
use mongrate_tests::crash::restructure::{
    ID, assert_put_back, assert_restructured, carried_out, migrator, prepare, uuid,
};
use mongrate_tests::stored::{count, lease_is_free, record, status};
use mongrate_tests::{Lost, Proxy, Strike, TestDb, Worker, servers};

use super::{LEASE_MS, SOON};

/// Number of concurrent cases, which mostly wait.
const AT_ONCE: usize = 12;

/// Minimum number of commands in a run.
const FEWEST: usize = 40;

const SIGKILL: i32 = 9;

/// The commands that the server executes for the body, across all its executions. Only a validator may be set more than once.
const ONCE: [&str; 13] = [
    "commitIndexBuild orders_old",
    "create orders",
    "create orders_old",
    "create shelf_a",
    "create shelf_b",
    "create shelf_c",
    "create stock",
    "create stock_rebuilt",
    "create system.views",
    "drop orders_old",
    "renameCollection orders",
    "renameCollection stock_rebuilt",
    "startIndexBuild orders_old",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// The kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    ReplicaSet,
    Standalone,
}

impl Server {
    async fn db(self) -> TestDb {
        match self {
            Self::ReplicaSet => TestDb::new().await,
            Self::Standalone => TestDb::standalone().await,
        }
    }

    async fn port(self) -> u16 {
        let server = match self {
            Self::ReplicaSet => servers::replica_set().await,
            Self::Standalone => servers::standalone().await,
        };
        server.members()[0].port()
    }

    /// Not checked on a standalone server, which has no oplog.
    async fn assert_all_once(self, db: &TestDb, context: &str) {
        if self == Self::ReplicaSet {
            assert_all_once(db, context).await;
        }
    }
}

/// Runs a case for every command of a run.
async fn for_every_command<F: Future<Output = ()>>(server: Server, way: Way, case: impl Fn(usize) -> F) {
    let db = server.db().await;
    prepare(&db).await;
    let (database, commands) = db.replica("counted").await;
    let migrator = migrator(database, SOON);
    migrator.up().await.unwrap();
    if way == Way::Down {
        let _ = commands.take();
        migrator.down().await.unwrap();
    }
    // Some more, since there may be additional heartbeats.
    let count = commands.take().len() + 2;
    println!("{server:?}, {way:?}: {count} commands");
    stream::iter(1..=count).map(case).buffer_unordered(AT_ONCE).collect::<()>().await;
}

pub(super) async fn successor(db: &TestDb) -> Migrator {
    let (database, _) = db.replica("successor").await;
    migrator(database, std::time::Duration::from_secs(20))
}

/// Waits for the end of a worker, which was killed unless the run has fewer commands, or has lost its lease before on a busy
/// machine.
async fn died(worker: &mut Worker, position: usize) {
    let end = worker.finish().await;
    let said = worker.rest().await;
    let killed = end.signal() == Some(SIGKILL);
    assert!(
        killed || position > FEWEST || said.iter().any(|line| line.contains("LeaseLost")),
        "{position}: {end}, {said:?}"
    );
}

/// Asserts that the log was removed when the body completed.
pub(super) async fn assert_ended(db: &TestDb, expected: &str, context: &str) {
    let record = record(db, ID).await.unwrap();
    assert_eq!(record.get_str("status").unwrap(), expected, "{context}");
    assert!(!record.contains_key("log"), "{record}, {context}");
}

pub(super) async fn assert_all_once(db: &TestDb, context: &str) {
    let mut once = carried_out(db).await;
    once.retain(|command| !command.starts_with("collMod"));
    // The collections that the test creates.
    let mut expected: Vec<_> = ONCE.iter().map(|command| (*command).to_owned()).collect();
    expected.insert(1, "create orders".to_owned());
    assert_eq!(once, expected, "{context}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_schema_body_is_killed_before_every_command() {
    killed(Server::ReplicaSet).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_schema_body_is_killed_before_every_command_on_a_standalone_server() {
    killed(Server::Standalone).await;
}

async fn killed(server: Server) {
    for_every_command(server, Way::Up, |position| async move {
        let db = server.db().await;
        let orders = prepare(&db).await;
        let halt = format!("command {position}");
        let mut worker = Worker::start(&["restructure", db.uri(), db.name(), LEASE_MS, "die", &halt]);
        died(&mut worker, position).await;
        let report = successor(&db).await.up().await.unwrap();
        let context = format!("killed before command {position}: {report}");
        server.assert_all_once(&db, &context).await;
        assert_restructured(&db, &orders, &context).await;
        assert_ended(&db, "completed", &context).await;
        assert!(report.is_empty() || lease_is_free(&db).await, "{context}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_schema_body_is_killed_before_every_command_of_a_down() {
    killed_in_a_down(Server::ReplicaSet).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_schema_body_is_killed_before_every_command_of_a_down_on_a_standalone_server() {
    killed_in_a_down(Server::Standalone).await;
}

async fn killed_in_a_down(server: Server) {
    for_every_command(server, Way::Down, |position| async move {
        let db = server.db().await;
        let orders = prepare(&db).await;
        let successor = successor(&db).await;
        successor.up().await.unwrap();
        let halt = format!("command {position}");
        let mut worker = Worker::start(&["restructure-down", db.uri(), db.name(), LEASE_MS, "die", &halt]);
        died(&mut worker, position).await;
        let report = successor.down().await.unwrap();
        let context = format!("killed before command {position} of a down: {report}");
        assert_put_back(&db, &orders, &context).await;
        assert_ended(&db, "rolled-back", &context).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_schema_body_loses_the_reply_to_every_command() {
    let server = Server::ReplicaSet;
    for_every_command(server, Way::Up, |position| lost(server, position, Lost::Reply, true)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_schema_body_loses_every_command_without_retries() {
    let server = Server::ReplicaSet;
    for_every_command(server, Way::Up, |position| lost(server, position, Lost::Request, false)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_schema_body_loses_the_reply_to_every_command_on_a_standalone_server() {
    let server = Server::Standalone;
    for_every_command(server, Way::Up, |position| lost(server, position, Lost::Reply, false)).await;
}

/// The run continues, or fails and releases the lease, so that the next one continues immediately.
async fn lost(server: Server, position: usize, lost: Lost, retries: bool) {
    let db = server.db().await;
    let orders = prepare(&db).await;
    let proxy = Proxy::to(server.port().await, Strike::Any(position..=position), lost).await;
    let uri = format!("{}&retryWrites={retries}&retryReads={retries}", proxy.uri());
    let database = Client::with_uri_str(&uri).await.unwrap().database(db.name());
    let result = migrator(database, SOON).up().await;
    let commands = proxy.commands();
    let struck = commands.get(position - 1).map_or("nothing", String::as_str);
    let context = format!("{lost:?} of {position} ({struck}) with retries {retries}: {:?}", result.as_ref().err());
    println!("{context}");
    assert!(successor(&db).await.status().await.unwrap().holder().is_none(), "the lease is still held, {context}");
    if let Err(error) = result {
        // Commands with which the engine prepares its own collections, before the body reads.
        let looks = commands.iter().take(position - 1).filter(|command| *command == "listCollections").count();
        let own = looks < 2;
        assert!(!retries || own && ["create", "createIndexes"].contains(&struck), "{context}");
        assert!(matches!(error, Error::Failed { .. } | Error::Unreachable { .. }), "{context}");
        successor(&db).await.up().await.unwrap();
    }
    server.assert_all_once(&db, &context).await;
    assert_restructured(&db, &orders, &context).await;
    assert_ended(&db, "completed", &context).await;
}

/// The collection that a dead process was about to drop is recreated. The new documents stay.
#[tokio::test]
async fn i1_a_recreated_collection_is_not_dropped() {
    let db = TestDb::new().await;
    let orders = prepare(&db).await;
    killed_before(&db, "drop 1").await;
    let old = db.collection::<Document>("orders_old");
    old.drop().await.unwrap();
    old.insert_one(doc! { "_id": "new" }).await.unwrap();
    // The drop counts as done, so the next operation finds its name taken.
    let error = successor(&db).await.up().await.unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("'orders_old' exists already"), "{error}");
    assert_eq!(count(&db, "orders_old", doc! { "_id": "new" }).await, 1);
    assert_eq!(uuid(&db, "orders").await, orders);
    // The application resolves it.
    old.drop().await.unwrap();
    successor(&db).await.up().await.unwrap();
    assert_restructured(&db, &orders, "the name is free").await;
}

/// The target of a rename is created by somebody else. The operation is in doubt, and nothing happens until an operator resolves
/// it.
#[tokio::test]
async fn i1_a_rename_whose_target_was_taken_is_in_doubt() {
    let db = TestDb::new().await;
    let orders = prepare(&db).await;
    killed_before(&db, "renameCollection 1").await;
    db.collection("orders_old").insert_one(doc! { "_id": "new" }).await.unwrap();
    for _ in 0..2 {
        let error = successor(&db).await.up().await.unwrap_err();
        println!("{error}");
        let Error::Failed { source, .. } = &error else { panic!("{error:?}") };
        assert!(matches!(source.downcast_ref(), Some(Error::InDoubt { position: 2, .. })), "{source:?}");
        assert_eq!(status(&db, ID).await, "failed");
        assert_eq!(uuid(&db, "orders").await, orders);
        assert_eq!(count(&db, "orders_old", doc! { "_id": "new" }).await, 1);
    }
    // Once it is resolved by hand, it is no longer in doubt.
    db.collection::<Document>("orders_old").drop().await.unwrap();
    successor(&db).await.up().await.unwrap();
    assert_restructured(&db, &orders, "cleared up").await;
}

async fn killed_before(db: &TestDb, position: &str) {
    let mut worker = Worker::start(&["restructure", db.uri(), db.name(), LEASE_MS, "die", position]);
    assert_eq!(worker.line().await, Some(format!("halted at {position}")));
    worker.finish().await;
}

/// A holder that was paused right before a command sends it after another process has completed the migration. The command affects
/// no other collection of the same name, and changes nothing.
#[tokio::test]
async fn i2_a_stale_holder_drops_and_renames_nothing() {
    for position in ["drop 1", "renameCollection 1"] {
        let db = TestDb::new().await;
        let orders = prepare(&db).await;
        let mut worker = Worker::start(&["restructure", db.uri(), db.name(), LEASE_MS, "pause", position]);
        assert_eq!(worker.line().await, Some(format!("halted at {position}")));
        worker.paused().await;
        successor(&db).await.up().await.unwrap();
        let context = format!("stopped before {position}");
        assert_restructured(&db, &orders, &context).await;
        worker.cont();
        let said = worker.rest().await;
        println!("{context}: {said:?}");
        assert!(said.iter().any(|line| line.contains("LeaseLost")), "{said:?}");
        assert_all_once(&db, &context).await;
        assert_restructured(&db, &orders, &context).await;
        assert_ended(&db, "completed", &context).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_a_schema_body_is_paused_before_every_command() {
    for_every_command(Server::ReplicaSet, Way::Up, |position| async move {
        let db = TestDb::new().await;
        let orders = prepare(&db).await;
        let halt = format!("command {position}");
        let mut worker = Worker::start(&["restructure", db.uri(), db.name(), LEASE_MS, "pause", &halt]);
        let said = worker.line().await.unwrap();
        if said.starts_with("halted") {
            worker.paused().await;
            successor(&db).await.up().await.unwrap();
            worker.cont();
        }
        let rest = worker.rest().await;
        successor(&db).await.up().await.unwrap();
        let context = format!("paused before command {position}: {said}, {rest:?}");
        assert_all_once(&db, &context).await;
        assert_restructured(&db, &orders, &context).await;
        assert_ended(&db, "completed", &context).await;
    })
    .await;
}
