//! The dependency graph.

use serde::Serialize;

use super::kebab_case;
use crate::display::graph as drawn;

/// The dependency graph of migrations.
#[derive(Debug, Serialize)]
pub struct Graph<'a> {
    /// The migrations in plan order.
    pub nodes: Vec<Node<'a>>,
    /// The declared dependencies, including redundant ones, in the order of `to`.
    pub edges: Vec<Edge<'a>>,
}

/// A migration in a [`Graph`].
#[derive(Debug, Serialize)]
pub struct Node<'a> {
    /// Qualified id.
    pub id: &'a str,
    /// `system`, `module:<name>` or `plugin:<name>`.
    pub source: String,
    /// The first paragraph of the description in one line.
    pub summary: &'a str,
    /// The status as in [`Standing`](super::Standing); null if the database was not read.
    pub status: Option<String>,
}

/// A dependency between two migrations.
#[derive(Debug, Serialize)]
pub struct Edge<'a> {
    /// Qualified id of the dependency, which must be completed first.
    pub from: &'a str,
    /// Qualified id of the dependent.
    pub to: &'a str,
}

impl<'a> Graph<'a> {
    /// Converts a drawing. To include redundant edges, do not [reduce](drawn::Drawing::reduced) it.
    #[must_use]
    pub fn of(drawing: &'a drawn::Drawing) -> Self {
        let id = |index: usize| drawing.nodes[index].id;
        let edges = drawing.edges.iter().map(|&(from, to)| Edge { from: id(from), to: id(to) });
        Self { nodes: drawing.nodes.iter().map(Node::from).collect(), edges: edges.collect() }
    }
}

impl<'a> From<&'a drawn::Node> for Node<'a> {
    fn from(node: &'a drawn::Node) -> Self {
        let status = (!node.word.is_empty()).then(|| kebab_case(node.word));
        Self { id: node.id, source: node.source.to_string(), summary: &node.summary, status }
    }
}
