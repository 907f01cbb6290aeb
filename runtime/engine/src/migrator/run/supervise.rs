//! Returns from a run in time, even if the run cannot end.
//!
//! A majority write does not end without a majority, and a driver's future must not be dropped while its call is running. So the
//! run is a task that is abandoned: it only waits for the call, then releases the lease.

use std::sync::{Arc, PoisonError};

use tokio::time::{Duration, timeout};
use tracing::Instrument;

use super::super::joined;
use super::{Run, Work, stopped};
use crate::error::Error;
use crate::report::Report;
use crate::stop::{GRACE, Reason, signals};

/// The grace period of a run that holds no resources.
const SHORT_GRACE: Duration = Duration::from_millis(400);

impl Run {
    /// Runs to completion. If the run must stop and does not within a grace period, returns without it.
    pub(super) async fn supervised(self, work: impl Work, dry_run: bool) -> Result<Report, Error> {
        let run = Arc::new(self);
        let mut task = tokio::spawn({
            let run = run.clone();
            async move { run.run_with_signals(&work, dry_run).await }.in_current_span()
        });
        let reason = tokio::select! {
            ended = &mut task => return joined(ended),
            reason = run.must_stop() => reason,
        };
        let grace = match reason {
            // The wait included a grace period already.
            Reason::WaitTimedOut(_) => Duration::ZERO,
            // The run only reads and has no resources to release. A dry run has a transaction to end.
            _ if run.resources.held().is_none() && !dry_run => SHORT_GRACE,
            _ => GRACE,
        };
        match timeout(grace, &mut task).await {
            Ok(ended) => joined(ended),
            Err(_) => Err(run.abandon(reason, dry_run)),
        }
    }

    /// Withdraws the run's permit, so that no write begins after the caller has the result.
    fn abandon(&self, reason: Reason, dry_run: bool) -> Error {
        self.stop.raise(Reason::Interrupted);
        // The abandoned run would not react to signals.
        self.end_signals();
        let (doing, mut report) = self.progress.so_far();
        report.set_token(self.token.get().copied());
        let report = Box::new(if dry_run { report.into_dry_run() } else { report });
        if doing.is_empty() {
            // The run has only read so far.
            return stopped(reason, *report);
        }
        tracing::error!(doing, "{reason}, but the server does not respond; the run is abandoned");
        Error::Unacknowledged {
            reason: reason.to_string(),
            doing,
            interrupted: matches!(reason, Reason::Interrupted),
            report,
        }
    }

    /// Makes signals stop this run.
    pub(super) fn watch_signals(&self) {
        *self.signals.lock().unwrap_or_else(PoisonError::into_inner) = Some(signals::Watch::new(self.stop.clone()));
    }

    /// Restores the former signal handling. Returns whether a signal arrived meanwhile.
    pub(super) fn end_signals(&self) -> bool {
        let watch = self.signals.lock().unwrap_or_else(PoisonError::into_inner).take();
        watch.is_some_and(signals::Watch::end)
    }
}
