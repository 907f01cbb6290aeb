//! One migration, as it was written and linked in.

mod kinds;
pub(crate) mod registration;

use std::fmt;
use std::time::Duration;

pub use self::kinds::{Direction, Kind, Rank, Source, State};
use self::registration::Registration;

/// A linked-in migration: what `#[migration]` was told and what it found. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Migration(&'static Registration);

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

    /// What migrations are ordered by.
    #[must_use]
    pub fn rank(self) -> Rank<'static> {
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
