//! Parts of a drawing: selected nodes, and edges without the redundant ones.

#[cfg(test)]
mod tests;

use super::drawing::Drawing;

impl Drawing {
    /// Only these nodes, with everything upstream and downstream of them.
    pub(super) fn around(self, wanted: impl Fn(&str) -> bool) -> Self {
        let named: Vec<bool> = self.nodes.iter().map(|node| wanted(node.id)).collect();
        let (mut upstream, mut downstream) = (named.clone(), named);
        // Every edge leads forward, so one walk in order reaches everything downstream, and one against it everything upstream.
        for &(from, to) in &self.edges {
            downstream[to] |= downstream[from];
        }
        for &(from, to) in self.edges.iter().rev() {
            upstream[from] |= upstream[to];
        }
        self.only(|index| upstream[index] || downstream[index])
    }

    /// Only the nodes of one source, and the foreign ones that they depend on directly.
    pub(super) fn of_source(mut self, name: &str) -> Self {
        let own: Vec<bool> = self.nodes.iter().map(|node| node.source.to_string() == name).collect();
        self.edges.retain(|&(_, to)| own[to]);
        let mut needed = own.clone();
        for &(from, _) in &self.edges {
            needed[from] = true;
        }
        for (node, own) in self.nodes.iter_mut().zip(own) {
            node.is_foreign = !own;
        }
        self.only(|index| needed[index])
    }

    /// Without the edges that follow from others: if c depends on b, and b on a, then an edge from a to c is redundant.
    pub(super) fn reduced(mut self) -> Self {
        let dependencies = self.dependencies();
        // The last node whose search has seen a node, so that the marks need no reset between searches.
        let mut seen_by = vec![usize::MAX; self.nodes.len()];
        self.edges = Vec::new();
        for (to, direct) in dependencies.iter().enumerate() {
            let Some(&first) = direct.iter().min() else { continue };
            let mut ahead: Vec<usize> = Vec::new();
            if direct.len() > 1 {
                ahead.extend(direct.iter().flat_map(|&from| &dependencies[from]));
            }
            while let Some(index) = ahead.pop() {
                // Nodes before the first dependency cannot lead to another.
                if index >= first && seen_by[index] != to {
                    seen_by[index] = to;
                    ahead.extend(&dependencies[index]);
                }
            }
            self.edges.extend(direct.iter().filter(|&&from| seen_by[from] != to).map(|&from| (from, to)));
        }
        self
    }

    fn only(self, keep: impl Fn(usize) -> bool) -> Self {
        let mut indexes = Vec::with_capacity(self.nodes.len());
        let mut kept = Self::default();
        for (index, node) in self.nodes.into_iter().enumerate() {
            indexes.push(keep(index).then_some(kept.nodes.len()));
            if keep(index) {
                kept.nodes.push(node);
            }
        }
        let edges = self.edges.into_iter().filter_map(|(from, to)| indexes[from].zip(indexes[to]));
        kept.edges = edges.collect();
        kept
    }
}
