//! Validates a graph. Every fault is reported once, in an order that depends on the set alone.

use std::collections::{HashMap, VecDeque};
use std::iter;

use petgraph::algo::kosaraju_scc;

use super::nearest::{SUGGESTIONS, nearest};
use super::{Draft, Graph, Node};
use crate::error::Error;
use crate::migration::{Migration, Source};
use crate::plan::Registry;

impl Draft {
    pub(super) fn faults(&self, registry: &Registry) -> Vec<Error> {
        let source = registry.unmatched().map(|name| unknown_source(name, registry));
        let duplicates = self.duplicates.iter().map(|&nodes| self.duplicate(nodes));
        let missing = self.missing.iter().enumerate();
        let missing = missing.map(|(nth, &(node, dependency))| Error::MissingDependency {
            migration: self.graph.migration(node).id(),
            dependency,
            nearest: (nth < SUGGESTIONS).then(|| self.nearest(node, dependency)).flatten(),
        });
        source.into_iter().chain(duplicates).chain(missing).chain(self.cycles()).collect()
    }

    fn duplicate(&self, (first, second): (Node, Node)) -> Error {
        let (first, second) = (self.graph.migration(first), self.graph.migration(second));
        Error::DuplicateId { id: first.id(), first: first.location(), second: second.location() }
    }

    /// Suggests an id for a missing dependency of a node; never the node's own.
    fn nearest(&self, node: Node, dependency: &str) -> Option<&'static str> {
        let others = self.graph.edges.node_indices().filter(|&other| other != node);
        nearest(dependency, others.map(|other| self.graph.migration(other).id()))
    }

    /// One cycle for each strongly connected component: the shortest path from its smallest node back to that node.
    fn cycles(&self) -> Vec<Error> {
        if self.unsorted == 0 {
            return Vec::new();
        }
        // petgraph's Tarjan is recursive, and a long cycle would overflow the stack.
        let mut components = kosaraju_scc(&self.graph.edges);
        components.retain(|nodes| nodes.len() > 1 || self.graph.edges.contains_edge(nodes[0], nodes[0]));
        for nodes in &mut components {
            nodes.sort_unstable();
        }
        components.sort_unstable();
        components
            .iter()
            .filter_map(|nodes| self.graph.shortest_cycle(nodes))
            .map(|path| Error::Cycle { path })
            .collect()
    }
}

impl Graph {
    /// Finds the shortest path from the first node of a component through its dependencies back to itself, both ends included.
    /// Of several paths, the one with the smaller nodes wins.
    fn shortest_cycle(&self, component: &[Node]) -> Option<Vec<&'static str>> {
        let start = *component.first()?;
        let mut came_from = HashMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            let mut dependencies: Vec<_> = self.dependencies(node).collect();
            dependencies.sort_unstable();
            for dependency in dependencies {
                if dependency == start {
                    return Some(self.path(start, node, &came_from));
                }
                // No path outside the component leads back, and searching there would not be linear.
                if component.binary_search(&dependency).is_ok() && !came_from.contains_key(&dependency) {
                    came_from.insert(dependency, node);
                    queue.push_back(dependency);
                }
            }
        }
        None
    }

    /// Reads a path from `came_from`, whose keys are dependencies of their values. `last` depends on `start`.
    fn path(&self, start: Node, last: Node, came_from: &HashMap<Node, Node>) -> Vec<&'static str> {
        let mut path = vec![start];
        path.extend(iter::successors(Some(last), |node| came_from.get(node).copied()));
        path.reverse();
        path.into_iter().map(|node| self.migration(node).id()).collect()
    }
}

fn unknown_source(name: &str, registry: &Registry) -> Error {
    let mut known: Vec<Source<'static>> = registry.all().iter().map(Migration::source).collect();
    known.dedup();
    Error::UnknownSource { name: name.to_owned(), known }
}
