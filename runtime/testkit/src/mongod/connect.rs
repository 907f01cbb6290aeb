//! Queries a server with bounded waiting.

use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use mongodb::options::{ClientOptions, ServerAddress};
use mongodb::{Client, error};
use tokio::task::JoinError;
use tokio::time::{sleep, timeout};

use super::error::{Asked, Error};

const POLL: Duration = Duration::from_millis(20);
const ANSWER: Duration = Duration::from_secs(2);

/// Creates a client that connects to one member only, whatever its role.
pub(super) fn direct(port: u16) -> Result<Client, Error> {
    let options = ClientOptions::builder()
        .hosts(vec![ServerAddress::Tcp { host: "127.0.0.1".to_owned(), port: Some(port) }])
        .direct_connection(true)
        .app_name("mongrate-mongod".to_owned())
        .connect_timeout(ANSWER)
        .server_selection_timeout(ANSWER)
        .build();
    Client::with_options(options).asked("create a client")
}

/// Sends `hello`. Returns `None` while the server does not answer.
pub(super) async fn hello(client: &Client) -> Option<Document> {
    command(client, doc! { "hello": 1 }).await?.ok()
}

/// Runs a command on `admin`. Returns `None` after two seconds without an answer. The limit applies to a spawned task,
/// because the driver's future must not be dropped in flight.
pub(super) async fn command(client: &Client, command: Document) -> Option<error::Result<Document>> {
    let admin = client.database("admin");
    let task = tokio::spawn(async move { admin.run_command(command).await });
    let answer: Result<_, JoinError> = timeout(ANSWER, task).await.ok()?;
    answer.ok()
}

/// A limit for waiting, which several steps share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    started: Instant,
    allowed: Duration,
}

impl Deadline {
    pub(super) fn after(allowed: Duration) -> Self {
        Self { started: Instant::now(), allowed }
    }

    pub(super) fn passed(self) -> bool {
        self.started.elapsed() >= self.allowed
    }

    /// Polls `ask` until it returns an answer. On timeout, the error contains `log`.
    pub(super) async fn until<T>(
        self,
        awaited: &'static str,
        log: impl FnOnce() -> String,
        mut ask: impl AsyncFnMut() -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        loop {
            if let Some(answer) = ask().await? {
                return Ok(answer);
            }
            if self.passed() {
                return Err(Error::NotReady { awaited, after: self.allowed, log: log() });
            }
            sleep(POLL).await;
        }
    }
}
