//! The dependency graph. Pure, and the only module that uses `petgraph`.

mod faults;
mod nearest;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::ops::Range;
use std::vec;

use petgraph::Direction::{self, Incoming, Outgoing};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, Reversed, Visitable};

use crate::error::Error;
use crate::migration::Migration;
use crate::plan::registry::Registry;

pub(crate) use nearest::{Unknown, unknown};

/// A node of the graph. Node indexes are ordered by [rank](crate::migration::Rank).
pub(crate) type Node = NodeIndex<u32>;

/// The validated dependency graph of a registry.
///
/// It holds everything that is linked in, because dependencies cross sources. `order` yields the selected migrations only.
#[derive(Debug)]
pub(crate) struct Graph {
    /// From a dependency to its dependents.
    edges: DiGraph<Migration, ()>,
    by_id: HashMap<&'static str, Node>,
    /// All nodes, each after its dependencies unless there is a cycle.
    order: Vec<Node>,
    selected: Range<usize>,
}

/// A graph that has not been validated.
struct Draft {
    graph: Graph,
    missing: Vec<(Node, &'static str)>,
    duplicates: Vec<(Node, Node)>,
    /// The number of nodes on or behind a cycle; they are the last nodes of the order.
    unsorted: usize,
}

impl Graph {
    /// Builds the graph and validates it. Reports duplicate ids, missing dependencies and cycles in one error.
    ///
    /// Everything that is linked in is validated, whichever source is selected.
    pub(crate) fn new(registry: &Registry) -> Result<Self, Error> {
        let draft = Draft::new(registry);
        Error::gather(draft.faults(registry))?;
        Ok(draft.graph)
    }

    /// The selected migrations, each after its dependencies. The order depends on the set alone: ties are broken by source
    /// (system, modules, plugins) and id (numbers before dates).
    pub(crate) fn order(&self) -> impl Iterator<Item = Migration> {
        self.nodes().filter(|&node| self.is_selected(node)).map(|node| self.migration(node))
    }

    /// Everything that is linked in, selected or not, in the same order.
    pub(crate) fn nodes(&self) -> impl DoubleEndedIterator<Item = Node> {
        self.order.iter().copied()
    }

    /// Maps each node to a value at the node's index.
    pub(crate) fn map_nodes<T>(&self, value: impl FnMut(&Migration) -> T) -> Vec<T> {
        self.edges.node_weights().map(value).collect()
    }

    /// The number of nodes, selected or not.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// The node with this qualified id, selected or not.
    pub(crate) fn find(&self, id: &str) -> Option<Node> {
        self.by_id.get(id).copied()
    }

    /// Finds the nodes with these qualified ids, all of which must be selected.
    pub(crate) fn named(&self, ids: &[String]) -> Result<HashSet<Node>, Error> {
        let mut named = HashSet::new();
        let mut errors = Vec::new();
        let mut unknown = Unknown::default();
        for id in ids {
            match self.find(id) {
                Some(node) if self.is_selected(node) => drop(named.insert(node)),
                Some(node) => errors.push(Error::NotSelected { id: self.migration(node).id() }),
                None => errors.push(unknown.error(id, self.order())),
            }
        }
        Error::gather(errors)?;
        Ok(named)
    }

    /// The migration at a node.
    pub(crate) fn migration(&self, node: Node) -> Migration {
        self.edges[node]
    }

    /// Returns whether the registry selects a node.
    pub(crate) fn is_selected(&self, node: Node) -> bool {
        self.selected.contains(&node.index())
    }

    /// The direct dependencies of a node.
    pub(crate) fn dependencies(&self, node: Node) -> impl Iterator<Item = Node> {
        self.edges.neighbors_directed(node, Incoming)
    }

    /// The direct dependents of a node.
    pub(crate) fn dependents(&self, node: Node) -> impl Iterator<Item = Node> {
        self.edges.neighbors_directed(node, Outgoing)
    }

    /// Flags these nodes and their direct and indirect dependencies, by node index.
    pub(crate) fn upstream(&self, from: impl IntoIterator<Item = Node>) -> Vec<bool> {
        self.reach(from, Incoming)
    }

    /// Flags everything up to the last of these nodes in plan order, by node index.
    pub(crate) fn up_to(&self, these: &HashSet<Node>) -> Vec<bool> {
        let last = self.order.iter().rposition(|node| these.contains(node));
        let mut before = vec![false; self.len()];
        for node in &self.order[..last.map_or(0, |last| last + 1)] {
            before[node.index()] = true;
        }
        before
    }

    /// Flags these nodes and their direct and indirect dependents, by node index.
    pub(crate) fn downstream(&self, from: impl IntoIterator<Item = Node>) -> Vec<bool> {
        self.reach(from, Outgoing)
    }

    fn reach(&self, from: impl IntoIterator<Item = Node>, direction: Direction) -> Vec<bool> {
        let mut reached = vec![false; self.len()];
        let mut walk = Dfs::from_parts(from.into_iter().collect(), self.edges.visit_map());
        while let Some(node) = match direction {
            Outgoing => walk.next(&self.edges),
            Incoming => walk.next(Reversed(&self.edges)),
        } {
            reached[node.index()] = true;
        }
        reached
    }
}

/// The direct and indirect dependents of failed migrations, which must not run.
#[derive(Debug)]
pub(crate) struct HeldUp<'g> {
    graph: &'g Graph,
    /// By node index.
    flags: Vec<bool>,
}

impl<'g> HeldUp<'g> {
    pub(crate) fn new(graph: &'g Graph) -> Self {
        Self { graph, flags: vec![false; graph.len()] }
    }

    /// Adds the dependents of a failed migration (qualified id). Dependents that are held up already are not visited again.
    pub(crate) fn add(&mut self, id: &str) {
        let mut open: Vec<_> = self.graph.find(id).into_iter().collect();
        while let Some(node) = open.pop() {
            for dependent in self.graph.dependents(node) {
                if !std::mem::replace(&mut self.flags[dependent.index()], true) {
                    open.push(dependent);
                }
            }
        }
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.graph.find(id).is_some_and(|node| self.flags[node.index()])
    }
}

impl Draft {
    fn new(registry: &Registry) -> Self {
        let all = registry.all();
        let mut edges = DiGraph::with_capacity(all.len(), all.len());
        let mut by_id = HashMap::with_capacity(all.len());
        let mut duplicates = Vec::new();
        for &migration in all {
            let node = edges.add_node(migration);
            let first = *by_id.entry(migration.id()).or_insert(node);
            if first != node {
                duplicates.push((first, node));
            }
        }
        let mut missing = Vec::new();
        for node in edges.node_indices() {
            for &dependency in edges[node].dependencies() {
                match by_id.get(dependency) {
                    Some(&dependency) => drop(edges.add_edge(dependency, node, ())),
                    None => missing.push((node, dependency)),
                }
            }
        }
        let (order, unsorted) = sort(&edges);
        let graph = Graph { edges, by_id, order, selected: registry.selection() };
        Self { graph, missing, duplicates, unsorted }
    }
}

/// Sorts the nodes with Kahn's algorithm. A heap puts the smallest of several free nodes first. Nodes on or behind a cycle
/// follow by source and id; their number is returned, too.
fn sort(edges: &DiGraph<Migration, ()>) -> (Vec<Node>, usize) {
    let mut waits_for: Vec<_> =
        edges.node_indices().map(|node| edges.neighbors_directed(node, Incoming).count()).collect();
    let mut free: BinaryHeap<_> =
        edges.node_indices().filter(|node| waits_for[node.index()] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(edges.node_count());
    while let Some(Reverse(node)) = free.pop() {
        order.push(node);
        for dependent in edges.neighbors_directed(node, Outgoing) {
            waits_for[dependent.index()] -= 1;
            if waits_for[dependent.index()] == 0 {
                free.push(Reverse(dependent));
            }
        }
    }
    let sorted = order.len();
    order.extend(edges.node_indices().filter(|node| waits_for[node.index()] > 0));
    let unsorted = order.len() - sorted;
    (order, unsorted)
}

// Not in `registry`, which the graph imports.
impl Registry {
    /// Checks what the compiler cannot check across crates.
    ///
    /// Fails if there are duplicate ids, missing dependencies, cycles, or a [`source`](Self::source) without migrations. Several
    /// problems are reported together as [`Error::Several`]. Everything that is linked in is checked, whichever source is
    /// selected.
    pub fn verify(&self) -> Result<(), Error> {
        Graph::new(self).map(drop)
    }

    /// Returns the migration with this qualified id. Fails with [`Error::UnknownMigration`], which suggests the nearest id.
    pub fn find(&self, id: &str) -> Result<Migration, Error> {
        self.get(id).ok_or_else(|| unknown(id, self))
    }

    /// The selected migrations in plan order.
    ///
    /// Yields every selected migration once, even if [`verify`](Self::verify) fails: missing dependencies are ignored, and
    /// migrations on or behind a cycle come last, by source and id.
    #[must_use]
    pub fn iter(&self) -> vec::IntoIter<Migration> {
        let migrations: Vec<_> = Draft::new(self).graph.order().collect();
        migrations.into_iter()
    }
}

impl IntoIterator for &Registry {
    type Item = Migration;
    type IntoIter = vec::IntoIter<Migration>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Registry {
    type Item = Migration;
    type IntoIter = vec::IntoIter<Migration>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
