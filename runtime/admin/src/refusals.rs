//! Refused credentials in the log: at most one line a second, however many there are.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::Instrument;
use tracing::instrument::WithSubscriber;

/// The time that one line of the log covers.
const INTERVAL: Duration = Duration::from_secs(1);

/// Counts refused credentials and logs the count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusals(Arc<Mutex<Count>>);

#[derive(Debug, Default)]
struct Count {
    unlogged: u64,
    /// A task logs the next line at the end of the interval.
    is_waiting: bool,
}

impl Refusals {
    /// Logs a refusal at once, or with others at the end of the current second.
    pub(crate) fn note(&self) {
        let mut count = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        count.unlogged += 1;
        if count.is_waiting {
            return;
        }
        count.is_waiting = true;
        drop(count);
        self.log();
        let refusals = self.clone();
        let wait = async move {
            loop {
                tokio::time::sleep(INTERVAL).await;
                if !refusals.log() {
                    break;
                }
            }
        };
        tokio::spawn(wait.in_current_span().with_current_subscriber());
    }

    /// Logs what has not been logged. Returns `false`, and ends the interval, if there is nothing.
    fn log(&self) -> bool {
        let mut count = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = std::mem::take(&mut count.unlogged);
        count.is_waiting = refused > 0;
        drop(count);
        if refused > 0 {
            tracing::warn!(count = refused, "the admin refused credentials: a wrong token, or a sign-in that is over");
        }
        refused > 0
    }
}
