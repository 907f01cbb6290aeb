//! Returning from a run in time, although it cannot end.
//!
//! A majority write has no end while the majority is gone, and a driver's future must not be dropped while its call is under
//! way. So the run is a task that is left behind: it does nothing more but wait for that call, and release the lease.

use std::sync::{Arc, PoisonError};

use tokio::time::{Duration, timeout};
use tracing::Instrument;

use super::super::joined;
use super::{Run, Work, stopped};
use crate::error::Error;
use crate::report::Report;
use crate::stop::{GRACE, Reason, signals};

/// How long a run that holds nothing may take to stop.
const SHORT_GRACE: Duration = Duration::from_millis(400);

impl Run {
    /// Runs to the end. If the run has to stop and does not within a moment, returns without it.
    pub(super) async fn supervised(self, work: impl Work, dry_run: bool) -> Result<Report, Error> {
        let run = Arc::new(self);
        let mut task = tokio::spawn({
            let run = run.clone();
            async move { run.whole(&work, dry_run).await }.in_current_span()
        });
        let reason = tokio::select! {
            ended = &mut task => return joined(ended),
            reason = run.told_to_stop() => reason,
        };
        let grace = match reason {
            // Whoever waits for the lease has waited that long already.
            Reason::WaitTimedOut(_) => Duration::ZERO,
            // It only reads, and there is nothing to give back. A dry run has a transaction to end.
            _ if run.stake.held().is_none() && !dry_run => SHORT_GRACE,
            _ => GRACE,
        };
        match timeout(grace, &mut task).await {
            Ok(ended) => joined(ended),
            Err(_) => Err(run.leave_behind(reason, dry_run)),
        }
    }

    /// Withdraws the run's permission to act, so that no write begins after its caller has the answer.
    fn leave_behind(&self, reason: Reason, dry_run: bool) -> Error {
        self.stop.raise(Reason::Interrupted);
        // Nobody would react to a signal any more.
        self.end_signals();
        let (doing, report) = self.progress.so_far();
        let report = Box::new(if dry_run { report.of_dry_run() } else { report });
        if doing.is_empty() {
            // Nothing was attempted but to read.
            return stopped(reason, *report);
        }
        tracing::error!(doing, "{reason}, but the server does not answer; the run is left behind");
        Error::Unacknowledged {
            reason: reason.to_string(),
            doing,
            interrupted: matches!(reason, Reason::Interrupted),
            report,
        }
    }

    /// From now on, signals stop this run.
    pub(super) fn watch_signals(&self) {
        *self.signals.lock().unwrap_or_else(PoisonError::into_inner) = Some(signals::Watch::new(self.stop.clone()));
    }

    /// From now on, they do what they did before. Returns whether one has come meanwhile.
    pub(super) fn end_signals(&self) -> bool {
        let watch = self.signals.lock().unwrap_or_else(PoisonError::into_inner).take();
        watch.is_some_and(signals::Watch::end)
    }
}
