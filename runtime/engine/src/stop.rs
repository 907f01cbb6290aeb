//! Why a run or a step must not go on, told once to everything that takes part in it.

mod backoff;
mod permit;
pub(crate) mod signals;

use std::fmt;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::display::Elapsed;

#[cfg(test)]
pub(crate) use self::backoff::seeded;
pub(crate) use self::backoff::{backoff, jitter};
pub(crate) use self::permit::{Guard, Permit};
pub use self::signals::Signals;

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Another process has taken over, or may do so at any moment.
    LeaseLost,
    /// The migration's own `timeout`.
    TimedOut(Duration),
    /// The time limit of the whole run.
    RunTimedOut(Duration),
    /// The server did not answer while the lease was waited for, and the time for that is over.
    WaitTimedOut(Duration),
    /// The process or the migrator was told to stop.
    Interrupted,
    /// The caller dropped the future of the run.
    Dropped,
}

impl Reason {
    /// How long a body may take to end its server call. A caller that dropped the future may block its thread meanwhile;
    /// otherwise it is well within the margin of the lease.
    pub(crate) fn grace(self) -> Duration {
        if self == Self::Dropped { Duration::from_millis(400) } else { Duration::from_secs(2) }
    }
}

/// How long a run that has to stop may take to do so in good order: a body may take two seconds to end its server call, and as
/// long again to give its session back. What takes longer waits for a server that does not answer, and is left behind.
pub(crate) const GRACE: Duration = Duration::from_millis(4_500);

/// When a run has to be over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    /// How long the run was given, for the message.
    pub(crate) limit: Duration,
}

impl Deadline {
    pub(crate) fn after(limit: Duration) -> Self {
        // Past what the clock can tell, there is no limit worth the name; a century will do.
        let at = Instant::now()
            .checked_add(limit)
            .unwrap_or_else(|| Instant::now() + Duration::from_secs(100 * 365 * 24 * 60 * 60));
        Self { at, limit }
    }

    pub(crate) fn check(self) -> Result<(), Reason> {
        if Instant::now() < self.at { Ok(()) } else { Err(Reason::RunTimedOut(self.limit)) }
    }

    /// Waits until then; without a deadline, for ever.
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
            Self::Interrupted | Self::Dropped => f.write_str("the run was interrupted"),
        }
    }
}

/// A stop sign: raised at most once, seen by every clone. Server calls that are under way are left to end, because
/// the driver's futures must not be dropped; the next one is not made.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    own: Sign,
    /// The migrator's: raised for every run of it.
    parent: Option<Sign>,
}

type Sign = watch::Sender<Option<Reason>>;

impl Stop {
    pub(crate) fn new() -> Self {
        Self { own: Sign::new(None), parent: None }
    }

    /// One that is raised with this one as well.
    pub(crate) fn child(&self) -> Self {
        Self { own: Sign::new(None), parent: Some(self.own.clone()) }
    }

    /// The first reason stays.
    pub(crate) fn raise(&self, reason: Reason) {
        self.own.send_if_modified(|seen| {
            let first = seen.is_none();
            seen.get_or_insert(reason);
            first
        });
    }

    pub(crate) fn reason(&self) -> Option<Reason> {
        let own = *self.own.borrow();
        own.or_else(|| self.parent.as_ref().and_then(|parent| *parent.borrow()))
    }

    pub(crate) fn check(&self) -> Result<(), Reason> {
        self.reason().map_or(Ok(()), Err)
    }

    /// Waits until it is raised.
    pub(crate) async fn raised(&self) -> Reason {
        match &self.parent {
            Some(parent) => tokio::select! {
                reason = raised(&self.own) => reason,
                reason = raised(parent) => reason,
            },
            None => raised(&self.own).await,
        }
    }
}

async fn raised(sign: &Sign) -> Reason {
    let mut seen = sign.subscribe();
    loop {
        if let Some(reason) = *seen.borrow_and_update() {
            return reason;
        }
        if seen.changed().await.is_err() {
            // Cannot happen while `sign` is held; waiting for ever is what "never raised" means.
            std::future::pending::<()>().await;
        }
    }
}
