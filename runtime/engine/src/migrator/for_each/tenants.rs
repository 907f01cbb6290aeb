//! The results of migrating many databases.

use std::collections::BTreeMap;
use std::fmt;

use crate::error::{Error, escaped};
use crate::report::Report;

/// The results of migrating many databases, by name. Its `Display` is for people: a line for each database that was changed or
/// failed, and a summary.
///
/// ```no_run
/// # async fn example(client: mongodb::Client) -> Result<(), mongrate::Error> {
/// use mongrate::Migrator;
/// use mongrate::migrator::DatabaseFilter;
///
/// let tenants = Migrator::for_each(client, DatabaseFilter::all()).await?;
/// for (database, error) in tenants.failed() {
///     eprintln!("{database}: {error}");
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
#[must_use = "it may hold failures"]
pub struct Tenants {
    results: BTreeMap<String, Result<Report, Error>>,
    interrupted: bool,
}

impl Tenants {
    pub(super) fn new(results: Vec<(String, Result<Report, Error>)>, interrupted: bool) -> Self {
        Self { results: results.into_iter().collect(), interrupted }
    }

    /// The report or the error of each database, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Result<&Report, &Error>)> {
        self.results.iter().map(|(name, result)| (name.as_str(), result.as_ref()))
    }

    /// Returns the report or the error of a database. `None` if it was not selected.
    #[must_use]
    pub fn get(&self, database: &str) -> Option<Result<&Report, &Error>> {
        self.results.get(database).map(Result::as_ref)
    }

    /// The databases that could not be migrated with their errors, sorted by name.
    pub fn failed(&self) -> impl Iterator<Item = (&str, &Error)> {
        self.iter().filter_map(|(name, result)| Some((name, result.err()?)))
    }

    /// The number of databases.
    #[must_use]
    pub fn len(&self) -> usize {
        self.results.len()
    }

    /// Returns whether no database was selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.results.is_empty()
    }

    /// Returns whether all databases were migrated and no signal arrived.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        !self.interrupted && self.failed().next().is_none()
    }

    /// Returns the reports by database name.
    ///
    /// Fails with [`Error::Tenants`] if a database failed, and with [`Error::Interrupted`] if a signal came too late to stop any
    /// run, because the process is meant to end.
    pub fn into_result(self) -> Result<BTreeMap<String, Report>, Error> {
        if self.failed().next().is_some() {
            return Err(Error::Tenants { tenants: Box::new(self) });
        }
        if self.interrupted {
            return Err(Error::Interrupted { report: Box::default() });
        }
        Ok(self.results.into_iter().filter_map(|(name, result)| Some((name, result.ok()?))).collect())
    }
}

impl fmt::Display for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut migrated, mut failed) = (0, 0);
        for (name, result) in self.iter() {
            let name = escaped(name);
            match result {
                Ok(report) => {
                    if !report.is_empty() {
                        migrated += 1;
                        writeln!(f, "{name}: applied {}", report.applied().count())?;
                    }
                    for warning in report.warnings() {
                        writeln!(f, "{name}: warning: {warning}")?;
                    }
                }
                Err(error) => {
                    failed += 1;
                    writeln!(f, "{name}: {error}")?;
                }
            }
        }
        let (all, rest) = (self.len(), self.len() - migrated - failed);
        match all {
            0 => f.write_str("No database matches."),
            1 => write!(f, "1 database: {migrated} migrated, {rest} with nothing to do, {failed} failed."),
            _ => write!(f, "{all} databases: {migrated} migrated, {rest} with nothing to do, {failed} failed."),
        }
    }
}
