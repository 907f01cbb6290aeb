//! Sending a command of an effect: until it is answered, without standing in the application's way.

use mongodb::bson::Document;
use mongodb::error::{Error as DriverError, Result};
use tokio::time::{Instant, sleep};

use super::log::Done;
use super::patience::Patience;
use super::perform::Performer;
use super::server::Server;
use crate::error::codes::{API_STRICT_ERROR, BACKGROUND_OPERATION_IN_PROGRESS, INTERRUPTED, MAX_TIME_MS_EXPIRED};
use crate::error::{code, passes};
use crate::stop::backoff;

impl<S: Server> Performer<S> {
    /// Sends a command that does no harm however often it is carried out. The codes in `already` mean that nothing is to do.
    pub(super) async fn insist(&mut self, command: Document, already: &[i32]) -> Result<Done> {
        let mut patience = Patience::new(self.max_time);
        loop {
            match self.server.attempt(command.clone(), &mut patience).await {
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

    /// A server's error, with what was being done.
    pub(super) fn doing(&self, kind: &str, collection: &str, error: &DriverError) -> String {
        // An index is on a collection; everything else is done to it.
        let on = if kind.ends_with("_index") { " on" } else { "" };
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
