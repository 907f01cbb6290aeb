//! The history entry that ends a run under the lease.

use std::time::Duration;

use mongodb::bson::DateTime;
use tokio::time::{Instant, timeout};

use super::Run;
use crate::error::Error;
use crate::executor::Executor;
use crate::lock::Lease;
use crate::migration::Direction;
use crate::migrator::entry::entry;
use crate::record::{Act, HistoryEntry, RecordStatus};
use crate::report::Report;
use crate::stop::GRACE;
use crate::store::{Tracker, now};

/// How long a run that must stop waits for its entry, because it has to release the lease, too.
const SHORT_GRACE: Duration = Duration::from_secs(1);

/// The beginning of the work under the lease.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beginning {
    at: DateTime,
    since: Instant,
}

impl Beginning {
    pub(super) fn now() -> Self {
        Self { at: now(), since: Instant::now() }
    }
}

impl Run {
    /// Creates the entry of a run with this result.
    pub(super) fn conclusion(
        &self,
        began: Beginning,
        executor: &Executor<'_>,
        result: &Result<Report, Error>,
    ) -> HistoryEntry {
        let report = result.as_ref().map_or_else(Error::report, Some);
        let applies = |report: &&Report| {
            report.applied().chain(report.failed()).any(|execution| execution.direction == Direction::Up)
        };
        let status = match result {
            Ok(_) => RecordStatus::Completed,
            Err(Error::Interrupted { .. }) => RecordStatus::Running,
            Err(_) => RecordStatus::Failed,
        };
        HistoryEntry {
            status: Some(status),
            batch: report.filter(applies).map(|_| executor.batch),
            executed_at: began.at,
            execution_duration: i64::try_from(began.since.elapsed().as_millis()).unwrap_or(i64::MAX),
            by: self.by.clone(),
            because: self.because.clone(),
            error: result.as_ref().err().map(|error| match executor.lease.stop_request() {
                Some(request) => format!("{}: {request}", error.message()),
                None => error.message(),
            }),
            ..entry(Act::Run, executor.lease.token(), executor.options)
        }
    }

    /// Stores the entry, unless the lease is lost. Best effort: it changes no state, and the lease must be released whether it is
    /// stored or not.
    pub(super) async fn conclude(&self, tracker: &Tracker, lease: &Lease, entry: HistoryEntry) {
        if lease.is_lost() {
            return;
        }
        let tracker = tracker.clone();
        let stored = tokio::spawn(async move { tracker.append(&entry).await });
        let limit = if self.check().is_err() { SHORT_GRACE } else { GRACE };
        match timeout(limit, stored).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "the end of the run is missing in the history"),
            Ok(Err(_)) => tracing::warn!("writing the end of the run to the history panicked"),
            Err(_) => tracing::warn!("the server did not answer the write of the end of the run to the history"),
        }
    }
}
