//! One migration, as it was written and linked in.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::__private::Registration;

/// A linked-in migration: what `#[migration]` was told and what it found. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Migration(&'static Registration);

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
pub(crate) struct Rank<'a> {
    source: Source<'a>,
    dated: bool,
    number: &'a str,
    name: &'a str,
}

impl<'a> Rank<'a> {
    /// Of a qualified id.
    pub(crate) fn of(id: &'a str) -> Self {
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

impl Migration {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(registration: &'static Registration) -> Self {
        Self(registration)
    }

    pub(crate) fn registration(self) -> &'static Registration {
        self.0
    }

    /// The qualified id: `001_create_users`, `module:menu:001_add_namespace`, `plugin:whale-alerts:001_init`.
    #[must_use]
    pub fn id(&self) -> &'static str {
        self.0.id
    }

    pub(crate) fn rank(self) -> Rank<'static> {
        Rank::of(self.0.id)
    }

    /// Where it belongs.
    #[must_use]
    pub fn source(&self) -> Source<'static> {
        self.0.source
    }

    /// Qualified ids of the migrations that must be completed before this one.
    #[must_use]
    pub fn dependencies(&self) -> &'static [&'static str] {
        self.0.dependencies
    }

    /// What it does: the `description` argument or else the doc comment; may be empty.
    #[must_use]
    pub fn description(&self) -> &'static str {
        self.0.description
    }

    /// The first paragraph of the description in one line: a doc comment may wrap anywhere in it.
    #[must_use]
    pub fn summary(&self) -> String {
        let lines = self.description().lines().map(str::trim).take_while(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join(" ")
    }

    /// Checksum of the function's tokens, or of all that is in the module, with the version of the algorithm: `t2:` and
    /// 64 hexadecimal digits.
    #[must_use]
    pub fn checksum(&self) -> &'static str {
        self.0.checksum
    }

    /// How it runs.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.up.kind()
    }

    /// Whether a `down` was given.
    #[must_use]
    pub fn is_reversible(&self) -> bool {
        self.0.down.is_some()
    }

    /// The reason given with `irreversible = "..."`.
    #[must_use]
    pub fn irreversible_reason(&self) -> Option<&'static str> {
        self.0.irreversible
    }

    /// Whether a `verify` was given: a function that tells whether the migration has had its effect.
    #[must_use]
    pub fn has_verify(&self) -> bool {
        self.0.verify.is_some()
    }

    /// The functions that its body relies on, given with `covers = [path]`, as written there.
    ///
    /// Names for people, who look there when the checksum has changed, or wonder why it has not: the code of these
    /// functions is not in the [`checksum`](Self::checksum).
    #[must_use]
    pub fn covers(&self) -> &'static [&'static str] {
        self.0.covers
    }

    /// Whether it runs only when it is named.
    #[must_use]
    pub fn is_manual(&self) -> bool {
        self.0.manual
    }

    /// The longest that its body may take.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.0.timeout
    }

    /// File and line of the function; of `up` if it is a module.
    #[must_use]
    pub fn location(&self) -> (&'static str, u32) {
        (self.0.file, self.0.line)
    }
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Migration").field(&self.id()).finish()
    }
}

impl PartialEq for Migration {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Migration {}

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

    /// Where this migration stands, in a word; see [`Standing::word`](crate::Standing::word).
    pub(crate) fn word(self, migration: Migration) -> &'static str {
        match self {
            Self::New if migration.is_manual() => "manual",
            Self::New => "pending",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::RolledBack => "rolled back",
            Self::Interrupted => "interrupted",
            Self::Partial => "half-way",
        }
    }
}
