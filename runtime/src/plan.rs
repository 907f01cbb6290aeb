//! What will run, in which order and why: a value that status, dry run, command line and executor share.

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::{fmt, slice, vec};

use crate::error::Error;
use crate::graph::{Graph, Node, nearest};
use crate::migration::{Migration, State};

/// An ordered list of steps. Each one's dependencies, direct and indirect, are completed or precede it.
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
    steps: Vec<Step>,
    blocked: Vec<Blocked>,
}

/// One migration that will run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    migration: Migration,
    verb: Verb,
    state: State,
}

/// What a step does with its migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// Applies it.
    Up,
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
    /// Everything that is pending, or of it only these qualified ids and what they depend on.
    ///
    /// - Nothing that is completed runs, named or not. A pending dependency below a completed migration simply runs.
    /// - Manual migrations run only if they are named. Without `only`, what depends on a pending one is
    ///   [`blocked`](Self::blocked); with `only`, that is [`Error::ManualDependency`].
    /// - What the registry does not select has to be completed, or else it is [`Error::UnselectedDependency`].
    /// - A name that the registry does not have is [`Error::UnknownMigration`] or [`Error::NotSelected`].
    pub(crate) fn up(graph: &Graph, only: Option<&[String]>, state: impl Fn(&str) -> State) -> Result<Self, Error> {
        let states = graph.by_place(|migration| state(migration.id()));
        let selection = Selection::new(graph, only, &states)?;
        let mut plan = Self::default();
        // For each node the nearest one that is neither completed nor going to be: itself, or one that it depends on.
        let mut obstacles: Vec<Option<Node>> = vec![None; graph.len()];
        for node in graph.nodes() {
            let below = graph.dependencies(node).filter_map(|node| obstacles[node.index()]);
            // One that is not selected comes first: it is an error, whatever else is in the way.
            let below = below.min_by_key(|&obstacle| (graph.is_selected(obstacle), obstacle));
            let state = states[node.index()];
            obstacles[node.index()] = below;
            if !state.is_pending() {
                continue;
            }
            if !selection.contains(node) {
                obstacles[node.index()] = Some(node);
                continue;
            }
            let migration = graph.migration(node);
            match below {
                None => plan.steps.push(Step { migration, verb: Verb::Up, state }),
                Some(obstacle) => plan.blocked.push(selection.blocked(migration, obstacle)?),
            }
        }
        Ok(plan)
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
    pub fn verb(&self) -> Verb {
        self.verb
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

/// What may run, as far as states and dependencies allow.
struct Selection<'a> {
    graph: &'a Graph,
    only: Option<Only>,
}

struct Only {
    named: HashSet<Node>,
    with_dependencies: Vec<bool>,
}

impl<'a> Selection<'a> {
    fn new(graph: &'a Graph, only: Option<&[String]>, states: &[State]) -> Result<Self, Error> {
        let only = only.map(|ids| Only::new(graph, ids, states)).transpose()?;
        Ok(Self { graph, only })
    }

    fn contains(&self, node: Node) -> bool {
        let manual = self.graph.migration(node).is_manual();
        self.graph.is_selected(node)
            && match &self.only {
                Some(only) if manual => only.named.contains(&node),
                Some(only) => only.with_dependencies[node.index()],
                None => !manual,
            }
    }

    /// Waiting for the obstacle, if that is what the operator may have meant.
    fn blocked(&self, migration: Migration, obstacle: Node) -> Result<Blocked, Error> {
        let waits_for = self.graph.migration(obstacle);
        let (id, dependency) = (migration.id(), waits_for.id());
        if !self.graph.is_selected(obstacle) {
            return Err(Error::UnselectedDependency { migration: id, dependency });
        }
        if self.only.is_some() {
            return Err(Error::ManualDependency { migration: id, dependency });
        }
        Ok(Blocked { migration, waits_for })
    }
}

impl Only {
    fn new(graph: &Graph, ids: &[String], states: &[State]) -> Result<Self, Error> {
        let mut named = HashSet::new();
        let mut errors = Vec::new();
        for id in ids {
            match graph.find(id) {
                Some(node) if graph.is_selected(node) => drop(named.insert(node)),
                Some(node) => errors.push(Error::NotSelected { id: graph.migration(node).id() }),
                None => errors.push(Error::UnknownMigration {
                    id: id.clone(),
                    nearest: nearest(id, graph.order().map(|migration| migration.id())),
                }),
            }
        }
        Error::gather(errors)?;
        let pending = named.iter().copied().filter(|node| states[node.index()].is_pending());
        let with_dependencies = graph.upstream(pending);
        Ok(Self { named, with_dependencies })
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
        match self.len() {
            0 => f.write_str("Nothing to apply.")?,
            1 => f.write_str("1 migration to apply:")?,
            n => write!(f, "{n} migrations to apply:")?,
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

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up => f.write_str("up"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.state {
            State::New | State::Completed => "",
            State::Failed => " (failed before)",
            State::RolledBack => " (rolled back before)",
            State::Interrupted => " (interrupted before)",
        };
        write!(f, "{}{reason}", self.migration.id())?;
        // The first paragraph: a doc comment may wrap anywhere in it.
        let summary = self.migration.description().lines().map(str::trim).take_while(|line| !line.is_empty());
        let summary = summary.collect::<Vec<_>>().join(" ");
        if summary.is_empty() { Ok(()) } else { write!(f, ": {summary}") }
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, manual) = (self.migration.id(), self.waits_for.id());
        write!(f, "'{id}' waits for '{manual}', which is manual: run '{manual}' by name first.")
    }
}
