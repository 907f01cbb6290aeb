//! Where a body and its test wait for each other.

use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(30);

/// A gate that lets as many pass as it was opened for. A `static`, because a body is a plain function.
#[derive(Debug)]
pub struct Gate(Semaphore);

impl Gate {
    /// Closed.
    #[must_use]
    pub const fn new() -> Self {
        Self(Semaphore::const_new(0))
    }

    /// Lets one pass, now or later.
    pub fn open(&self) {
        self.0.add_permits(1);
    }

    /// Waits until it may pass; panics after 30 seconds, so that nothing hangs on a test that failed.
    pub async fn pass(&self) {
        timeout(LIMIT, self.0.acquire()).await.expect("the gate stays closed").unwrap().forget();
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
