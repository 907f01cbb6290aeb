//! The outcome of each database.

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

    /// Whether the process was told to stop while the databases were migrated.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Returns the reports by database, or an error unless [`is_ok`](Self::is_ok).
    pub fn into_result(self) -> Result<BTreeMap<String, Report>, TenantsError> {
        if !self.is_ok() {
            return Err(TenantsError(Box::new(self)));
        }
        Ok(self.results.into_iter().filter_map(|(name, result)| Some((name, result.ok()?))).collect())
    }
}

/// Each database with its report or its error, by name.
impl IntoIterator for Tenants {
    type Item = (String, Result<Report, Error>);
    type IntoIter = std::collections::btree_map::IntoIter<String, Result<Report, Error>>;

    fn into_iter(self) -> Self::IntoIter {
        self.results.into_iter()
    }
}

/// The error of [`Tenants::into_result`]: some databases could not be migrated, or the process was told to stop.
#[derive(Debug)]
pub struct TenantsError(Box<Tenants>);

impl TenantsError {
    /// The outcome of each database.
    pub fn tenants(&self) -> &Tenants {
        &self.0
    }

    /// The outcome of each database, with the errors themselves.
    pub fn into_tenants(self) -> Tenants {
        *self.0
    }
}

impl fmt::Display for TenantsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(tenants) = self;
        match tenants.failed().count() {
            0 => f.write_str("the run was interrupted after all databases had been migrated"),
            failed => {
                write!(f, "{failed} of {} databases could not be migrated:", tenants.len())?;
                tenants.failed().try_for_each(|(name, error)| write!(f, "\n- {}: {error}", escaped(name)))
            }
        }
    }
}

impl std::error::Error for TenantsError {}

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
