//! Sending a command of an effect: until it is answered, without standing in the application's way.

use std::pin::pin;
use std::time::Duration;

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error as DriverError, Result};
use tokio::time::{Instant, sleep, timeout};

use super::log::Done;
use super::{Schema, limited};
use crate::error::codes::{API_STRICT_ERROR, BACKGROUND_OPERATION_IN_PROGRESS, INTERRUPTED, MAX_TIME_MS_EXPIRED};
use crate::error::{code, passes, told};
use crate::lock::{backoff, kill, under_way};

/// How long a command may be blocked before it is ended and sent again: while it waits for an open transaction, the
/// application's writes to the collection wait behind it. The last attempt has all the time that is left.
const BLOCKED: Duration = Duration::from_secs(5);

/// How often.
const SHORT_ATTEMPTS: u32 = 3;

/// What only looks like waiting for a lock is over by the second look.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// The time and the attempts of one operation.
#[derive(Debug)]
pub(super) struct Patience {
    until: Instant,
    /// How often it was blocked.
    blocked: u32,
    /// How often it is sent again.
    again: u32,
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        Self { until: Instant::now() + limit, blocked: 0, again: 0 }
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
    }
}

impl Schema {
    /// Sends a command that does no harm however often it is carried out. The codes in `already` mean that nothing is to do.
    pub(super) async fn insist(&mut self, command: Document, already: &[i32]) -> Result<Done> {
        let mut patience = Patience::new(self.max_time);
        let database = self.database.clone();
        loop {
            match self.attempt(&database, command.clone(), &mut patience).await {
                Ok(()) => return Ok(Done::Now),
                Err(error) if code(&error).is_some_and(|code| already.contains(&code)) => return Ok(Done::Already),
                Err(error) => self.again(error, &mut patience).await?,
            }
        }
    }

    /// Waits before another attempt, or gives the error back if that is not worth while.
    pub(super) async fn again(&self, error: DriverError, patience: &mut Patience) -> Result<()> {
        let blocked = patience.blocked > 0 && code(&error) == Some(INTERRUPTED);
        let busy = code(&error) == Some(BACKGROUND_OPERATION_IN_PROGRESS);
        if blocked || busy || passes(&error) { self.pause(error, patience).await } else { Err(error) }
    }

    /// Waits before another attempt, or gives the error back when there is no time left for one.
    pub(super) async fn pause(&self, error: DriverError, patience: &mut Patience) -> Result<()> {
        if Instant::now() >= patience.until || self.permit.check().is_err() {
            return Err(error);
        }
        patience.again += 1;
        tracing::debug!(again = patience.again, code = code(&error), "trying again");
        sleep(backoff(patience.again)).await;
        if self.permit.check().is_err() { Err(error) } else { Ok(()) }
    }

    /// Sends a command once, with the time that is left and a durable write concern. One that is blocked is ended after a
    /// while; one that is running, as an index build, is not.
    pub(super) async fn attempt(&mut self, at: &Database, command: Document, patience: &mut Patience) -> Result<()> {
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

    /// A server's error, with what was being done.
    pub(super) fn doing(&self, kind: &str, collection: &str, error: &DriverError) -> String {
        // An index is on a collection; everything else is done to it.
        let on = if kind.ends_with("_index") { " on" } else { "" };
        let doing = format!("{}{on} '{collection}'", kind.replace('_', " "));
        match code(error) {
            Some(MAX_TIME_MS_EXPIRED) => {
                let limit = crate::elapsed::Elapsed(self.max_time);
                format!("{doing} within {limit}, perhaps for an open transaction that has touched it")
            }
            Some(API_STRICT_ERROR) => format!(
                "{doing} through a client that is held to the stable API; give Mongrate one without `apiStrict`, or leave \
                 this operation out"
            ),
            _ => doing,
        }
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
    let why = told(error);
    Err(DriverError::custom(format!("it is not known to have reached a majority of the members: {why}")))
}
