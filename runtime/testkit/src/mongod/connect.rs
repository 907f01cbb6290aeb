//! Asking a server about itself, for a bounded time.

use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use mongodb::options::{ClientOptions, ServerAddress};
use mongodb::{Client, error};
use tokio::task::JoinError;
use tokio::time::{sleep, timeout};

use super::error::{Asked, Error};
use super::member::Member;

const POLL: Duration = Duration::from_millis(20);
const ANSWER: Duration = Duration::from_secs(2);

/// A client for one member alone, whatever its role.
pub(super) fn direct(port: u16) -> Result<Client, Error> {
    let options = ClientOptions::builder()
        .hosts(vec![ServerAddress::Tcp { host: "127.0.0.1".to_owned(), port: Some(port) }])
        .direct_connection(true)
        .app_name("mongrate-mongod".to_owned())
        .connect_timeout(ANSWER)
        .server_selection_timeout(ANSWER)
        .build();
    Client::with_options(options).asked("accept a client")
}

/// What the server says of its own role; nothing while it does not answer.
pub(super) async fn hello(client: &Client) -> Option<Document> {
    command(client, doc! { "hello": 1 }).await?.ok()
}

/// Runs a command on `admin`. The driver's future must not be dropped in flight, so the limit is on the task: `None` after two
/// seconds without an answer.
pub(super) async fn command(client: &Client, command: Document) -> Option<error::Result<Document>> {
    let admin = client.database("admin");
    let task = tokio::spawn(async move { admin.run_command(command).await });
    let answer: Result<_, JoinError> = timeout(ANSWER, task).await.ok()?;
    answer.ok()
}

/// The moment at which waiting ends.
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

    /// Asks until there is an answer.
    pub(super) async fn until<T>(
        self,
        awaited: &'static str,
        member: &Member,
        mut ask: impl AsyncFnMut() -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        loop {
            if let Some(answer) = ask().await? {
                return Ok(answer);
            }
            if self.passed() {
                return Err(Error::NotReady { awaited, after: self.allowed, log: member.closing_lines() });
            }
            sleep(POLL).await;
        }
    }
}
