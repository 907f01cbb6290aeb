//! Plans: the migrations that will run and their order. Status, dry run, command line and executor share this value.

mod down;
#[cfg(test)]
pub(crate) mod fixtures;
mod graph;
mod isolated;
mod mark;
#[cfg(test)]
mod properties;
mod registry;
mod staying;
#[cfg(test)]
mod tests;
mod up;

use std::{fmt, slice, vec};

use crate::error::Error;
use crate::migration::{Direction, Migration, State};

pub(crate) use down::Target;
pub(crate) use graph::{Graph, HeldUp, Unknown, unknown};
pub(crate) use mark::{mark_applied, mark_pending};
#[doc(hidden)]
pub use registry::Linked;
pub use registry::{NOTHING_LINKED, Registry};
pub(crate) use up::Reach;

/// An ordered list of steps. The dependencies of a migration to apply, direct and indirect, are completed or precede it. The
/// dependents of a migration to revert are pending or precede it.
///
/// Its `Display` is a list for an operator.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// let plan = migrator.plan().await?;
/// for step in &plan {
///     println!("{} {}", step.direction(), step.migration().id());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    direction: Direction,
    steps: Vec<Step>,
    blocked: Vec<Blocked>,
}

/// A migration that will run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    migration: Migration,
    direction: Direction,
    state: State,
}

/// A pending migration that waits for a manual one, or for a backfill that is underway or was canceled.
///
/// A manual migration runs only when it is named, at a time that an operator chooses. Its dependents wait until then and run
/// with the next `up`. All other migrations run without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocked {
    migration: Migration,
    waits_for: Migration,
    /// That of the migration for which it waits.
    state: State,
}

impl Plan {
    /// Plans an `up` of an empty database. Fails like [`Registry::verify`].
    pub fn from_scratch(registry: &Registry) -> Result<Self, Error> {
        Self::up(&Graph::new(registry)?, &Reach::All, |_| State::New)
    }

    /// The number of migrations that will run.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// The qualified ids of the migrations that will run, in order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = String> {
        self.steps.iter().map(|step| step.migration.id().to_owned())
    }

    /// Returns whether no migration will run. There may still be [`blocked`](Self::blocked) migrations.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The steps in order.
    pub fn iter(&self) -> slice::Iter<'_, Step> {
        self.steps.iter()
    }

    /// The pending migrations that wait for a manual one or for a backfill, in order.
    #[must_use]
    pub fn blocked(&self) -> &[Blocked] {
        &self.blocked
    }
}

impl Step {
    /// The migration.
    #[must_use]
    pub fn migration(&self) -> Migration {
        self.migration
    }

    /// Whether the migration will be applied or reverted.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The state of the migration when the plan was made.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }
}

impl Blocked {
    /// The migration that waits.
    #[must_use]
    pub fn migration(&self) -> Migration {
        self.migration
    }

    /// The manual migration or the backfill that it waits for. If there are several, always the same one of them.
    #[must_use]
    pub fn waits_for(&self) -> Migration {
        self.waits_for
    }
}

impl<'a> IntoIterator for &'a Plan {
    type Item = &'a Step;
    type IntoIter = slice::Iter<'a, Step>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Plan {
    type Item = Step;
    type IntoIter = vec::IntoIter<Step>;

    fn into_iter(self) -> Self::IntoIter {
        self.steps.into_iter()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.direction == Direction::Down { "revert" } else { "apply" };
        match self.len() {
            0 => write!(f, "Nothing to {verb}.")?,
            1 => write!(f, "1 migration to {verb}:")?,
            n => write!(f, "{n} migrations to {verb}:")?,
        }
        let digits = self.len().to_string().len();
        for (number, step) in self.iter().enumerate() {
            write!(f, "\n  {:>digits$}. {step}", number + 1)?;
        }
        for blocked in &self.blocked {
            write!(f, "\n{blocked}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.state {
            State::New | State::Completed | State::Excluded | State::Underway => "",
            State::Failed => " (failed before)",
            State::RolledBack => " (rolled back before)",
            State::Canceled => " (canceled before)",
            State::Interrupted => " (interrupted before)",
            State::Partial => " (partial before)",
        };
        write!(f, "{}{reason}", self.migration.id())?;
        let summary = self.migration.summary();
        if summary.is_empty() { Ok(()) } else { write!(f, ": {summary}") }
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, other) = (self.migration.id(), self.waits_for.id());
        match self.state {
            State::Underway => write!(f, "'{id}' waits for the backfill '{other}', which is underway."),
            State::Canceled => {
                write!(f, "'{id}' waits for the backfill '{other}', which was canceled: run '{other}' by name first.")
            }
            _ => write!(f, "'{id}' waits for '{other}', which is manual: run '{other}' by name first."),
        }
    }
}
