//! What stays applied while others are taken back, and so stands in their way (I3).

use crate::error::Error;
use crate::plan::graph::{Graph, Node};

/// How many steps from dependency to dependent are followed before refusals are no longer listed. A chain of 100,000 in which
/// half stays would otherwise list billions of dependents.
const STEPS: usize = 1_000_000;

pub(super) struct Staying<'g> {
    graph: &'g Graph,
    /// In the order in which they are listed.
    nodes: Vec<Node>,
    /// For each node its place among them, if it stays.
    places: Vec<Option<usize>>,
    /// One flag for each node: whether one of them depends on it, directly or not.
    needed: Vec<bool>,
    /// For each node the last search that has come to it.
    found_by: Vec<u32>,
    searches: u32,
    steps: usize,
}

impl<'g> Staying<'g> {
    pub(super) fn new(graph: &'g Graph, nodes: Vec<Node>) -> Self {
        let mut places = vec![None; graph.len()];
        for (place, node) in nodes.iter().enumerate() {
            places[node.index()] = Some(place);
        }
        let needed = graph.upstream(nodes.iter().copied());
        Self { graph, nodes, places, needed, found_by: vec![0; graph.len()], searches: 0, steps: 0 }
    }

    /// Why a migration that does not stay cannot be taken back, if something that depends on it stays. Of very many, only the
    /// first ones are refused.
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

    /// Those that depend on a node and stay. Looks at nothing but what depends on it, so that many short searches are
    /// cheap.
    fn dependents(&mut self, node: Node) -> Vec<Node> {
        self.searches += 1;
        let mut places = Vec::new();
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            for dependent in self.graph.dependents(node) {
                self.steps += 1;
                let found_by = &mut self.found_by[dependent.index()];
                if *found_by != self.searches {
                    *found_by = self.searches;
                    places.extend(self.places[dependent.index()]);
                    open.push(dependent);
                }
            }
        }
        places.sort_unstable();
        places.into_iter().map(|place| self.nodes[place]).collect()
    }
}
