//! Basic values of migrations. This module imports nothing from the crate.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of a migration, given by the type of its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// `&mut Tx`: runs in one transaction together with its record, exactly once.
    Tx,
    /// `&mut Schema`: runs outside transactions and records each operation, so that it resumes where it stopped.
    Schema,
    /// `&mut Backfill`: changes a large collection in batches, each of them once, while other migrations run.
    Backfill,
    /// `&Database`: runs on the raw handle, outside transactions, at least once.
    Database,
}

impl Kind {
    /// The stored form: `tx`, `schema`, `backfill` or `database`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tx => "tx",
            Self::Schema => "schema",
            Self::Backfill => "backfill",
            Self::Database => "database",
        }
    }

    /// Parses the output of [`as_str`](Self::as_str). Returns `None` for any other text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Tx, Self::Schema, Self::Backfill, Self::Database].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The source of a migration: `system`, `module:<name>` or `plugin:<name>`.
///
/// Sources are ordered: system first, then modules, then plugins, each by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source<'a> {
    /// The application itself.
    System,
    /// A named module of the application.
    Module(&'a str),
    /// A plugin, confined to its own collections.
    Plugin(&'a str),
}

impl<'a> Source<'a> {
    /// Parses `system`, `module:<name>` or `plugin:<name>`. Returns `None` for any other text.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        match text.split_once(':') {
            None if text == "system" => Some(Self::System),
            Some(("module", name)) if !name.is_empty() => Some(Self::Module(name)),
            Some(("plugin", name)) if !name.is_empty() => Some(Self::Plugin(name)),
            _ => None,
        }
    }
}

impl<'a> Source<'a> {
    /// The source in a qualified id.
    pub(crate) fn of(id: &'a str) -> Self {
        id.rsplit_once(':').and_then(|(source, _)| Self::parse(source)).unwrap_or(Self::System)
    }
}

/// The sort key of migrations: the source, then the leading number (three digits before a date), then the rest of the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank<'a> {
    source: Source<'a>,
    dated: bool,
    number: &'a str,
    name: &'a str,
}

impl<'a> Rank<'a> {
    /// The rank of a qualified id.
    #[must_use]
    pub fn of(id: &'a str) -> Self {
        let plain = id.rsplit_once(':').map_or(id, |(_, plain)| plain);
        let digits = plain.bytes().take_while(u8::is_ascii_digit).count();
        let (number, name) = plain.split_at(digits);
        Self { source: Source::of(id), dated: digits > 3, number, name }
    }
}

impl fmt::Display for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Module(name) => write!(f, "module:{name}"),
            Self::Plugin(name) => write!(f, "plugin:{name}"),
        }
    }
}

/// The direction of an execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Applies the migration.
    #[default]
    Up,
    /// Reverts it with its `down`.
    Down,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up => f.write_str("up"),
            Self::Down => f.write_str("down"),
        }
    }
}

/// The state of a migration in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Never run; there is no record.
    New,
    /// Applied. It never runs again.
    Completed,
    /// Its last execution failed. The next `up` retries it.
    Failed,
    /// Reverted after it was applied. It is pending again.
    RolledBack,
    /// Started outside a transaction by a process that lost the lease or died. It runs again, or resumes if it takes `Schema`.
    Interrupted,
    /// A backfill that has started. It is worked on without the migration lock; its dependents wait.
    Underway,
    /// A backfill that was canceled. It runs again only when it is named; its dependents wait.
    Canceled,
    /// Not applied, and its condition excludes it from this database (`only_in` or `when`). Its dependents run without it.
    Excluded,
    /// A `Tx` body failed or was interrupted on a server without transactions, so its changes may be partial. It runs again
    /// only when it is named.
    Partial,
}

impl State {
    /// Returns whether an `up` would run it.
    #[must_use]
    pub fn is_pending(self) -> bool {
        !matches!(self, Self::Completed | Self::Excluded)
    }

    /// The state as a word; see [`Standing::label`](crate::status::Standing::label).
    pub(crate) fn label(self, manual: bool) -> &'static str {
        match self {
            Self::New if manual => "manual",
            Self::New => "pending",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::RolledBack => "rolled back",
            Self::Interrupted => "interrupted",
            Self::Underway => "underway",
            Self::Canceled => "canceled",
            Self::Excluded => "excluded",
            Self::Partial => "partial",
        }
    }
}
