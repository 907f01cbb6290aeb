//! Which pending migrations will be applied.

use std::collections::HashSet;
use std::slice;

use super::{Blocked, Plan, Step};
use crate::error::Error;
use crate::migration::{Direction, State};
use crate::plan::graph::{Graph, Node};

/// Which of the pending migrations.
#[derive(Clone, Debug, Default)]
pub(crate) enum Reach {
    /// All of them.
    #[default]
    All,
    /// Those with these qualified ids, and what they depend on.
    Only(Vec<String>),
    /// The one with this qualified id, and everything before it in plan order.
    To(String),
}

impl Plan {
    /// What is pending, as far as that reaches.
    ///
    /// - Nothing that is completed runs, named or not. A pending dependency below a completed migration simply runs.
    /// - Manual migrations run only if they are named. What depends on a pending one is [`blocked`](Self::blocked), or
    ///   [`Error::ManualDependency`] if it is there because of a name.
    /// - What the registry does not select has to be completed, or else it is [`Error::UnselectedDependency`].
    /// - One that is half changed runs only if it is named; as long as it is not, nothing does: [`Error::PartiallyApplied`].
    /// - A name that the registry does not have is [`Error::UnknownMigration`] or [`Error::NotSelected`].
    pub(crate) fn up(graph: &Graph, reach: &Reach, state: impl Fn(&str) -> State) -> Result<Self, Error> {
        let states = graph.by_place(|migration| state(migration.id()));
        let selection = Selection::new(graph, reach, &states)?;
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
                None => plan.steps.push(Step { migration, direction: Direction::Up, state }),
                Some(obstacle) => plan.blocked.push(selection.blocked(node, obstacle)?),
            }
        }
        Ok(plan)
    }
}

/// What may run, as far as states and dependencies allow.
struct Selection<'a> {
    graph: &'a Graph,
    /// Those that were called by their names.
    named: HashSet<Node>,
    /// One flag for each node: whether it is there because of a name. `None` if there was no name.
    because_of_name: Option<Vec<bool>>,
    /// One flag for each node: whether it is reached. `None` if all are.
    reached: Option<Vec<bool>>,
}

impl<'a> Selection<'a> {
    fn new(graph: &'a Graph, reach: &Reach, states: &[State]) -> Result<Self, Error> {
        let named = match reach {
            Reach::All => HashSet::new(),
            Reach::Only(ids) => graph.named(ids)?,
            Reach::To(id) => graph.named(slice::from_ref(id))?,
        };
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
        Ok(Self { graph, named, because_of_name, reached })
    }

    fn contains(&self, node: Node) -> bool {
        let reached = || self.reached.as_ref().is_none_or(|reached| reached[node.index()]);
        let may_run = !self.graph.migration(node).is_manual() || self.named.contains(&node);
        self.graph.is_selected(node) && may_run && reached()
    }

    fn refuse_half_changed(&self, states: &[State]) -> Result<(), Error> {
        let half = self.graph.nodes().filter(|node| states[node.index()] == State::Partial);
        let half = half.filter(|node| self.contains(*node) && !self.named.contains(node));
        let ids: Vec<_> = half.map(|node| self.graph.migration(node).id().to_owned()).collect();
        if ids.is_empty() { Ok(()) } else { Err(Error::PartiallyApplied { ids }) }
    }

    /// Waiting for the obstacle, if that is what the operator may have meant.
    fn blocked(&self, node: Node, obstacle: Node) -> Result<Blocked, Error> {
        let (migration, waits_for) = (self.graph.migration(node), self.graph.migration(obstacle));
        let (id, dependency) = (migration.id(), waits_for.id());
        if !self.graph.is_selected(obstacle) {
            return Err(Error::UnselectedDependency { migration: id, dependency });
        }
        if self.because_of_name.as_ref().is_some_and(|because| because[node.index()]) {
            return Err(Error::ManualDependency { migration: id, dependency });
        }
        Ok(Blocked { migration, waits_for })
    }
}
