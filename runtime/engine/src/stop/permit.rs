//! Permits, which are valid while the lease is certainly ours and the run must not stop.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use crate::stop::{Reason, Stop};

/// The time until which the lease is certainly ours, on our monotonic clock, and the stop signal of the run. The check does not
/// depend on the heartbeat, which may not have noticed the loss of the lease yet after the process was paused.
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
        self.extend(Instant::now());
        self.run.raise(Reason::LeaseLost);
    }

    pub(crate) fn stop(&self, reason: Reason) {
        self.run.raise(reason);
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.run.reason() == Some(Reason::LeaseLost) || Instant::now() >= self.deadline()
    }

    /// Fails if the run must stop.
    pub(crate) fn check(&self) -> Result<(), Reason> {
        if self.is_lost() {
            self.lose();
        }
        self.run.check()
    }
}

/// The permit of one step, which is checked before each of its server calls.
#[derive(Clone, Debug)]
pub(crate) struct Permit {
    run: Run,
    step: Stop,
}

/// The run of a step, whose state the permit depends on.
#[derive(Clone, Debug)]
enum Run {
    Leased(Guard),
    /// A run that commits nothing, and so needs no lease.
    Unleased(Stop),
}

impl Permit {
    pub(crate) fn new(guard: Guard) -> Self {
        Self { run: Run::Leased(guard), step: Stop::new() }
    }

    /// Creates the permit of a step in a run that commits nothing.
    pub(crate) fn without_lease(run: Stop) -> Self {
        Self { run: Run::Unleased(run), step: Stop::new() }
    }

    /// Withdraws the permit of this step.
    pub(crate) fn withdraw(&self, reason: Reason) {
        self.step.raise(reason);
    }

    /// Stops the whole run.
    pub(crate) fn interrupt_run(&self) {
        match &self.run {
            Run::Leased(guard) => guard.stop(Reason::Interrupted),
            Run::Unleased(stop) => stop.raise(Reason::Interrupted),
        }
    }

    /// Fails if the step must stop.
    pub(crate) fn check(&self) -> Result<(), Reason> {
        let run = match &self.run {
            Run::Leased(guard) => guard.check(),
            Run::Unleased(stop) => stop.check(),
        };
        run.and_then(|()| self.step.check())
    }
}
