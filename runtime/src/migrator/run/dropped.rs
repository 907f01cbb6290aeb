//! The future of a run that its caller drops: the run ends in good order by itself, but the process may end before.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

use crate::executor::Stake;
use crate::stop::{Reason, Stop};

/// How long the thread that drops a future waits for the end of its run.
const LIMIT: Duration = Duration::from_secs(2);

/// Tells a run to stop when the caller drops its future, and waits until it has given back what it holds.
pub(in super::super) struct InterruptOnDrop {
    stop: Stop,
    stake: Arc<Stake>,
    /// Whether the run goes on while the caller's thread is blocked.
    goes_on: bool,
}

impl InterruptOnDrop {
    pub(in super::super) fn new(stop: Stop, stake: Arc<Stake>) -> Self {
        let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
        Self { stop, stake, goes_on: matches!(flavor, Ok(RuntimeFlavor::MultiThread)) }
    }
}

impl Drop for InterruptOnDrop {
    fn drop(&mut self) {
        self.stop.raise(Reason::Dropped);
        if self.goes_on && self.stake.held().is_some() {
            // It panics where blocking is not allowed, as in a `LocalSet`; then the run ends by itself, if it has the time.
            let _ = catch_unwind(AssertUnwindSafe(|| block_in_place(|| self.stake.wait(LIMIT))));
        }
    }
}
