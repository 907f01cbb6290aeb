//! What a migrator can be told.

use std::time::Duration;

/// What to do on a server that has no transactions (a standalone one).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transactions {
    /// Use transactions where the server has them; elsewhere run `Tx` bodies without one, and warn. A failure there is
    /// [`Error::Partial`](crate::Error::Partial).
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
    /// Refuse to run.
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
    /// What [`Tx::kv`](crate::Tx::kv) stores. Default: `migrations_kv`.
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
    /// let names = mongrate::Names::prefixed("_schema");
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

/// Everything that a run is told; set through [`Migrator::builder`](crate::Migrator::builder).
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) actor: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) codebase_version: Option<String>,
    pub(crate) lock_wait: Duration,
    pub(crate) lease: Duration,
    pub(crate) timeout: Option<Duration>,
    pub(crate) transactions: Transactions,
    pub(crate) drift: Policy,
    pub(crate) names: Names,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            actor: None,
            environment: None,
            codebase_version: None,
            lock_wait: Duration::from_mins(5),
            lease: Duration::from_mins(1),
            timeout: None,
            transactions: Transactions::default(),
            drift: Policy::default(),
            names: Names::default(),
        }
    }
}
