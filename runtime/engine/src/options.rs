//! The configuration of a migrator.

mod first_use;

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::display::Elapsed;
use crate::error::Error;
use crate::migration::Provided;

pub use self::first_use::FirstUse;
pub(crate) use self::first_use::{Question, Unrecorded};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The accepted durations. A longer one is most likely a mistake.
pub(crate) const LEASE: RangeInclusive<Duration> = Duration::from_secs(1)..=DAY;
pub(crate) const LOCK_WAIT: RangeInclusive<Duration> = Duration::ZERO..=MONTH;
pub(crate) const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(1)..=MONTH;

/// The accepted time limits of a `Schema` operation: the server's `maxTimeMS` has 31 bits.
pub(crate) const MAX_TIME: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(24 * 24 * 60 * 60);

const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The policy for servers without transactions, which are standalone servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transactions {
    /// Use transactions if the server has them. Otherwise, warn and run `Tx` bodies without one; a failure is then
    /// [`Error::Partial`].
    #[default]
    Auto,
    /// Refuse to run on a server without transactions.
    Required,
}

/// The policy for a finding that does not have to stop a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// Log a warning, add it to the report, and continue.
    #[default]
    Warn,
    /// Refuse to run. [`Migrator::health`](crate::migrator::Migrator::health) reports that the program is not ready.
    Error,
}

/// The names of Mongrate's own collections in the database that it migrates.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Names {
    /// The records, one for each migration. Default: `migrations`.
    pub records: String,
    /// The history of executions and manual changes. Default: `migrations_history`.
    pub history: String,
    /// The lease and the fence. Default: `migrations_lock`.
    pub lock: String,
    /// The ranges of backfills that have not completed. Default: `migrations_ranges`.
    pub ranges: String,
    /// The values of [`Tx::kv`](crate::context::Tx::kv). Default: `migrations_kv`.
    pub kv: String,
}

impl Default for Names {
    fn default() -> Self {
        Self::prefixed("migrations")
    }
}

impl Names {
    /// Returns the names `<name>`, `<name>_history`, `<name>_lock`, `<name>_ranges` and `<name>_kv`.
    ///
    /// ```
    /// let names = mongrate::options::Names::prefixed("_schema");
    /// assert_eq!(names.history, "_schema_history");
    /// ```
    #[must_use]
    pub fn prefixed(name: &str) -> Self {
        Self {
            records: name.to_owned(),
            history: format!("{name}_history"),
            lock: format!("{name}_lock"),
            ranges: format!("{name}_ranges"),
            kv: format!("{name}_kv"),
        }
    }
}

/// A time limit of a run. A [`Duration`] converts to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// No limit.
    None,
    /// This duration: 1 millisecond to 30 days.
    After(Duration),
}

impl From<Duration> for Limit {
    fn from(limit: Duration) -> Self {
        Self::After(limit)
    }
}

impl Limit {
    pub(crate) fn duration(self) -> Option<Duration> {
        match self {
            Self::None => None,
            Self::After(limit) => Some(limit),
        }
    }

    /// Fails with [`Error::InvalidOption`] if the limit is zero or longer than 30 days.
    pub fn check(self) -> Result<(), Error> {
        let accepted = "a duration from 1 millisecond to 30 days; no limit is the absence of the option";
        self.duration().map_or(Ok(()), |limit| bounded("timeout", limit, &TIMEOUT, accepted))
    }
}

/// The options of a run, which are set through [`Migrator::builder`](crate::migrator::Migrator::builder).
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) actor: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) codebase_version: Option<String>,
    pub(crate) lock_wait: Duration,
    pub(crate) lease: Duration,
    /// `None` if it is not set.
    pub(crate) timeout: Option<Limit>,
    pub(crate) transactions: Transactions,
    pub(crate) drift: Policy,
    pub(crate) differences: Policy,
    pub(crate) names: Names,
    pub(crate) unrecorded: Unrecorded,
    pub(crate) provided: Provided,
    pub(crate) provided_for_dry_run: Provided,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            actor: None,
            environment: None,
            codebase_version: None,
            lock_wait: Duration::from_secs(5 * 60),
            lease: Duration::from_secs(60),
            timeout: None,
            transactions: Transactions::default(),
            drift: Policy::default(),
            differences: Policy::default(),
            names: Names::default(),
            unrecorded: Unrecorded::default(),
            provided: Provided::default(),
            provided_for_dry_run: Provided::default(),
        }
    }
}

impl Options {
    /// Returns the options of a dry run, which uses other values of the application.
    pub(crate) fn for_dry_run(&self) -> Self {
        Self { provided: self.provided_for_dry_run.clone(), ..self.clone() }
    }

    /// Fails with all invalid options at once.
    pub(crate) fn check(&self, database: &str) -> Result<(), Error> {
        let checks = [
            bounded("lease", self.lease, &LEASE, "a duration from 1 second to 1 day"),
            check_lock_wait(self.lock_wait),
            self.timeout.map_or(Ok(()), Limit::check),
        ];
        let wrong = checks.into_iter().filter_map(Result::err);
        let values = [("provide", &self.provided), ("provide_for_dry_run", &self.provided_for_dry_run)];
        let twice =
            values.into_iter().flat_map(|(option, provided)| provided.repeated().map(|name| twice(option, name)));
        Error::gather(wrong.chain(twice).chain(self.names.wrong(database)).collect())
    }
}

fn twice(option: &'static str, name: &str) -> Error {
    let value = format!("called twice with a value of the type `{name}`");
    invalid(option, value, "one value of each type: wrap the second one in a type of its own")
}

impl Names {
    /// Returns each name with its option.
    pub(crate) fn all(&self) -> [(&'static str, &str); 5] {
        [
            ("names.records", &self.records),
            ("names.history", &self.history),
            ("names.lock", &self.lock),
            ("names.ranges", &self.ranges),
            ("names.kv", &self.kv),
        ]
    }

    /// Returns an error for each name that is invalid in this database.
    fn wrong(&self, database: &str) -> Vec<Error> {
        let names = self.all();
        let problem = |(index, &(option, name)): (usize, &(&'static str, &str))| {
            let accepted = if names[..index].iter().any(|(_, other)| *other == name) {
                "a name different from the others"
            } else if !is_collection(name) {
                "the name of a collection: not empty, without `$`, not in `system.`, and no dot at either end"
            } else if database.len() + 1 + name.len() > NAMESPACE {
                "a shorter name: with that of the database and a dot it has at most 255 bytes"
            } else {
                return None;
            };
            Some(invalid(option, format!("'{name}'"), accepted))
        };
        names.iter().enumerate().filter_map(problem).collect()
    }
}

/// Maximum length of a namespace, `database.collection`, in bytes.
/// <https://www.mongodb.com/docs/manual/reference/limits/#mongodb-limit-Restriction-on-Collection-Names>
const NAMESPACE: usize = 255;

/// Returns whether the server accepts the name for a user's collection; see [`NAMESPACE`].
fn is_collection(name: &str) -> bool {
    !name.is_empty()
        && !name.contains(['$', '\0'])
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.starts_with("system.")
}

/// Fails with [`Error::InvalidOption`] if a wait for the lease is longer than 30 days.
pub(crate) fn check_lock_wait(wait: Duration) -> Result<(), Error> {
    bounded("lock_wait", wait, &LOCK_WAIT, "a duration of up to 30 days; zero does not wait")
}

pub(crate) fn bounded(
    option: &'static str,
    value: Duration,
    allowed: &RangeInclusive<Duration>,
    accepted: &'static str,
) -> Result<(), Error> {
    if allowed.contains(&value) { Ok(()) } else { Err(invalid(option, Elapsed(value).to_string(), accepted)) }
}

pub(crate) fn invalid(option: &'static str, value: String, accepted: &'static str) -> Error {
    Error::InvalidOption { option, value, accepted }
}
