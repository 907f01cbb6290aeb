//! Logs: sufficient to follow a run, without stored data or secrets.

use std::io;
use std::sync::{Arc, LazyLock, Mutex};

use mongodb::bson::{Document, doc};
use mongodb::options::ClientOptions;
use mongrate::{Migrator, Registry, Schema, Tx, migration};
use mongrate_tests::TestDb;
use tracing::Dispatch;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

const SECRET: &str = "hunter2";

#[migration(id = "001_unique", source = "module:logs")]
async fn unique(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("people", doc! { "name": 1 }).unique().await
}

#[migration(id = "002_twice", source = "module:logs", deps = ["module:logs:001_unique"])]
async fn twice(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let people = tx.collection::<Document>("people");
    people.insert_one(doc! { "name": SECRET }).await?;
    people.insert_one(doc! { "name": SECRET }).await?;
    Ok(())
}

#[tokio::test]
async fn a_failed_run_can_be_followed_and_quotes_no_document() {
    let logs = Logs::default();
    let _guard = tracing::subscriber::set_default(logs.subscriber());
    let db = TestDb::new().await;
    let migrator =
        Migrator::builder(db.database().clone()).registry(Registry::linked().source("module:logs")).build().unwrap();
    let error = migrator.up().await.unwrap_err();
    assert!(error.to_string().contains(SECRET), "the error itself tells what is there twice: {error}");

    let logs = logs.text();
    for line in ["INFO migration", "id=\"module:logs:001_unique\"", "ERROR migration", "id=\"module:logs:002_twice\""] {
        assert!(logs.contains(line), "{line} is missing in\n{logs}");
    }
    assert!(!logs.contains(SECRET), "{logs}");
}

#[tokio::test]
async fn credentials_are_not_logged() {
    let logs = Logs::default();
    let _guard = tracing::subscriber::set_default(logs.subscriber());
    let uri = format!("mongodb://ana:{SECRET}@127.0.0.1:1/?serverSelectionTimeoutMS=200");
    let client = mongodb::Client::with_options(ClientOptions::parse(uri).await.unwrap()).unwrap();
    let migrator =
        Migrator::builder(client.database("x")).registry(Registry::linked().source("module:logs")).build().unwrap();
    let error = migrator.up().await.unwrap_err();
    assert!(!format!("{error} {error:?} {}", logs.text()).contains(SECRET));
}

/// Everything that this thread logs; the runtime of a test has only this one.
#[derive(Clone, Default)]
pub(crate) struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    pub(crate) fn subscriber(&self) -> impl tracing::Subscriber + use<> {
        // While there is only one subscriber, `tracing` asks the thread that comes to an event first whether anybody wants
        // it, and goes by the answer on all threads: another test's may have none. So there is always a second one.
        static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));
        LazyLock::force(&SECOND);
        tracing_subscriber::fmt().with_ansi(false).with_max_level(LevelFilter::TRACE).with_writer(self.clone()).finish()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Logs {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
