//! The graph as JSON.

use mongrate::json;
use mongrate::json::graph::{Edge, Graph, Node as Written};

use super::drawing::{Drawing, Node};

impl<'a> From<&'a Drawing> for Graph<'a> {
    fn from(drawing: &'a Drawing) -> Self {
        let id = |index: usize| drawing.nodes[index].id;
        let edges = drawing.edges.iter().map(|&(from, to)| Edge { from: id(from), to: id(to) });
        Self { nodes: drawing.nodes.iter().map(Written::from).collect(), edges: edges.collect() }
    }
}

impl<'a> From<&'a Node> for Written<'a> {
    fn from(node: &'a Node) -> Self {
        let status = (!node.word.is_empty()).then(|| json::kebab_case(node.word));
        Self { id: node.id, source: node.source.to_string(), summary: &node.summary, status }
    }
}
