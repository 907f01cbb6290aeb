//! The last comparison of the database with the footprints of migrations.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::context::Difference;

/// The maximum age of a comparison for [`Migrator::health`](super::Migrator::health), which may be called every second.
const MAX_AGE: Duration = Duration::from_secs(60);

/// The last comparison.
#[derive(Debug, Default)]
pub(super) struct Compared(Mutex<Last>);

#[derive(Debug, Default)]
struct Last {
    began: Option<Instant>,
    differences: Vec<Difference>,
}

impl Compared {
    /// Returns whether the caller must make another comparison.
    pub(super) fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.began.is_none_or(|began| began.elapsed() >= MAX_AGE);
        if due {
            last.began = Some(Instant::now());
        }
        due
    }

    pub(super) fn differences(&self) -> Vec<Difference> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).differences.clone()
    }

    pub(super) fn store(&self, differences: &[Difference]) {
        let last = Last { began: Some(Instant::now()), differences: differences.to_vec() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = last;
    }

    /// Invalidates the comparison after a run has changed the database.
    pub(super) fn invalidate(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Last::default();
    }
}
