//! Processes that temporarily lose the connection to the server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;
use mongodb::options::ClientOptions;
use mongrate::{Error, Migrator, Registry, Tx, migration};
use mongrate_tests::crash::backfill::{ID, MANY, fill, repeatable_migrator};
use mongrate_tests::crash::{self, ALL};
use mongrate_tests::{Gate, Lost, Proxy, Strike, TestDb, Worker, eventually, servers, stored};

use super::{SOON, applied, assert_all_done, count, successor, token};

static RUNS: Gate = Gate::new();
static GOES: Gate = Gate::new();

#[migration(id = "001_waits", source = "module:partition")]
async fn waits(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let effects = tx.collection::<Document>("effects");
    let first = effects.count_documents(doc! {}).await? == 0 && effects.insert_one(doc! {}).await.is_ok();
    assert!(first);
    RUNS.open();
    GOES.pass().await;
    effects.insert_one(doc! {}).await?;
    Ok(())
}

fn migrator(database: mongodb::Database) -> Migrator {
    Migrator::builder(database)
        .registry(Registry::linked().source("module:partition"))
        .lease(Duration::from_secs(2))
        .build()
        .unwrap()
}

/// One process is partitioned from the server in the middle of a body, and another one takes over. When the network is back, with
/// all delayed messages, the first one is fenced off.
#[tokio::test]
async fn i2_partitioned_from_the_server_while_others_continue() {
    let db = TestDb::new().await;
    let port = servers::replica_set().await.members()[0].port();
    let proxy = Proxy::to(port, Strike::Any(usize::MAX..=usize::MAX), Lost::Request).await;
    let cut_off = migrator(Client::with_uri_str(proxy.uri()).await.unwrap().database(db.name()));
    let stale = tokio::spawn(cut_off.up().into_future());
    RUNS.pass().await;
    proxy.cut();
    let began = Instant::now();
    // The successor's body does not wait, and the first one continues without a connection.
    GOES.open();
    GOES.open();
    let report = migrator(db.database().clone()).up().await.unwrap();
    println!("cut off; taken over, and all done, after {:?}: {report}", began.elapsed());
    assert_eq!(applied(&report), ["module:partition:001_waits"]);
    assert!(began.elapsed() < SOON, "took {:?}", began.elapsed());

    proxy.mend();
    let error = stale.await.unwrap().unwrap_err();
    println!("and back: {error}");
    assert!(matches!(error, Error::LeaseLost { .. }), "{error:?}");
    assert_eq!(count(&db, "effects", doc! {}).await, 2);
    assert_eq!(count(&db, "migrations_history", doc! { "act": "up", "status": "completed" }).await, 1);
    assert_eq!(token(&db).await, 2);
    assert!(successor(&db).await.status().await.unwrap().holder().is_none());
}

/// The server restarts while a process waits for the lease of a dead holder.
#[tokio::test]
async fn i6_the_server_restarts_while_a_process_waits() {
    let server = servers::builder().start().await.unwrap();
    let db = TestDb::on(&server).await;
    let mut dead = Worker::start(&["crash", db.uri(), db.name(), "5000", "die", "body 001_first"]);
    dead.finish().await;
    let (database, commands) = db.replica("waiting").await;
    let waiting = tokio::spawn(crash::migrator(database, Duration::from_secs(20)).up().into_future());
    eventually("somebody to wait", async || (commands.count().get("find") > Some(&4)).then_some(())).await;
    server.kill(0).unwrap();
    server.restart(0).await.unwrap();
    server.primary().await.unwrap();
    let result = waiting.await.unwrap();
    println!("a restart while waiting: {:?}", result.as_ref().map(ToString::to_string));
    match result {
        Ok(report) => assert_eq!(applied(&report), ALL),
        Err(error) => {
            assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
            assert_eq!(count(&db, "migrations", doc! {}).await, 0);
            successor(&db).await.up().await.unwrap();
        }
    }
    assert_all_done(&db, "a restart while waiting").await;
}

/// Number of record writes in a run: `running` and `completed` of four migrations, and the second operation of the `Schema` one.
const RECORDS: usize = 2 * ALL.len() + 1;

/// Kills the server right after the reply to the n-th command that writes a record, and returns the number of acknowledged
/// records.
async fn killed_after_record(position: usize) -> usize {
    let server = Arc::new(servers::builder().standalone().start().await.unwrap());
    let db = TestDb::on(&server).await;
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let mut options = ClientOptions::parse(db.uri()).await.unwrap();
    options.server_selection_timeout = Some(Duration::from_secs(1));
    let (seen, victim, sent) = (acknowledged.clone(), server.clone(), Mutex::new(BTreeMap::new()));
    options.command_event_handler = Some(EventHandler::callback(move |event| match event {
        CommandEvent::Started(event) if event.command.get_str("update").is_ok_and(|name| name == "migrations") => {
            let update = event.command.get_array("updates").unwrap()[0].as_document().unwrap().clone();
            sent.lock().unwrap().insert(event.request_id, update);
        }
        CommandEvent::Succeeded(event) => {
            let Some(update) = sent.lock().unwrap().remove(&event.request_id) else { return };
            let mut acknowledged = seen.lock().unwrap();
            acknowledged.push(update);
            if acknowledged.len() == position {
                victim.kill(0).unwrap();
            }
        }
        _ => {}
    }));
    let database = Client::with_options(options).unwrap().database(db.name());
    let result = crash::migrator(database, Duration::from_secs(2)).up().await;
    assert_eq!(result.is_ok(), position > RECORDS, "{position}: {result:?}");
    if result.is_ok() {
        return 0;
    }
    server.restart(0).await.unwrap();
    let acknowledged = acknowledged.lock().unwrap().clone();
    for update in &acknowledged {
        let filter = update.get_document("q").unwrap();
        let record = update.get_document("u").unwrap().get_document("$set").unwrap();
        // A command that only appends to the log does not change the status.
        let (id, status) = (filter.get_str("_id").unwrap(), record.get_str("status").unwrap_or("running"));
        // The acknowledged status, or the next one.
        let stored = stored::record(&db, id).await.unwrap_or_else(|| panic!("{id}: acknowledged and lost"));
        let survived = stored.get_str("status").unwrap();
        assert!(survived == status || survived == "completed", "{id} was acknowledged as {status}, and is {survived}");
    }
    acknowledged.len()
}

/// On a standalone server, acknowledged writes survive because they are in the journal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_standalone_server_killed_right_after_each_acknowledged_record() {
    let places = stream::iter(1..=RECORDS).map(killed_after_record).buffer_unordered(4);
    let survived: usize = places.collect::<Vec<_>>().await.into_iter().sum();
    println!("{survived} acknowledged records, all there after kill -9 of the server");
    assert_eq!(survived, RECORDS * (RECORDS + 1) / 2);
}

/// The batches that were open are repeated at most, and none is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_standalone_server_is_killed_during_a_backfill() {
    let server = Arc::new(servers::builder().standalone().start().await.unwrap());
    let db = TestDb::on(&server).await;
    fill(&db, 3 * MANY).await;
    let run = tokio::spawn(repeatable_migrator((*db).clone(), SOON).up().into_future());
    eventually("a batch", async || (stored::count(&db, "orders", doc! { "n": 1 }).await > 0).then_some(())).await;
    server.kill(0).unwrap();
    server.restart(0).await.unwrap();
    println!("{:?}", run.await.unwrap().as_ref().map(ToString::to_string).map_err(ToString::to_string));
    repeatable_migrator((*db).clone(), SOON).up().await.unwrap();
    let [once, twice] = [1, 2].map(|n| stored::count(&db, "orders", doc! { "n": n }));
    let (once, twice) = (once.await, twice.await);
    println!("{twice} documents were changed twice");
    // Two workers, with batches of 400.
    assert!(once + twice == 36_000 && twice <= 800, "{once}, {twice}");
    assert_eq!(stored::status(&db, ID).await, "completed");
}
