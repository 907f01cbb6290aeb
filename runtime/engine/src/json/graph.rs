//! What depends on what.

use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct Graph<'a> {
    /// In plan order.
    pub(crate) nodes: Vec<Node<'a>>,
    /// All that are declared, also those that follow from others; in the order of `to`.
    pub(crate) edges: Vec<Edge<'a>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Node<'a> {
    /// Qualified id.
    pub(crate) id: &'a str,
    pub(crate) source: String,
    /// The first paragraph of the description in one line.
    pub(crate) summary: &'a str,
    /// As in the status; null if the database was not asked.
    pub(crate) status: Option<String>,
}

/// One migration depends on another one.
#[derive(Debug, Serialize)]
pub(crate) struct Edge<'a> {
    /// Qualified id of what has to be completed first.
    pub(crate) from: &'a str,
    /// Qualified id of what depends on it.
    pub(crate) to: &'a str,
}
