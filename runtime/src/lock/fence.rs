//! The fence: nothing commits for a holder whose token is older (I2).

use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::{Client, ClientSession};
use tokio::time::{Instant, sleep};

use super::{FENCE, Lock};
use crate::Error;
use crate::error::{code, passes};

/// How long one attempt to write the fence may wait for a transaction that has written it.
const ONE_ATTEMPT: Duration = Duration::from_secs(2);

/// The pause before another attempt to write the fence durably.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(100);

/// Longer than the server keeps an abandoned transaction (`transactionLifetimeLimitSeconds`, 60 s, swept every 30 s).
const GIVE_UP: Duration = Duration::from_mins(2);

/// Server codes: the operation ran out of its `maxTimeMS`, or met the write of an open transaction.
const MAX_TIME_MS_EXPIRED: i32 = 50;
const WRITE_CONFLICT: i32 = 112;

/// Whether the fence still carries our token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Fenced {
    /// It does: nobody has taken over.
    Ours,
    /// A newer token is there.
    Newer,
}

/// What an update has done.
struct Written {
    matched: i32,
    /// Why it is not known to be on a majority.
    in_doubt: Option<mongodb::error::Error>,
}

impl Lock {
    /// Writes the fence as the last operation of a transaction: its commit fails if anybody raises the fence before.
    /// An increment, never a no-op, because a no-op takes no write lock and guards nothing.
    pub(crate) async fn pass(&self, token: i64, session: &mut ClientSession) -> mongodb::error::Result<Fenced> {
        let ours = doc! { "_id": FENCE, "token": token };
        let passed = self.documents.update_one(ours, doc! { "$inc": { "commits": 1_i64 } }).session(session).await?;
        Ok(if passed.matched_count == 1 { Fenced::Ours } else { Fenced::Newer })
    }

    /// Raises the fence to our token. When this returns, no transaction of an older token can commit any more.
    /// `abandoned` are the sessions of holders that did not release their lease; their open transactions are ended first.
    pub(crate) async fn raise(&self, token: i64, abandoned: &[Document]) -> Result<Fenced, Error> {
        self.kill(abandoned).await;
        let not_newer = doc! { "_id": FENCE, "token": { "$lte": token } };
        // The counter makes this a write even when the token is there already, so that it waits for, and conflicts
        // with, every open transaction that has passed the fence.
        let raise = doc! { "$set": { "token": token }, "$inc": { "commits": 1_i64 } };
        let began = Instant::now();
        loop {
            let command = doc! {
                "update": self.documents.name(),
                "updates": [{ "q": not_newer.clone(), "u": raise.clone() }],
                "writeConcern": { "w": "majority", "j": true },
                "maxTimeMS": i64::try_from(ONE_ATTEMPT.as_millis()).unwrap_or(i64::MAX),
            };
            let error = match self.write(command).await {
                Ok(Written { matched: 1, in_doubt: None }) => return Ok(Fenced::Ours),
                Ok(Written { in_doubt: None, .. }) => return Ok(Fenced::Newer),
                // A fail-over may undo it, so it counts for nothing. The next attempt meets the next primary.
                Ok(Written { in_doubt: Some(error), .. }) if began.elapsed() > GIVE_UP => {
                    return Err(self.failed("raise the fence", error));
                }
                Ok(_) => {
                    sleep(BETWEEN_ATTEMPTS).await;
                    continue;
                }
                Err(error) => error,
            };
            let blocked = matches!(code(&error), Some(MAX_TIME_MS_EXPIRED | WRITE_CONFLICT));
            if !(blocked || passes(&error)) || began.elapsed() > GIVE_UP {
                return Err(self.failed("raise the fence", error));
            }
            if blocked && !abandoned.is_empty() {
                tracing::info!("the fence is held by an open transaction of a former holder; ending that transaction");
                self.kill(abandoned).await;
            }
            sleep(BETWEEN_ATTEMPTS).await;
        }
    }

    /// Runs an update command (the driver's action has no `maxTimeMS`, and its `run_command` looks at nothing but `ok`).
    async fn write(&self, command: Document) -> mongodb::error::Result<Written> {
        let reply = self.client.database(&self.documents.namespace().db).run_command(command).await?;
        if let Some(error) = reply.get_array("writeErrors").ok().and_then(|errors| errors.first()) {
            return Err(mongodb::error::Error::custom(format!("{error}")));
        }
        let in_doubt = reply.get("writeConcernError").map(|error| mongodb::error::Error::custom(format!("{error}")));
        Ok(Written { matched: reply.get_i32("n").unwrap_or(0), in_doubt })
    }

    /// See [`kill`].
    pub(crate) async fn kill(&self, sessions: &[Document]) {
        kill(&self.client, sessions).await;
    }
}

/// Ends the open transactions of these sessions on the server. A user may end its own sessions; for another user's the
/// server answers ok and does nothing, so nothing is concluded from the answer.
pub(crate) async fn kill(client: &Client, sessions: &[Document]) {
    if sessions.is_empty() {
        return;
    }
    let command = doc! { "killSessions": sessions };
    if let Err(error) = client.database("admin").run_command(command).await {
        tracing::warn!(code = code(&error), "could not end an abandoned transaction; the server will do it");
    }
}
