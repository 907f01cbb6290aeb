//! What a migrator can be told.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::display::Elapsed;
use crate::error::Error;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What the durations may be. What is longer is a slip of the pen.
pub(crate) const LEASE: RangeInclusive<Duration> = Duration::from_secs(1)..=DAY;
pub(crate) const LOCK_WAIT: RangeInclusive<Duration> = Duration::ZERO..=MONTH;
pub(crate) const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(1)..=MONTH;

/// Of `Schema`: what the server takes as `maxTimeMS` has 31 bits.
pub(crate) const MAX_TIME: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(24 * 24 * 60 * 60);

const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What to do on a server that has no transactions (a standalone one).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transactions {
    /// Use transactions where the server has them; elsewhere run `Tx` bodies without one, and warn. A failure there is
    /// [`Error::Partial`](crate::error::Error::Partial).
    #[default]
    Auto,
    /// Refuse to run on a server without transactions.
    Required,
}

/// What to do about a finding that does not stop a run by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// Log a warning, mention it in the report, go on.
    #[default]
    Warn,
    /// Refuse to run; in [`Migrator::health`](crate::migrator::Migrator::health), say that the program is not ready.
    Error,
}

/// The names of the collections that Mongrate keeps in the database it migrates.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Names {
    /// One record per migration. Default: `migrations`.
    pub records: String,
    /// Every execution and manual act. Default: `migrations_history`.
    pub history: String,
    /// The lease and the fence. Default: `migrations_lock`.
    pub lock: String,
    /// What [`Tx::kv`](crate::context::Tx::kv) stores. Default: `migrations_kv`.
    pub kv: String,
}

impl Default for Names {
    fn default() -> Self {
        Self::prefixed("migrations")
    }
}

impl Names {
    /// `<name>`, `<name>_history`, `<name>_lock` and `<name>_kv`.
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
            kv: format!("{name}_kv"),
        }
    }
}

/// A time limit of a run. A [`Duration`] converts to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The run may take as long as it needs.
    None,
    /// 1 millisecond to 30 days.
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

    /// Fails with [`Error::InvalidOption`] for a limit that makes no sense. Zero would stop everything at once.
    pub fn check(self) -> Result<(), Error> {
        let accepted = "a duration from 1 millisecond to 30 days; no limit is the absence of the option";
        self.duration().map_or(Ok(()), |limit| bounded("timeout", limit, &TIMEOUT, accepted))
    }
}

/// Everything that a run is told; set through [`Migrator::builder`](crate::migrator::Migrator::builder).
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) actor: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) codebase_version: Option<String>,
    pub(crate) lock_wait: Duration,
    pub(crate) lease: Duration,
    /// `None` when nobody has set one.
    pub(crate) timeout: Option<Limit>,
    pub(crate) transactions: Transactions,
    pub(crate) drift: Policy,
    pub(crate) differences: Policy,
    pub(crate) names: Names,
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
        }
    }
}

impl Options {
    /// Everything that is wrong at once.
    pub(crate) fn check(&self, database: &str) -> Result<(), Error> {
        let checks = [
            bounded("lease", self.lease, &LEASE, "a duration from 1 second to 1 day"),
            bounded("lock_wait", self.lock_wait, &LOCK_WAIT, "a duration of up to 30 days; zero does not wait"),
            self.timeout.map_or(Ok(()), Limit::check),
        ];
        let wrong = checks.into_iter().filter_map(Result::err);
        Error::gather(wrong.chain(self.names.wrong(database)).collect())
    }
}

impl Names {
    /// Each with its option.
    pub(crate) fn all(&self) -> [(&'static str, &str); 4] {
        [
            ("names.records", &self.records),
            ("names.history", &self.history),
            ("names.lock", &self.lock),
            ("names.kv", &self.kv),
        ]
    }

    /// What is wrong with them in this database.
    fn wrong(&self, database: &str) -> Vec<Error> {
        let names = self.all();
        let problem = |(index, &(option, name)): (usize, &(&'static str, &str))| {
            let accepted = if names[..index].iter().any(|(_, other)| *other == name) {
                "a name different from the other three"
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

/// The longest name of a collection together with that of its database, in bytes.
/// <https://www.mongodb.com/docs/manual/reference/limits/#mongodb-limit-Restriction-on-Collection-Names>
const NAMESPACE: usize = 255;

/// Whether the server takes it for the name of a collection of the user's; see [`NAMESPACE`].
fn is_collection(name: &str) -> bool {
    !name.is_empty()
        && !name.contains(['$', '\0'])
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.starts_with("system.")
}

fn bounded(
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
