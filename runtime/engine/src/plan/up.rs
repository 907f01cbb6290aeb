//! Plans the migrations to apply.

use std::collections::HashSet;
use std::slice;

use super::{Blocked, Plan, Step};
use crate::error::Error;
use crate::migration::{Direction, State};
use crate::plan::graph::{Graph, Node};

/// The selection of pending migrations.
#[derive(Clone, Debug, Default)]
pub(crate) enum Reach {
    /// All pending migrations.
    #[default]
    All,
    /// The migrations with these qualified ids and their dependencies.
    Only(Vec<String>),
    /// The migration with this qualified id and everything before it in plan order.
    To(String),
}

impl Plan {
    /// Plans the pending migrations of a selection.
    ///
    /// - Completed migrations never run, named or not. A pending dependency of a completed migration runs.
    /// - Manual migrations, and backfills that were canceled, run only if they are named. A dependent of a pending one is [`blocked`](Self::blocked), or
    ///   [`Error::ManualDependency`] if the dependent was selected by name.
    /// - A dependency that the registry does not select must be completed: [`Error::UnselectedDependency`].
    /// - A partially applied migration runs only if it is named. Otherwise, nothing runs: [`Error::PartiallyApplied`].
    /// - A migration that its condition excludes does not run, and its dependents do not wait for it. Naming it is
    ///   [`Error::Excluded`].
    /// - An id that the registry does not select is [`Error::UnknownMigration`] or [`Error::NotSelected`].
    pub(crate) fn up(graph: &Graph, reach: &Reach, state: impl Fn(&str) -> State) -> Result<Self, Error> {
        Self::up_limited(graph, reach, None, state)
    }

    /// Plans only those pending migrations of a selection whose qualified ids are in `limit`.
    ///
    /// If one of them depends on a pending migration outside the limit, fails with [`Error::PlanChanged`].
    pub(crate) fn up_limited(
        graph: &Graph,
        reach: &Reach,
        limit: Option<&HashSet<String>>,
        state: impl Fn(&str) -> State,
    ) -> Result<Self, Error> {
        let states = graph.map_nodes(|migration| state(migration.id()));
        let selection = Selection::new(graph, reach, &states)?;
        selection.refuse_partial()?;
        let mut plan = Self::default();
        // For each node, the nearest node that is neither completed nor planned: the node itself or a dependency.
        let mut obstacles: Vec<Option<Node>> = vec![None; graph.len()];
        for node in graph.nodes() {
            let below = graph.dependencies(node).filter_map(|node| obstacles[node.index()]);
            // An unselected node comes first, because it is an error regardless of other obstacles.
            let below = below.min_by_key(|&obstacle| (graph.is_selected(obstacle), obstacle));
            let state = states[node.index()];
            obstacles[node.index()] = below;
            if !state.is_pending() {
                continue;
            }
            if state == State::Underway {
                obstacles[node.index()] = Some(node);
                continue;
            }
            let is_within_limit = limit.is_none_or(|ids| ids.contains(graph.migration(node).id()));
            if !(is_within_limit && selection.contains(node)) {
                obstacles[node.index()] = Some(node);
                continue;
            }
            let migration = graph.migration(node);
            match below {
                None => plan.steps.push(Step { migration, direction: Direction::Up, state }),
                Some(obstacle) if states[obstacle.index()] == State::Underway => {
                    let waits_for = graph.migration(obstacle);
                    plan.blocked.push(Blocked { migration, waits_for, state: State::Underway });
                }
                // Only the limit keeps the obstacle from running.
                Some(obstacle) if selection.contains(obstacle) => {
                    let dependency = graph.migration(obstacle).id();
                    return Err(Error::PlanChanged { migration: migration.id(), dependency });
                }
                Some(obstacle) => plan.blocked.push(selection.blocked(node, obstacle)?),
            }
        }
        Ok(plan)
    }
}

/// The migrations that may run, if their states and dependencies allow it.
struct Selection<'a> {
    graph: &'a Graph,
    /// By node index.
    states: &'a [State],
    /// The migrations that were named.
    named: HashSet<Node>,
    /// By node index: whether the node was selected by name, directly or as a dependency. `None` if nothing was named.
    because_of_name: Option<Vec<bool>>,
    /// By node index: whether the node is within reach. `None` if all nodes are.
    reached: Option<Vec<bool>>,
}

impl<'a> Selection<'a> {
    fn new(graph: &'a Graph, reach: &Reach, states: &'a [State]) -> Result<Self, Error> {
        let named = match reach {
            Reach::All => HashSet::new(),
            Reach::Only(ids) => graph.named(ids)?,
            Reach::To(id) => graph.named(slice::from_ref(id))?,
        };
        if let Reach::Only(_) = reach {
            refuse_excluded(graph, &named, states)?;
        }
        let pending = named.iter().copied().filter(|node| states[node.index()].is_pending());
        let upstream = || graph.upstream(pending);
        let (because_of_name, reached) = match reach {
            Reach::All => (None, None),
            Reach::Only(_) => {
                let upstream = upstream();
                (Some(upstream.clone()), Some(upstream))
            }
            Reach::To(_) => (Some(upstream()), Some(graph.up_to(&named))),
        };
        Ok(Self { graph, states, named, because_of_name, reached })
    }

    fn contains(&self, node: Node) -> bool {
        let reached = || self.reached.as_ref().is_none_or(|reached| reached[node.index()]);
        let is_held = self.graph.migration(node).is_manual() || self.states[node.index()] == State::Canceled;
        self.graph.is_selected(node) && (!is_held || self.named.contains(&node)) && reached()
    }

    fn refuse_partial(&self) -> Result<(), Error> {
        let partial = self.graph.nodes().filter(|node| self.states[node.index()] == State::Partial);
        let unnamed = partial.filter(|node| self.contains(*node) && !self.named.contains(node));
        let ids: Vec<_> = unnamed.map(|node| self.graph.migration(node).id().to_owned()).collect();
        if ids.is_empty() { Ok(()) } else { Err(Error::PartiallyApplied { ids }) }
    }

    /// A node that waits for a manual migration or a canceled backfill. An error if the operator selected the node by name, or if
    /// the obstacle is not selected.
    fn blocked(&self, node: Node, obstacle: Node) -> Result<Blocked, Error> {
        let (migration, waits_for) = (self.graph.migration(node), self.graph.migration(obstacle));
        let (id, dependency) = (migration.id(), waits_for.id());
        if !self.graph.is_selected(obstacle) {
            return Err(Error::UnselectedDependency { migration: id, dependency });
        }
        if self.because_of_name.as_ref().is_some_and(|because| because[node.index()]) {
            return Err(Error::ManualDependency { migration: id, dependency });
        }
        Ok(Blocked { migration, waits_for, state: self.states[obstacle.index()] })
    }
}

fn refuse_excluded(graph: &Graph, named: &HashSet<Node>, states: &[State]) -> Result<(), Error> {
    let mut nodes: Vec<_> = named.iter().filter(|node| states[node.index()] == State::Excluded).collect();
    nodes.sort_unstable();
    let excluded = nodes.into_iter().map(|node| graph.migration(*node)).filter_map(|migration| {
        migration.condition().map(|condition| Error::Excluded { id: migration.id(), condition })
    });
    Error::gather(excluded.collect())
}
