//! Sends a command until it is answered, without blocking the application.

use mongodb::bson::Document;
use mongodb::error::{Error as DriverError, Result};
use tokio::time::{Instant, sleep};

use super::log::Done;
use super::perform::Performer;
use super::retry::Retry;
use super::server::Server;
use crate::error::codes::{API_STRICT_ERROR, BACKGROUND_OPERATION_IN_PROGRESS, INTERRUPTED, MAX_TIME_MS_EXPIRED};
use crate::error::{code, is_transient};
use crate::stop::backoff;

/// The answer to an idempotent command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) done: Done,
    /// Whether an attempt before had no answer, so that it may have done what this one found done.
    pub(super) retried: bool,
}

impl Answer {
    pub(super) fn of(done: Done, retry: &Retry) -> Self {
        Self { done, retried: retry.count > 0 }
    }
}

impl<S: Server> Performer<S> {
    /// Sends an idempotent command. The codes in `already` mean that there is nothing to do.
    pub(super) async fn send_until_answered(&mut self, command: Document, already: &[i32]) -> Result<Answer> {
        let mut retry = Retry::new(self.max_time);
        loop {
            match self.server.attempt(command.clone(), &mut retry).await {
                Ok(()) => return Ok(Answer::of(Done::Now, &retry)),
                Err(error) if code(&error).is_some_and(|code| already.contains(&code)) => {
                    return Ok(Answer::of(Done::Already, &retry));
                }
                Err(error) => self.again(error, &mut retry).await?,
            }
        }
    }

    /// Waits before another attempt, or returns the error if it is permanent.
    pub(super) async fn again(&self, error: DriverError, retry: &mut Retry) -> Result<()> {
        let blocked = retry.blocked > 0 && code(&error) == Some(INTERRUPTED);
        let busy = code(&error) == Some(BACKGROUND_OPERATION_IN_PROGRESS);
        if blocked || busy || is_transient(&error) { self.pause(error, retry).await } else { Err(error) }
    }

    /// Waits before another attempt, or returns the error if there is no time left.
    pub(super) async fn pause(&self, error: DriverError, retry: &mut Retry) -> Result<()> {
        if Instant::now() >= retry.deadline || self.permit.check().is_err() {
            return Err(error);
        }
        retry.count += 1;
        tracing::debug!(retry = retry.count, code = code(&error), "retrying");
        sleep(backoff(retry.count)).await;
        if self.permit.check().is_err() { Err(error) } else { Ok(()) }
    }

    /// Describes the operation that failed.
    pub(super) fn doing(&self, kind: &str, collection: &str, error: &DriverError) -> String {
        // "create index on 'users'", but "drop collection 'users'".
        let on = if kind.contains("_index") { " on" } else { "" };
        let doing = format!("{}{on} '{collection}'", kind.replace('_', " "));
        match code(error) {
            Some(MAX_TIME_MS_EXPIRED) => {
                let limit = crate::display::Elapsed(self.max_time);
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
