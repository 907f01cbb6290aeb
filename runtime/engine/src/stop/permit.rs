//! Permission to act, as long as the lease is certainly ours and nobody has said stop.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use crate::stop::{Reason, Stop};

/// Until when the lease is certainly ours, on our own monotonic clock, and the run's stop sign. Asks nobody: after a
/// pause of the process, the heartbeat may not have noticed yet that the lease is gone.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    deadline: Arc<Mutex<Instant>>,
    run: Stop,
}

impl Guard {
    pub(crate) fn new(deadline: Instant, run: Stop) -> Self {
        Self { deadline: Arc::new(Mutex::new(deadline)), run }
    }

    pub(crate) fn deadline(&self) -> Instant {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn extend(&self, deadline: Instant) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    pub(crate) fn lose(&self) {
        self.run.raise(Reason::LeaseLost);
    }

    /// Whether the run may go on.
    pub(crate) fn check(&self) -> Result<(), Reason> {
        if Instant::now() >= self.deadline() {
            self.lose();
        }
        self.run.check()
    }
}

/// The permission of one step, checked before each of its server calls.
#[derive(Clone, Debug)]
pub(crate) struct Permit {
    run: Run,
    step: Stop,
}

/// What a step's permission depends on besides its own stop sign.
#[derive(Clone, Debug)]
enum Run {
    Leased(Guard),
    /// Nothing of it is committed, so it needs no lease.
    Unleased(Stop),
}

impl Permit {
    pub(crate) fn new(guard: Guard) -> Self {
        Self { run: Run::Leased(guard), step: Stop::new() }
    }

    /// For a run that commits nothing.
    pub(crate) fn without_lease(run: Stop) -> Self {
        Self { run: Run::Unleased(run), step: Stop::new() }
    }

    /// Withdraws it, for this step alone.
    pub(crate) fn withdraw(&self, reason: Reason) {
        self.step.raise(reason);
    }

    /// Whether the step may go on.
    pub(crate) fn check(&self) -> Result<(), Reason> {
        let run = match &self.run {
            Run::Leased(guard) => guard.check(),
            Run::Unleased(stop) => stop.check(),
        };
        run.and_then(|()| self.step.check())
    }
}
