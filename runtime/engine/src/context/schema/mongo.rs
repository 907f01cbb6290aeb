//! The real server, and the executor at the other end of a channel.

use std::pin::pin;
use std::time::Duration;

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error as DriverError, Result};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::ask::{Ask, Asking};
use super::command::{RENAME, limited};
use super::patience::Patience;
use super::server::Server;
use crate::error::write_error;
use crate::lock::{Session, kill, under_way};
use crate::store::LogUpdate;

/// How long a command may be blocked before it is ended and sent again: while it waits for an open transaction, the
/// application's writes to the collection wait behind it. The last attempt has all the time that is left.
const BLOCKED: Duration = Duration::from_secs(5);

/// How often.
const SHORT_ATTEMPTS: u32 = 3;

/// What only looks like waiting for a lock is over by the second look.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Mongo {
    pub(super) database: Database,
    /// The run's, in which commands and the log's transactions go out one after the other; `None` in a dry run, and while it is
    /// with the executor.
    pub(super) session: Option<Session>,
    pub(super) asking: Option<Asking>,
}

impl Mongo {
    /// One that only reads.
    pub(super) fn reading(database: Database) -> Self {
        Self { database, session: None, asking: None }
    }

    async fn ask(&mut self, update: LogUpdate) -> Option<bool> {
        let (answer, answered) = oneshot::channel();
        let asking = self.asking.as_ref()?;
        let session = self.session.take()?;
        asking.send(Ask { session, update, answer }).await.ok()?;
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

    /// One that is blocked is ended after a while; one that is running, as an index build, is not.
    async fn attempt(&mut self, command: Document, patience: &mut Patience) -> Result<()> {
        let at =
            if command.contains_key(RENAME) { self.database.client().database("admin") } else { self.database.clone() };
        let Some(session) = &mut self.session else {
            return Err(DriverError::custom("an earlier operation was dropped before it ended".to_owned()));
        };
        let (client, id, left) = (at.client().clone(), session.id().clone(), patience.left());
        let mut command = limited(command, left);
        command.insert("writeConcern", doc! { "w": "majority", "j": true });
        // Not dropped before it ends: the driver's futures must not be.
        let mut call = pin!(at.run_command(command).session(&mut **session).into_future());
        let mut ended = None;
        if patience.blocked < SHORT_ATTEMPTS && left > BLOCKED {
            ended = timeout(BLOCKED, &mut call).await.ok();
            if ended.is_none() && is_blocked(&client, &id).await {
                patience.blocked += 1;
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

/// Whether what a session has under way waits for a lock. When the server does not tell, it is left to run.
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

/// The driver's `run_command` looks at nothing but `ok`. What has not reached a majority can be undone by a fail-over, and the
/// record of the migration would say that it is there.
fn on_a_majority(reply: &Document) -> Result<()> {
    let Ok(error) = reply.get_document("writeConcernError") else { return Ok(()) };
    let why = write_error(error);
    Err(DriverError::custom(format!("it is not known to have reached a majority of the members: {why}")))
}
