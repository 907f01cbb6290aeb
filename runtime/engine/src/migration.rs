//! A migration that is linked into the program.

mod conditions;
mod effect;
mod kinds;
mod provided;
pub(crate) mod registration;
pub mod template;

use std::any::TypeId;
use std::fmt;
use std::time::Duration;

pub use self::conditions::{Condition, Conditions, When};
pub use self::effect::Effect;
pub use self::kinds::{Direction, Kind, Rank, Source, State};
pub(crate) use self::provided::Provided;
use self::registration::{Registration, Run};

/// A migration that is linked into the program, with the metadata that `#[migration]` collected. Cheap to copy.
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

    /// The sort key of the migration.
    #[must_use]
    pub fn rank(self) -> Rank<'static> {
        Rank::of(self.0.id)
    }

    /// The source that it belongs to.
    #[must_use]
    pub fn source(&self) -> Source<'static> {
        self.0.source
    }

    /// Qualified ids of the migrations that must be completed before this one.
    #[must_use]
    pub fn dependencies(&self) -> &'static [&'static str] {
        self.0.dependencies
    }

    /// The `description` argument, or else the doc comment. May be empty.
    #[must_use]
    pub fn description(&self) -> &'static str {
        self.0.description
    }

    /// The first paragraph of the description, joined into one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let lines = self.description().lines().map(str::trim).take_while(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join(" ")
    }

    /// The checksum of the function's tokens, or of the whole module, prefixed with the version of the algorithm: `t2:` and 64
    /// hexadecimal digits.
    #[must_use]
    pub fn checksum(&self) -> &'static str {
        self.0.checksum
    }

    /// The kind, which decides how it runs.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.up.kind()
    }

    /// Returns whether it has a `down`.
    #[must_use]
    pub fn is_reversible(&self) -> bool {
        self.0.down.is_some()
    }

    /// The kind of its `down`, if it has one.
    #[must_use]
    pub fn down_kind(&self) -> Option<Kind> {
        self.0.down.as_ref().map(Run::kind)
    }

    /// The reason given with `irreversible = "..."`.
    #[must_use]
    pub fn irreversible_reason(&self) -> Option<&'static str> {
        self.0.irreversible
    }

    /// Returns whether it has a `verify` function, which checks that the migration took effect.
    #[must_use]
    pub fn has_verify(&self) -> bool {
        self.0.verify.is_some()
    }

    /// The functions that its body relies on, as written in `relies_on = [path]`.
    ///
    /// The [`checksum`](Self::checksum) does not include their code. The names are shown to a reader who investigates a change.
    #[must_use]
    pub fn relies_on(&self) -> &'static [&'static str] {
        self.0.relies_on
    }

    /// The types of the values that it needs from the application: `needs = [Type]`.
    pub fn needs(&self) -> impl Iterator<Item = &'static str> {
        self.missing_needs(|_| false)
    }

    /// The types that it needs and that are not there.
    pub(crate) fn missing_needs<F>(self, is_there: F) -> impl Iterator<Item = &'static str> + use<F>
    where
        F: Fn(TypeId) -> bool,
    {
        self.0.needs.iter().filter(move |need| !is_there((need.of)())).map(|need| (need.name)())
    }

    /// The condition that excludes it from some databases: `only_in = [..]` or `when = path`.
    #[must_use]
    pub fn condition(&self) -> Option<Condition> {
        self.0.condition
    }

    /// Returns whether it runs only when it is named.
    #[must_use]
    pub fn is_manual(&self) -> bool {
        self.0.manual
    }

    /// The time limit of its body.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.0.timeout
    }

    /// The file and the line of the function, or of `up` if the migration is a module.
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
