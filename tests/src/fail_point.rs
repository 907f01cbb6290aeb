//! Faults that the server injects.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::options::ClientOptions;
use tokio::sync::OwnedMutexGuard;

use crate::TestDb;
use crate::background::block_on;

/// A server has one configuration for each fail point, so tests that use the same one must take turns.
static TURNS: LazyLock<Mutex<HashMap<String, Arc<Turn>>>> = LazyLock::new(Mutex::default);
type Turn = tokio::sync::Mutex<()>;

/// A fault that is active until this value is dropped, for the commands of one client only. At most one fail point with
/// the same name is active on a server: the next one waits until it is dropped.
///
/// ```no_run
/// # async fn example() {
/// use mongodb::bson::doc;
/// use mongrate_tests::{FailPoint, TestDb};
///
/// let db = TestDb::new().await;
/// let data = doc! { "failCommands": ["commitTransaction"], "errorCode": 251, "errorLabels": ["TransientTransactionError"] };
/// let fault = FailPoint::times(1, &db, data).await;
/// # }
/// ```
#[derive(Debug)]
#[must_use = "the fault ends when this is dropped"]
pub struct FailPoint {
    uri: String,
    name: &'static str,
    /// The number of hits before this.
    before: i32,
    _turn: OwnedMutexGuard<()>,
}

impl FailPoint {
    /// Activates `failCommand` for the next `times` matching commands of the client of `db`.
    pub async fn times(times: i32, db: &TestDb, data: Document) -> Self {
        Self::fail_command(doc! { "times": times }, db, data).await
    }

    /// Activates `failCommand` for all matching commands of the client of `db`.
    pub async fn always(db: &TestDb, data: Document) -> Self {
        Self::fail_command("alwaysOn", db, data).await
    }

    async fn fail_command(mode: impl Into<mongodb::bson::Bson>, db: &TestDb, mut data: Document) -> Self {
        if !data.contains_key("appName") {
            data.insert("appName", db.app_name());
        }
        Self::named("failCommand", mode, db.uri(), data).await
    }

    /// Activates any fail point on the primary of the server at this address. Most cannot be limited to one client, so
    /// such a test starts its own server. `mode` is `"alwaysOn"` or a document like `{ times: 1 }`.
    pub async fn named(name: &'static str, mode: impl Into<mongodb::bson::Bson>, uri: &str, data: Document) -> Self {
        let turn = turn(name, uri).lock_owned().await;
        let set = doc! { "configureFailPoint": name, "mode": mode.into(), "data": data };
        let before = run(uri, set).await.unwrap().get_i32("count").unwrap();
        Self { uri: uri.to_owned(), name, before, _turn: turn }
    }

    /// Waits until the fault has occurred.
    pub async fn strikes(&self) {
        let wait = doc! { "waitForFailPoint": self.name, "timesEntered": self.before + 1, "maxTimeMS": 30_000 };
        run(&self.uri, wait).await.unwrap();
    }
}

impl Drop for FailPoint {
    fn drop(&mut self) {
        let (uri, name) = (self.uri.clone(), self.name);
        block_on(async move {
            if let Err(error) = run(&uri, doc! { "configureFailPoint": name, "mode": "off" }).await {
                eprintln!("the fail point {name} is still on: {error}");
            }
        });
    }
}

fn turn(name: &str, uri: &str) -> Arc<Turn> {
    let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(turns.entry(format!("{name} {uri}")).or_default())
}

async fn run(uri: &str, command: Document) -> mongodb::error::Result<Document> {
    let mut options = ClientOptions::parse(uri).await?;
    // The test may have killed the server in the meantime.
    options.server_selection_timeout = Some(Duration::from_secs(5));
    let client = Client::with_options(options)?;
    client.database("admin").run_command(command).await
}
