//! Synchronizes a body with its test.

use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(30);

/// A gate that lets one waiter pass for each call of `open`. A `static`, because a body is a plain function.
#[derive(Debug)]
pub struct Gate(Semaphore);

impl Gate {
    /// Creates a closed gate.
    #[must_use]
    pub const fn new() -> Self {
        Self(Semaphore::const_new(0))
    }

    /// Lets one waiter pass, now or later.
    pub fn open(&self) {
        self.0.add_permits(1);
    }

    /// Waits until it may pass. Panics after 30 seconds, so that nothing hangs after a failed test.
    pub async fn pass(&self) {
        timeout(LIMIT, self.0.acquire()).await.expect("the gate was not opened in time").unwrap().forget();
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
