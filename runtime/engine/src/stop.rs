//! Stops runs and steps: the stop signal, permits and process signals.

mod backoff;
mod permit;
pub(crate) mod signals;

use std::fmt;
use std::iter;
use std::time::Duration;

use futures_util::future::select_all;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::display::Elapsed;

#[cfg(test)]
pub(crate) use self::backoff::seeded;
pub(crate) use self::backoff::{backoff, jitter};
pub(crate) use self::permit::{Guard, Permit};
pub use self::signals::Signals;

/// The reason why a run or a step must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Another process has taken over, or may do so at any moment.
    LeaseLost,
    /// The `timeout` of the migration has passed.
    TimedOut(Duration),
    /// The time limit of the run has passed.
    RunTimedOut(Duration),
    /// The server did not answer while the run waited for the lease, and the time limit of waiting has passed.
    WaitTimedOut(Duration),
    /// The process received a signal, or the migrator was shut down.
    Interrupted,
    /// Somebody requested it through the lease document.
    Requested,
    /// The caller dropped the future of the run.
    Dropped,
}

impl Reason {
    /// Returns the time in which a body must complete its current server call. It is well within the margin of the lease, and shorter
    /// if the future was dropped, because the caller's thread may be blocked.
    pub(crate) fn grace(self) -> Duration {
        if self == Self::Dropped { Duration::from_millis(400) } else { Duration::from_secs(2) }
    }
}

/// Time limit of a graceful stop: two seconds for a body to complete its server call, and as long to return its session. Anything
/// slower waits for a server that does not answer, and is abandoned.
pub(crate) const GRACE: Duration = Duration::from_millis(4_500);

/// The time by which a run must end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    /// The time limit of the run, for the message.
    pub(crate) limit: Duration,
}

impl Deadline {
    pub(crate) fn after(limit: Duration) -> Self {
        // Beyond the range of the clock, a century is as good as no limit.
        let at = Instant::now()
            .checked_add(limit)
            .unwrap_or_else(|| Instant::now() + Duration::from_secs(100 * 365 * 24 * 60 * 60));
        Self { at, limit }
    }

    pub(crate) fn check(self) -> Result<(), Reason> {
        if Instant::now() < self.at { Ok(()) } else { Err(Reason::RunTimedOut(self.limit)) }
    }

    /// Waits for the deadline. Without one, never returns.
    pub(crate) async fn passed(deadline: Option<Self>) -> Reason {
        let Some(Self { at, limit }) = deadline else { return std::future::pending().await };
        tokio::time::sleep_until(at).await;
        Reason::RunTimedOut(limit)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeaseLost => f.write_str("the migration lease was lost"),
            Self::TimedOut(limit) => write!(f, "the timeout of {} has passed", Elapsed(*limit)),
            Self::RunTimedOut(limit) => write!(f, "the run's time limit of {} has passed", Elapsed(*limit)),
            Self::WaitTimedOut(limit) => write!(f, "the wait of {} for the migration lock has passed", Elapsed(*limit)),
            Self::Requested => f.write_str("somebody requested the run to stop"),
            Self::Interrupted | Self::Dropped => f.write_str("the run was interrupted"),
        }
    }
}

/// A stop signal, which is raised at most once and shared by all clones. A current server call completes, because a driver future
/// must not be dropped, and no further one is started.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    own: Signal,
    /// The signals of the migrator and of those above it, each of which stops all runs below.
    ancestors: Vec<Signal>,
}

type Signal = watch::Sender<Option<Reason>>;

impl Stop {
    pub(crate) fn new() -> Self {
        Self { own: Signal::new(None), ancestors: Vec::new() }
    }

    /// Creates a signal that is also raised with this one.
    pub(crate) fn child(&self) -> Self {
        Self { own: Signal::new(None), ancestors: self.all().cloned().collect() }
    }

    /// Raises the signal. The first reason is kept.
    pub(crate) fn raise(&self, reason: Reason) {
        self.own.send_if_modified(|seen| {
            let first = seen.is_none();
            seen.get_or_insert(reason);
            first
        });
    }

    pub(crate) fn reason(&self) -> Option<Reason> {
        self.all().find_map(|signal| *signal.borrow())
    }

    pub(crate) fn check(&self) -> Result<(), Reason> {
        self.reason().map_or(Ok(()), Err)
    }

    /// Waits until the signal is raised.
    pub(crate) async fn raised(&self) -> Reason {
        select_all(self.all().map(|signal| Box::pin(raised(signal)))).await.0
    }

    fn all(&self) -> impl Iterator<Item = &Signal> {
        iter::once(&self.own).chain(&self.ancestors)
    }
}

async fn raised(signal: &Signal) -> Reason {
    let mut seen = signal.subscribe();
    loop {
        if let Some(reason) = *seen.borrow_and_update() {
            return reason;
        }
        if seen.changed().await.is_err() {
            // Unreachable while the sender exists. Never returning means that the signal is never raised.
            std::future::pending::<()>().await;
        }
    }
}
