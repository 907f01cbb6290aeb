//! The values that everything else is told in: they import nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a migration's argument lets it do, and so how it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// `&mut Tx`: in one transaction together with its record, exactly once.
    Tx,
    /// `&mut Schema`: operations outside transactions, each on record, so that it resumes where it stopped.
    Schema,
    /// `&Database`: the raw handle outside transactions, at least once.
    Database,
}

impl Kind {
    /// As it is stored: `tx`, `schema` or `database`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tx => "tx",
            Self::Schema => "schema",
            Self::Database => "database",
        }
    }

    /// Reads [`as_str`](Self::as_str); anything else is `None`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Tx, Self::Schema, Self::Database].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Where a migration belongs: `system`, `module:<name>` or `plugin:<name>`.
///
/// Sources are ordered: system first, then modules, then plugins, each by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source<'a> {
    /// The application itself.
    System,
    /// A named part of the application.
    Module(&'a str),
    /// An extension, confined to its own collections.
    Plugin(&'a str),
}

impl<'a> Source<'a> {
    /// Reads `system`, `module:<name>` or `plugin:<name>`; anything else is `None`.
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

/// What migrations are ordered by: the source, then the number in front (three digits before a date), then the rest of the id.
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

/// Which of a migration's two functions an execution ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The migration itself.
    #[default]
    Up,
    /// Its `down`.
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

/// Where one migration stands in one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// No record: it has never run here.
    New,
    /// Applied; never runs again.
    Completed,
    /// Its last run failed; the next `up` tries again.
    Failed,
    /// It was applied and then reverted; pending again.
    RolledBack,
    /// It was started outside a transaction by a process that lost the lease or died; it runs again, or resumes if it takes `Schema`.
    Interrupted,
    /// A `Tx` body failed or was interrupted on a server without transactions, so that the data may be half changed. It
    /// runs again only when it is named.
    Partial,
}

impl State {
    /// Whether an `up` would run it.
    #[must_use]
    pub fn is_pending(self) -> bool {
        self != Self::Completed
    }

    /// Where a migration stands, in a word; see [`Standing::word`](crate::status::Standing::word).
    pub(crate) fn word(self, manual: bool) -> &'static str {
        match self {
            Self::New if manual => "manual",
            Self::New => "pending",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::RolledBack => "rolled back",
            Self::Interrupted => "interrupted",
            Self::Partial => "partial",
        }
    }
}
