//! The result of a boot.

use std::fmt;

use tokio::task::JoinHandle;

use crate::error::Error;
use crate::migrator::Migrator;
use crate::report::Report;

/// The result of a [`Boot`](super::Boot), with its migrator. Its `Display` is for people.
///
/// ```no_run
/// # async fn example(db: mongodb::Database) -> Result<(), mongrate::Error> {
/// let booted = mongrate::Migrator::boot(db).await?;
/// if let Some(error) = booted.error() {
///     eprintln!("serving in spite of an error: {error}"); // MONGRATE_FAIL_HARD=false
/// }
/// let health = booted.migrator().health().await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Booted {
    pub(super) migrator: Migrator,
    pub(super) outcome: Result<Report, Error>,
    /// Works on backfills.
    pub(super) background: Option<JoinHandle<()>>,
}

impl Booted {
    /// The migrator as configured by the environment. Keep it for health checks.
    #[must_use]
    pub fn migrator(&self) -> &Migrator {
        &self.migrator
    }

    /// The report of the run, even if it failed with an ignored error. Empty if nothing was pending. `None` if no run began.
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        self.outcome.as_ref().map_or_else(Error::report, Some)
    }

    /// Waits until the work on backfills that goes on after the boot has ended. [`Migrator::shutdown`] ends it early, after the
    /// current batches.
    pub async fn backfilled(&mut self) {
        if let Some(background) = self.background.take()
            && let Err(error) = background.await
        {
            tracing::error!(%error, "the work on backfills panicked");
        }
    }

    /// The error that was logged and ignored because of `MONGRATE_FAIL_HARD=false`.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.outcome.as_ref().err()
    }
}

impl fmt::Display for Booted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Ok(report) => report.fmt(f),
            Err(error) => write!(f, "Continuing in spite of an error, because MONGRATE_FAIL_HARD=false: {error}"),
        }
    }
}
