//! Which pending migrations will be applied.

use std::collections::HashSet;

use super::{Blocked, Plan, Step, Verb};
use crate::error::Error;
use crate::graph::{Graph, Node};
use crate::migration::{Migration, State};

impl Plan {
    /// Everything that is pending, or of it only these qualified ids and what they depend on.
    ///
    /// - Nothing that is completed runs, named or not. A pending dependency below a completed migration simply runs.
    /// - Manual migrations run only if they are named. Without `only`, what depends on a pending one is
    ///   [`blocked`](Self::blocked); with `only`, that is [`Error::ManualDependency`].
    /// - What the registry does not select has to be completed, or else it is [`Error::UnselectedDependency`].
    /// - One that is half changed runs only if it is named; as long as it is not, nothing does: [`Error::HalfChanged`].
    /// - A name that the registry does not have is [`Error::UnknownMigration`] or [`Error::NotSelected`].
    pub(crate) fn up(graph: &Graph, only: Option<&[String]>, state: impl Fn(&str) -> State) -> Result<Self, Error> {
        let states = graph.by_place(|migration| state(migration.id()));
        let selection = Selection::new(graph, only, &states)?;
        selection.refuse_half_changed(&states)?;
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

    fn refuse_half_changed(&self, states: &[State]) -> Result<(), Error> {
        let named = |node: &Node| self.only.as_ref().is_some_and(|only| only.named.contains(node));
        let half = self.graph.nodes().filter(|node| states[node.index()] == State::Partial);
        let half = half.filter(|node| self.contains(*node) && !named(node));
        let ids: Vec<_> = half.map(|node| self.graph.migration(node).id().to_owned()).collect();
        if ids.is_empty() { Ok(()) } else { Err(Error::HalfChanged { ids }) }
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
        let named = graph.named(ids)?;
        let pending = named.iter().copied().filter(|node| states[node.index()].is_pending());
        let with_dependencies = graph.upstream(pending);
        Ok(Self { named, with_dependencies })
    }
}
