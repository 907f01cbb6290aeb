//! Parts of a drawing: selected nodes, and edges without the redundant ones.

#[cfg(test)]
mod tests;

use super::drawing::Drawing;

impl Drawing {
    /// Keeps the wanted nodes (qualified ids), with their dependencies and dependents up to this number of edges away.
    #[must_use]
    pub fn around(self, depth: usize, wanted: impl Fn(&str) -> bool) -> Self {
        // The distance of each node in edges, if there is a path.
        let named: Vec<_> = self.nodes.iter().map(|node| wanted(node.id).then_some(0_usize)).collect();
        let (mut upstream, mut downstream) = (named.clone(), named);
        let shorter = |known: Option<usize>, beside: Option<usize>| {
            known.into_iter().chain(beside.map(|distance| distance + 1)).min()
        };
        // Every edge leads forward, so one walk in order reaches everything downstream, and one against it everything upstream.
        for &(from, to) in &self.edges {
            downstream[to] = shorter(downstream[to], downstream[from]);
        }
        for &(from, to) in self.edges.iter().rev() {
            upstream[from] = shorter(upstream[from], upstream[to]);
        }
        let is_near = |distance: Option<usize>| distance.is_some_and(|distance| distance <= depth);
        self.only(|index| is_near(upstream[index]) || is_near(downstream[index]))
    }

    /// Keeps the nodes of one source, and the foreign nodes that they depend on directly.
    #[must_use]
    pub fn of_source(mut self, name: &str) -> Self {
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

    /// Removes the edges that follow from others: if c depends on b, and b on a, then an edge from a to c is redundant.
    #[must_use]
    pub fn reduced(mut self) -> Self {
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
