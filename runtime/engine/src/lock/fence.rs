//! The fence: nothing commits for a holder whose token is older (I2).

use std::time::Duration;

use mongodb::bson::Document;
use tokio::time::{Instant, sleep};

use super::Lock;
use super::store::{Fenced, Raised, Store};
use crate::error::codes::{MAX_TIME_MS_EXPIRED, WRITE_CONFLICT};
use crate::error::{Error, code, passes};

/// How long one attempt to write the fence may wait for a transaction that has written it.
const ONE_ATTEMPT: Duration = Duration::from_secs(2);

/// The pause before another attempt to write the fence durably.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(100);

/// Longer than the server keeps an abandoned transaction (`transactionLifetimeLimitSeconds`, 60 s, swept every 30 s).
const GIVE_UP: Duration = Duration::from_secs(2 * 60);

impl<S: Store> Lock<S> {
    /// Writes the fence as the last operation of a transaction: its commit fails if anybody raises the fence before.
    pub(crate) async fn pass(&self, token: i64, session: &mut S::Session) -> mongodb::error::Result<Fenced> {
        self.store.pass(token, session).await
    }

    /// Raises the fence to our token. When this returns, no transaction of an older token can commit any more.
    /// `sessions` may hold transactions that have passed the fence, such as those of holders that did not release their
    /// lease. They are killed only if one of them blocks the fence: the records tell what else a former holder has under
    /// way, and they are not meaningful before the fence is raised.
    pub(crate) async fn raise(&self, token: i64, sessions: &[Document]) -> Result<Fenced, Error> {
        let began = Instant::now();
        loop {
            let error = match self.store.raise(token, ONE_ATTEMPT).await {
                Ok(Raised { matched: true, in_doubt: None }) => return Ok(Fenced::Ours),
                Ok(Raised { in_doubt: None, .. }) => return Ok(Fenced::Newer),
                // A fail-over may undo it, so it counts for nothing. The next attempt meets the next primary.
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
            if !(blocked || passes(&error)) || began.elapsed() > GIVE_UP {
                return Err(self.failed("raise the fence", error));
            }
            if blocked && !sessions.is_empty() {
                tracing::info!("the fence is blocked by an open transaction; ending that transaction");
                self.kill(sessions).await;
            }
            sleep(BETWEEN_ATTEMPTS).await;
        }
    }

    /// Ends the open transactions of these sessions on the server, if it lets us.
    pub(crate) async fn kill(&self, sessions: &[Document]) {
        if !sessions.is_empty() {
            self.store.kill(sessions).await;
        }
    }
}
