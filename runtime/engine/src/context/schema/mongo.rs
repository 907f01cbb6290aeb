//! The implementation of `Server` for MongoDB.

use std::pin::pin;
use std::time::Duration;

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error as DriverError, Result};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::command::{RENAME, limited};
use super::log_request::{LogRequest, LogRequests};
use super::retry::Retry;
use super::server::Server;
use crate::error::write_error;
use crate::lock::{Session, kill, under_way};
use crate::store::LogUpdate;

/// Time after which a blocked command is ended and sent again: while it waits for an open transaction, the application's writes to
/// the collection queue behind it. The last attempt has all the remaining time.
const BLOCKED: Duration = Duration::from_secs(5);

/// Number of attempts that are ended when they are blocked.
const SHORT_ATTEMPTS: u32 = 3;

/// Pause between two checks for a lock, since a command that makes progress may also wait for a moment.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Mongo {
    pub(super) database: Database,
    /// The session of the run. Commands and the transactions of the log use it by turns. `None` in a dry run, and while the executor
    /// has it.
    pub(super) session: Option<Session>,
    pub(super) requests: Option<LogRequests>,
}

impl Mongo {
    /// Creates one that can only read.
    pub(super) fn reading(database: Database) -> Self {
        Self { database, session: None, requests: None }
    }

    async fn ask(&mut self, update: LogUpdate) -> Option<bool> {
        let (answer, answered) = oneshot::channel();
        let requests = self.requests.as_ref()?;
        let session = self.session.take()?;
        requests.send(LogRequest { session, update, answer }).await.ok()?;
        let (session, stored) = answered.await.ok()?;
        self.session = Some(session);
        Some(stored)
    }
}

impl Server for Mongo {
    fn database(&self) -> &str {
        self.database.name()
    }

    async fn read(&self, command: Document) -> Result<Document> {
        self.database.run_command(command).await
    }

    /// Ends a command that is blocked for too long, but not one that is running, such as an index build.
    async fn attempt(&mut self, command: Document, retry: &mut Retry) -> Result<()> {
        let at =
            if command.contains_key(RENAME) { self.database.client().database("admin") } else { self.database.clone() };
        let Some(session) = &mut self.session else {
            return Err(DriverError::custom("an earlier operation was dropped before it ended".to_owned()));
        };
        let (client, id, left) = (at.client().clone(), session.id().clone(), retry.remaining());
        let mut command = limited(command, left);
        command.insert("writeConcern", doc! { "w": "majority", "j": true });
        // Pinned and awaited below, since a driver future must not be dropped before it completes.
        let mut call = pin!(at.run_command(command).session(&mut **session).into_future());
        let mut ended = None;
        if retry.blocked < SHORT_ATTEMPTS && left > BLOCKED {
            ended = timeout(BLOCKED, &mut call).await.ok();
            if ended.is_none() && is_blocked(&client, &id).await {
                retry.blocked += 1;
                kill(&client, std::slice::from_ref(&id)).await;
            }
        }
        let reply = match ended {
            Some(reply) => reply,
            None => call.await,
        };
        on_a_majority(&reply?)
    }

    async fn store(&mut self, update: LogUpdate) -> bool {
        self.ask(update).await.unwrap_or(false)
    }
}

/// Returns whether an operation of this session waits for a lock. False if the server does not answer.
async fn is_blocked(client: &mongodb::Client, session: &Document) -> bool {
    let waits = async || {
        let operations = under_way(client, session).await.unwrap_or_default();
        operations.iter().any(|operation| operation.get_bool("waitingForLock").unwrap_or(false))
    };
    if !waits().await {
        return false;
    }
    sleep(BETWEEN_LOOKS).await;
    waits().await
}

/// Fails if the command has not reached a majority: a fail-over could undo an effect that the record lists. The driver's
/// `run_command` only checks `ok`.
fn on_a_majority(reply: &Document) -> Result<()> {
    let Ok(error) = reply.get_document("writeConcernError") else { return Ok(()) };
    let why = write_error(error);
    Err(DriverError::custom(format!("it is not known to have reached a majority of the members: {why}")))
}
