//! Why a run or a step must not go on, told once to everything that takes part in it.

use std::fmt;
use std::time::Duration;

use tokio::sync::watch;

use crate::elapsed::Elapsed;

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Another process has taken over, or may do so at any moment.
    LeaseLost,
    /// The migration's own `timeout`.
    TimedOut(Duration),
    /// The caller dropped the future of the run, or the process was told to stop.
    Interrupted,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeaseLost => f.write_str("the migration lease was lost"),
            Self::TimedOut(limit) => write!(f, "the timeout of {} has passed", Elapsed(*limit)),
            Self::Interrupted => f.write_str("the run was told to stop"),
        }
    }
}

/// A stop sign: raised at most once, seen by every clone. Server calls that are under way are left to end, because
/// the driver's futures must not be dropped; the next one is not made.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Sender<Option<Reason>>);

impl Stop {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// The first reason stays.
    pub(crate) fn raise(&self, reason: Reason) {
        self.0.send_if_modified(|seen| {
            let first = seen.is_none();
            seen.get_or_insert(reason);
            first
        });
    }

    pub(crate) fn reason(&self) -> Option<Reason> {
        *self.0.borrow()
    }

    pub(crate) fn check(&self) -> Result<(), Reason> {
        self.reason().map_or(Ok(()), Err)
    }

    /// Waits until it is raised.
    pub(crate) async fn raised(&self) -> Reason {
        let mut seen = self.0.subscribe();
        loop {
            if let Some(reason) = *seen.borrow_and_update() {
                return reason;
            }
            if seen.changed().await.is_err() {
                // Cannot happen while `self` holds the sender; waiting for ever is what "never raised" means.
                std::future::pending::<()>().await;
            }
        }
    }
}
