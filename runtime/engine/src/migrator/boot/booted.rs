//! How a boot went.

use std::fmt;

use crate::error::Error;
use crate::migrator::Migrator;
use crate::report::Report;

/// How a boot went, and its migrator. Its `Display` is for people.
///
/// ```no_run
/// # async fn example(db: mongodb::Database) -> Result<(), mongrate::Error> {
/// let booted = mongrate::Migrator::boot(db).await?;
/// if let Some(error) = booted.error() {
///     eprintln!("serving all the same: {error}"); // MONGRATE_FAIL_HARD=false
/// }
/// let health = booted.migrator().health().await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Booted {
    pub(super) migrator: Migrator,
    pub(super) outcome: Result<Report, Error>,
}

impl Booted {
    /// The migrator as the environment has configured it, to keep for health checks.
    #[must_use]
    pub fn migrator(&self) -> &Migrator {
        &self.migrator
    }

    /// What was done, also before an error that was ignored; an empty report when nothing was pending. `None` when it
    /// did not come to a run.
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        self.outcome.as_ref().map_or_else(Error::report, Some)
    }

    /// The error that was logged and ignored, because `MONGRATE_FAIL_HARD` is false.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.outcome.as_ref().err()
    }
}

impl fmt::Display for Booted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Ok(report) => report.fmt(f),
            Err(error) => write!(f, "Going on in spite of an error, because MONGRATE_FAIL_HARD=false: {error}"),
        }
    }
}
