//! The last comparison of the database with what migrations have left.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::context::Difference;

/// How long a comparison is recent enough for [`Migrator::health`](super::Migrator::health), which may be asked every second.
const RECENT: Duration = Duration::from_secs(60);

/// The last comparison.
#[derive(Debug, Default)]
pub(super) struct Compared(Mutex<Last>);

#[derive(Debug, Default)]
struct Last {
    begun: Option<Instant>,
    found: Vec<Difference>,
}

impl Compared {
    /// Whether it is time for another one, which the caller makes then.
    pub(super) fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.begun.is_none_or(|begun| begun.elapsed() >= RECENT);
        if due {
            last.begun = Some(Instant::now());
        }
        due
    }

    pub(super) fn found(&self) -> Vec<Difference> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).found.clone()
    }

    pub(super) fn keep(&self, found: &[Difference]) {
        let last = Last { begun: Some(Instant::now()), found: found.to_vec() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = last;
    }

    /// A run has changed the database.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Last::default();
    }
}
