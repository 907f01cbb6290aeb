//! The dependency graph.

use serde::Serialize;

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
