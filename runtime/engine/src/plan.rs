//! What will run, in which order and why: a value that status, dry run, command line and executor share.

mod down;
#[cfg(test)]
pub(crate) mod fixtures;
mod graph;
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

/// An ordered list of steps. Of each one that is applied, the dependencies, direct and indirect, are completed or precede it;
/// of each one that is reverted, the dependents are pending or precede it.
///
/// Shown with `{}` it reads as a list for an operator.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// let plan = migrator.plan().await?;
/// for step in &plan {
///     println!("{} {}", step.verb(), step.migration().id());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    direction: Direction,
    steps: Vec<Step>,
    blocked: Vec<Blocked>,
}

/// One migration that will run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    migration: Migration,
    direction: Direction,
    state: State,
}

/// A pending migration that waits for a manual one.
///
/// A manual migration runs only when it is named, at a time that an operator chooses. What depends on it waits until
/// then and runs with the next `up`; everything else goes ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocked {
    migration: Migration,
    waits_for: Migration,
}

impl Plan {
    /// What `up` would do on an empty database. Fails as [`Registry::verify`].
    pub fn from_scratch(registry: &Registry) -> Result<Self, Error> {
        Self::up(&Graph::new(registry)?, &Reach::All, |_| State::New)
    }

    /// How many migrations will run.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether nothing will run. There may still be [`blocked`](Self::blocked) migrations.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The steps in order.
    pub fn iter(&self) -> slice::Iter<'_, Step> {
        self.steps.iter()
    }

    /// The pending migrations that wait for a manual one, in order.
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

    /// What happens to it.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Where it stood when the plan was made, which is why it is part of the plan.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }
}

impl Blocked {
    /// The migration that has to wait.
    #[must_use]
    pub fn migration(&self) -> Migration {
        self.migration
    }

    /// The manual migration that it waits for. If there are several, one of them, and always the same one.
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
        let what = if self.direction == Direction::Down { "revert" } else { "apply" };
        match self.len() {
            0 => write!(f, "Nothing to {what}.")?,
            1 => write!(f, "1 migration to {what}:")?,
            n => write!(f, "{n} migrations to {what}:")?,
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
            State::New | State::Completed => "",
            State::Failed => " (failed before)",
            State::RolledBack => " (rolled back before)",
            State::Interrupted => " (interrupted before)",
            State::Partial => " (half-way through before)",
        };
        write!(f, "{}{reason}", self.migration.id())?;
        let summary = self.migration.summary();
        if summary.is_empty() { Ok(()) } else { write!(f, ": {summary}") }
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, manual) = (self.migration.id(), self.waits_for.id());
        write!(f, "'{id}' waits for '{manual}', which is manual: run '{manual}' by name first.")
    }
}
