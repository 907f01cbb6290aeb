//! How long, and how often, an operation is tried.

use std::time::Duration;

use tokio::time::Instant;

/// The time and the attempts of one operation.
#[derive(Debug)]
pub(crate) struct Patience {
    pub(super) until: Instant,
    /// How often it was blocked.
    pub(super) blocked: u32,
    /// How often it is sent again.
    pub(super) again: u32,
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        Self { until: Instant::now() + limit, blocked: 0, again: 0 }
    }

    pub(super) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
    }
}
