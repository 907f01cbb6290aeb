//! A `Schema` body that dies, or loses a message, at every single command: it resumes, and loses nothing (I1).

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

/// How many cases run at the same time: most of each is waiting.
const AT_ONCE: usize = 12;

/// Every run has at least so many commands.
const FEWEST: usize = 40;

const SIGKILL: i32 = 9;

/// What the server does for the body in all, however often it begins. A validator may be set again.
const ONCE: [&str; 10] = [
    "commitIndexBuild orders_old",
    "create orders",
    "create orders_old",
    "create shelf_a",
    "create shelf_b",
    "create shelf_c",
    "create system.views",
    "drop orders_old",
    "renameCollection orders",
    "startIndexBuild orders_old",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// What it runs on.
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

    /// A standalone server has no oplog to tell it.
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
    // Some more, since heartbeats may come between.
    let count = commands.take().len() + 2;
    println!("{server:?}, {way:?}: {count} commands");
    stream::iter(1..=count).map(case).buffer_unordered(AT_ONCE).collect::<()>().await;
}

pub(super) async fn successor(db: &TestDb) -> Migrator {
    let (database, _) = db.replica("successor").await;
    migrator(database, std::time::Duration::from_secs(20))
}

/// Waits for the end of a worker; it was killed, unless the run has not that many commands, or has lost its lease before, on a
/// machine that is busy.
async fn died(worker: &mut Worker, place: usize) {
    let end = worker.finish().await;
    let said = worker.rest().await;
    let killed = end.signal() == Some(SIGKILL);
    assert!(killed || place > FEWEST || said.iter().any(|line| line.contains("LeaseLost")), "{place}: {end}, {said:?}");
}

/// The log has gone with the end of the body.
pub(super) async fn assert_ended(db: &TestDb, expected: &str, context: &str) {
    let record = record(db, ID).await.unwrap();
    assert_eq!(record.get_str("status").unwrap(), expected, "{context}");
    assert!(!record.contains_key("log"), "{record}, {context}");
}

pub(super) async fn assert_all_once(db: &TestDb, context: &str) {
    let mut once = carried_out(db).await;
    once.retain(|command| !command.starts_with("collMod"));
    // The collections that the test makes.
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
    for_every_command(server, Way::Up, |place| async move {
        let db = server.db().await;
        let orders = prepare(&db).await;
        let halt = format!("command {place}");
        let mut worker = Worker::start(&["restructure", db.uri(), db.name(), LEASE_MS, "die", &halt]);
        died(&mut worker, place).await;
        let report = successor(&db).await.up().await.unwrap();
        let context = format!("killed before command {place}: {report}");
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
    for_every_command(server, Way::Down, |place| async move {
        let db = server.db().await;
        let orders = prepare(&db).await;
        let successor = successor(&db).await;
        successor.up().await.unwrap();
        let halt = format!("command {place}");
        let mut worker = Worker::start(&["restructure-down", db.uri(), db.name(), LEASE_MS, "die", &halt]);
        died(&mut worker, place).await;
        let report = successor.down().await.unwrap();
        let context = format!("killed before command {place} of a down: {report}");
        assert_put_back(&db, &orders, &context).await;
        assert_ended(&db, "rolled-back", &context).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_schema_body_loses_the_reply_to_every_command() {
    let server = Server::ReplicaSet;
    for_every_command(server, Way::Up, |place| lost(server, place, Lost::Reply, true)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_schema_body_loses_every_command_without_retries() {
    let server = Server::ReplicaSet;
    for_every_command(server, Way::Up, |place| lost(server, place, Lost::Request, false)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_schema_body_loses_the_reply_to_every_command_on_a_standalone_server() {
    let server = Server::Standalone;
    for_every_command(server, Way::Up, |place| lost(server, place, Lost::Reply, false)).await;
}

/// The run goes on, or fails and leaves the lease free, so that the next one goes on at once.
async fn lost(server: Server, place: usize, lost: Lost, retries: bool) {
    let db = server.db().await;
    let orders = prepare(&db).await;
    let proxy = Proxy::to(server.port().await, Strike::Any(place..=place), lost).await;
    let uri = format!("{}&retryWrites={retries}&retryReads={retries}", proxy.uri());
    let database = Client::with_uri_str(&uri).await.unwrap().database(db.name());
    let result = migrator(database, SOON).up().await;
    let commands = proxy.commands();
    let struck = commands.get(place - 1).map_or("nothing", String::as_str);
    let context = format!("{lost:?} of {place} ({struck}) with retries {retries}: {:?}", result.as_ref().err());
    println!("{context}");
    assert!(successor(&db).await.status().await.unwrap().holder().is_none(), "the lease is still held, {context}");
    if let Err(error) = result {
        // What the engine prepares for itself, after it has looked whose its collections are and before the body looks.
        let looks = commands.iter().take(place - 1).filter(|command| *command == "listCollections").count();
        let own = looks < 2;
        assert!(!retries || own && ["create", "createIndexes"].contains(&struck), "{context}");
        assert!(matches!(error, Error::Failed { .. } | Error::Unreachable { .. }), "{context}");
        successor(&db).await.up().await.unwrap();
    }
    server.assert_all_once(&db, &context).await;
    assert_restructured(&db, &orders, &context).await;
    assert_ended(&db, "completed", &context).await;
}

/// Somebody makes what the dead process was about to drop anew: the new documents stay.
#[tokio::test]
async fn i1_what_was_made_anew_is_not_dropped() {
    let db = TestDb::new().await;
    let orders = prepare(&db).await;
    killed_before(&db, "drop 1").await;
    let old = db.collection::<Document>("orders_old");
    old.drop().await.unwrap();
    old.insert_one(doc! { "_id": "new" }).await.unwrap();
    // That is done, so the next operation finds its name taken.
    let error = successor(&db).await.up().await.unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("'orders_old' exists already"), "{error}");
    assert_eq!(count(&db, "orders_old", doc! { "_id": "new" }).await, 1);
    assert_eq!(uuid(&db, "orders").await, orders);
    // The application's own matter.
    old.drop().await.unwrap();
    successor(&db).await.up().await.unwrap();
    assert_restructured(&db, &orders, "the name is free").await;
}

/// Somebody puts something under the name that a rename is about to take: nobody can say any more what is meant, so nothing
/// happens, until somebody has looked.
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
    // Cleared up by hand, it is in doubt no more.
    db.collection::<Document>("orders_old").drop().await.unwrap();
    successor(&db).await.up().await.unwrap();
    assert_restructured(&db, &orders, "cleared up").await;
}

async fn killed_before(db: &TestDb, place: &str) {
    let mut worker = Worker::start(&["restructure", db.uri(), db.name(), LEASE_MS, "die", place]);
    assert_eq!(worker.line().await, Some(format!("halted at {place}")));
    worker.finish().await;
}

/// A holder that was stopped just before it sends a command sends it when another one has completed the migration: it meets no
/// other collection than its own, and changes nothing.
#[tokio::test]
async fn i2_a_stale_holder_drops_and_renames_nothing() {
    for place in ["drop 1", "renameCollection 1"] {
        let db = TestDb::new().await;
        let orders = prepare(&db).await;
        let mut worker = Worker::start(&["restructure", db.uri(), db.name(), LEASE_MS, "pause", place]);
        assert_eq!(worker.line().await, Some(format!("halted at {place}")));
        worker.paused().await;
        successor(&db).await.up().await.unwrap();
        let context = format!("stopped before {place}");
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
    for_every_command(Server::ReplicaSet, Way::Up, |place| async move {
        let db = TestDb::new().await;
        let orders = prepare(&db).await;
        let halt = format!("command {place}");
        let mut worker = Worker::start(&["restructure", db.uri(), db.name(), LEASE_MS, "pause", &halt]);
        let said = worker.line().await.unwrap();
        if said.starts_with("halted") {
            worker.paused().await;
            successor(&db).await.up().await.unwrap();
            worker.cont();
        }
        let rest = worker.rest().await;
        successor(&db).await.up().await.unwrap();
        let context = format!("paused before command {place}: {said}, {rest:?}");
        assert_all_once(&db, &context).await;
        assert_restructured(&db, &orders, &context).await;
        assert_ended(&db, "completed", &context).await;
    })
    .await;
}
