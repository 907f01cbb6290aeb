//! The fence: a holder with an older token cannot commit (I2).

use std::time::Duration;

use mongodb::bson::Document;
use tokio::time::{Instant, sleep};

use super::Lock;
use super::store::{Fenced, Raised, Store};
use crate::error::codes::{MAX_TIME_MS_EXPIRED, WRITE_CONFLICT};
use crate::error::{Error, code, is_transient};

/// Time limit of one attempt to write the fence, which waits for a transaction that has written it.
const ONE_ATTEMPT: Duration = Duration::from_secs(2);

/// Pause between two attempts to write the fence.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(100);

/// Longer than the server keeps an abandoned transaction: `transactionLifetimeLimitSeconds` is 60 s, checked every 30 s.
const GIVE_UP: Duration = Duration::from_secs(2 * 60);

impl<S: Store> Lock<S> {
    /// Writes the fence as the last operation of a transaction. The commit fails if another process raises the fence before it.
    pub(crate) async fn pass(&self, token: i64, session: &mut S::Session) -> mongodb::error::Result<Fenced> {
        self.store.pass(token, session).await
    }

    /// Raises the fence to our token. After that, no transaction with an older token can commit.
    ///
    /// `sessions` are those of former holders, whose transactions may have passed the fence. They are killed only if one of them
    /// blocks the fence. What else a former holder has running is decided by the records, which must be read behind the fence.
    pub(crate) async fn raise(&self, token: i64, sessions: &[Document]) -> Result<Fenced, Error> {
        let began = Instant::now();
        loop {
            let error = match self.store.raise(token, ONE_ATTEMPT).await {
                Ok(Raised { matched: true, in_doubt: None }) => return Ok(Fenced::Ours),
                Ok(Raised { in_doubt: None, .. }) => return Ok(Fenced::Newer),
                // A fail-over may undo it, so try again, perhaps on the next primary.
                Ok(Raised { in_doubt: Some(error), .. }) if began.elapsed() > GIVE_UP => {
                    return Err(self.failed("raise the fence", error));
                }
                Ok(_) => {
                    sleep(BETWEEN_ATTEMPTS).await;
                    continue;
                }
                Err(error) => error,
            };
            let blocked = matches!(code(&error), Some(MAX_TIME_MS_EXPIRED | WRITE_CONFLICT));
            if !(blocked || is_transient(&error)) || began.elapsed() > GIVE_UP {
                return Err(self.failed("raise the fence", error));
            }
            if blocked && !sessions.is_empty() {
                tracing::info!("an open transaction blocks the fence; ending it");
                self.kill(sessions).await;
            }
            sleep(BETWEEN_ATTEMPTS).await;
        }
    }

    /// Ends the open transactions of these sessions, if the server allows it.
    pub(crate) async fn kill(&self, sessions: &[Document]) {
        if !sessions.is_empty() {
            self.store.kill(sessions).await;
        }
    }
}
