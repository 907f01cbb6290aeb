//! Faults that the server injects.

use mongodb::Client;
use mongodb::bson::{Document, doc};
use tokio::sync::{Mutex, MutexGuard};

use crate::TestDb;
use crate::background::block_on;

/// The server has one configuration of `failCommand`, which a second test would overwrite: they take turns.
static TURN: Mutex<()> = Mutex::const_new(());

/// A fault that is on until this value is dropped, for the commands of one client only.
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
    _turn: MutexGuard<'static, ()>,
}

impl FailPoint {
    /// `failCommand` for the next `times` commands of `db`'s own client that match.
    pub async fn times(times: i32, db: &TestDb, data: Document) -> Self {
        Self::fail_command(doc! { "times": times }, db, data).await
    }

    /// `failCommand` for all commands of `db`'s own client that match.
    pub async fn always(db: &TestDb, data: Document) -> Self {
        Self::fail_command("alwaysOn", db, data).await
    }

    async fn fail_command(mode: impl Into<mongodb::bson::Bson>, db: &TestDb, mut data: Document) -> Self {
        if !data.contains_key("appName") {
            data.insert("appName", db.app_name());
        }
        Self::named("failCommand", mode, db.uri(), data).await
    }

    /// Any fail point, on the primary of the server at this address; most cannot be narrowed to one client, so a test with such a
    /// one starts a server of its own. `mode` is `"alwaysOn"` or a document like `{ times: 1 }`.
    pub async fn named(name: &'static str, mode: impl Into<mongodb::bson::Bson>, uri: &str, data: Document) -> Self {
        let turn = TURN.lock().await;
        configure(uri, doc! { "configureFailPoint": name, "mode": mode.into(), "data": data }).await.unwrap();
        Self { uri: uri.to_owned(), name, _turn: turn }
    }
}

impl Drop for FailPoint {
    fn drop(&mut self) {
        let (uri, name) = (self.uri.clone(), self.name);
        block_on(async move {
            if let Err(error) = configure(&uri, doc! { "configureFailPoint": name, "mode": "off" }).await {
                eprintln!("the fail point {name} is still on: {error}");
            }
        });
    }
}

async fn configure(uri: &str, command: Document) -> mongodb::error::Result<()> {
    let client = Client::with_uri_str(uri).await?;
    client.database("admin").run_command(command).await?;
    Ok(())
}
