//! Finds the pending migrations that can run alone.

use crate::migration::Migration;
use crate::plan::graph::{Graph, Node};

impl Graph {
    /// The selected pending migrations that no other pending migration depends on and that depend on none, directly or
    /// indirectly, in plan order.
    pub(crate) fn isolated(&self, is_pending: impl Fn(&str) -> bool) -> impl Iterator<Item = Migration> {
        let pending = self.map_nodes(|migration| is_pending(migration.id()));
        let above = beyond(&pending, self.nodes(), |node| self.dependencies(node));
        let below = beyond(&pending, self.nodes().rev(), |node| self.dependents(node));
        let is_isolated = move |node: &Node| {
            let index = node.index();
            pending[index] && !above[index] && !below[index] && self.is_selected(*node)
        };
        self.nodes().filter(is_isolated).map(|node| self.migration(node))
    }
}

/// Flags each node with a pending node among its direct and indirect neighbors, by node index. `nodes` yields each node after its
/// neighbors.
fn beyond<N: Iterator<Item = Node>>(
    pending: &[bool],
    nodes: impl Iterator<Item = Node>,
    neighbors: impl Fn(Node) -> N,
) -> Vec<bool> {
    let mut flags = vec![false; pending.len()];
    for node in nodes {
        flags[node.index()] = neighbors(node).any(|other| pending[other.index()] || flags[other.index()]);
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::fixtures::{draw, ids};

    fn isolated(drawing: &str, source: Option<&str>, applied: &[&str]) -> String {
        let registry = draw(drawing);
        let registry = source.map_or(registry.clone(), |source| registry.source(source));
        let graph = Graph::new(&registry).unwrap();
        ids(graph.isolated(|id| !applied.contains(&id)))
    }

    #[test]
    fn an_isolated_migration_has_only_applied_neighbors() {
        let drawing = "001_a <- 002_b <- 003_c\n004_d\n!005_e";
        assert_eq!(isolated(drawing, None, &[]), "004_d 005_e");
        assert_eq!(isolated(drawing, None, &["001_a"]), "004_d 005_e");
        assert_eq!(isolated(drawing, None, &["001_a", "002_b"]), "003_c 004_d 005_e");
        assert_eq!(isolated(drawing, None, &["001_a", "003_c", "004_d"]), "002_b 005_e");
    }

    #[test]
    fn a_pending_migration_beyond_an_applied_one_counts() {
        assert_eq!(isolated("001_a <- 002_b <- 003_c", None, &["002_b"]), "");
    }

    #[test]
    fn a_pending_migration_of_another_source_counts() {
        let drawing = "001_a <- module:menu:001_x\nmodule:menu:002_y";
        assert_eq!(isolated(drawing, Some("module:menu"), &[]), "module:menu:002_y");
        assert_eq!(isolated(drawing, Some("module:menu"), &["001_a"]), "module:menu:001_x module:menu:002_y");
    }
}
