//! What depends on what.

use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct Graph<'a> {
    /// In plan order.
    pub nodes: Vec<Node<'a>>,
    /// All that are declared, also those that follow from others; in the order of `to`.
    pub edges: Vec<Edge<'a>>,
}

#[derive(Debug, Serialize)]
pub struct Node<'a> {
    /// Qualified id.
    pub id: &'a str,
    pub source: String,
    /// The first paragraph of the description in one line.
    pub summary: &'a str,
    /// As in the status; null if the database was not asked.
    pub status: Option<String>,
}

/// One migration depends on another one.
#[derive(Debug, Serialize)]
pub struct Edge<'a> {
    /// Qualified id of what has to be completed first.
    pub from: &'a str,
    /// Qualified id of what depends on it.
    pub to: &'a str,
}
