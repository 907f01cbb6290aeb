//! What is wrong with a graph: every mistake once, in an order that depends on the set alone.

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
            nearest: (nth < SUGGESTIONS).then(|| self.meant(node, dependency)).flatten(),
        });
        source.into_iter().chain(duplicates).chain(missing).chain(self.cycles()).collect()
    }

    fn duplicate(&self, (first, second): (Node, Node)) -> Error {
        let (first, second) = (self.graph.migration(first), self.graph.migration(second));
        Error::DuplicateId { id: first.id(), first: first.location(), second: second.location() }
    }

    /// What a node probably meant by a dependency that is missing; never itself.
    fn meant(&self, node: Node, dependency: &str) -> Option<&'static str> {
        let others = self.graph.edges.node_indices().filter(|&other| other != node);
        nearest(dependency, others.map(|other| self.graph.migration(other).id()))
    }

    /// One cycle for each knot of migrations that depend on each other: its smallest member's shortest way back to itself.
    fn cycles(&self) -> Vec<Error> {
        if self.unsorted == 0 {
            return Vec::new();
        }
        // Not Tarjan's, which petgraph runs on the call stack: a long cycle would overflow it.
        let mut knots = kosaraju_scc(&self.graph.edges);
        knots.retain(|knot| knot.len() > 1 || self.graph.edges.contains_edge(knot[0], knot[0]));
        for knot in &mut knots {
            knot.sort_unstable();
        }
        knots.sort_unstable();
        knots.iter().filter_map(|knot| self.graph.way_back(knot)).map(|path| Error::Cycle { path }).collect()
    }
}

impl Graph {
    /// The shortest path from the first node of a knot over its dependencies back to itself, both ends included; the
    /// smaller node first where there are several.
    fn way_back(&self, knot: &[Node]) -> Option<Vec<&'static str>> {
        let start = *knot.first()?;
        let mut came_from = HashMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            let mut dependencies: Vec<_> = self.dependencies(node).collect();
            dependencies.sort_unstable();
            for dependency in dependencies {
                if dependency == start {
                    return Some(self.path(start, node, &came_from));
                }
                // Outside its knot no way leads back; looking there for every knot would not be linear any more.
                if knot.binary_search(&dependency).is_ok() && !came_from.contains_key(&dependency) {
                    came_from.insert(dependency, node);
                    queue.push_back(dependency);
                }
            }
        }
        None
    }

    /// `last` depends on `start`, and each key of `came_from` is a dependency of its value.
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
