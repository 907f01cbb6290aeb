//! The deadline and the attempts of one operation.

use std::time::Duration;

use tokio::time::Instant;

/// The deadline and the attempts of one operation.
#[derive(Debug)]
pub(crate) struct Retry {
    pub(super) deadline: Instant,
    /// Number of attempts that were ended because they were blocked.
    pub(super) blocked: u32,
    /// Number of retries.
    pub(super) count: u32,
}

impl Retry {
    pub(super) fn new(limit: Duration) -> Self {
        Self { deadline: Instant::now() + limit, blocked: 0, count: 0 }
    }

    pub(super) fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
    }
}
