//! Refuses to revert migrations whose dependents stay applied (I3).

use crate::error::Error;
use crate::plan::graph::{Graph, Node};

/// Maximum number of visited edges before further refusals are omitted. For a chain of 100,000 migrations of which every other
/// one stays, the list would hold billions of dependents.
const STEPS: usize = 1_000_000;

/// The migrations that stay applied.
pub(super) struct Staying<'g> {
    graph: &'g Graph,
    /// In the order in which dependents are listed.
    nodes: Vec<Node>,
    /// By node index: the position in `nodes`, if the node stays.
    positions: Vec<Option<usize>>,
    /// By node index: whether one of `nodes` depends on it, directly or indirectly.
    needed: Vec<bool>,
    /// By node index: the last search that reached the node.
    found_by: Vec<u32>,
    searches: u32,
    steps: usize,
}

impl<'g> Staying<'g> {
    pub(super) fn new(graph: &'g Graph, nodes: Vec<Node>) -> Self {
        let mut positions = vec![None; graph.len()];
        for (position, node) in nodes.iter().enumerate() {
            positions[node.index()] = Some(position);
        }
        let needed = graph.upstream(nodes.iter().copied());
        Self { graph, nodes, positions, needed, found_by: vec![0; graph.len()], searches: 0, steps: 0 }
    }

    /// Returns an error if a dependent of this node stays. After [`STEPS`], further nodes are not refused.
    pub(super) fn refuse(&mut self, node: Node) -> Option<Error> {
        if !self.needed[node.index()] || self.steps > STEPS {
            return None;
        }
        let dependents = self.dependents(node);
        let selected = dependents.iter().all(|&other| self.graph.is_selected(other));
        let dependents: Vec<_> = dependents.into_iter().map(|other| self.graph.migration(other).id()).collect();
        let id = self.graph.migration(node).id();
        (!dependents.is_empty()).then_some(Error::DependentsApplied { id, dependents, selected })
    }

    /// Finds the staying dependents of a node. Visits nothing but dependents, which keeps many short searches cheap.
    fn dependents(&mut self, node: Node) -> Vec<Node> {
        self.searches += 1;
        let mut positions = Vec::new();
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            for dependent in self.graph.dependents(node) {
                self.steps += 1;
                let found_by = &mut self.found_by[dependent.index()];
                if *found_by != self.searches {
                    *found_by = self.searches;
                    positions.extend(self.positions[dependent.index()]);
                    open.push(dependent);
                }
            }
        }
        positions.sort_unstable();
        positions.into_iter().map(|position| self.nodes[position]).collect()
    }
}
