//! The layout of a drawing: a row for each migration in plan order, and columns in which lines run down from a migration to its
//! dependents.

#[cfg(test)]
mod tests;

use super::drawing::Drawing;

/// Limits of the lines. A dependency without a line is named instead.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Maximum number of rows of a line; beyond, a name is easier to follow.
    pub rows: usize,
    /// Maximum number of columns with lines.
    pub columns: usize,
}

/// The layout.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Rails {
    /// The column of each node. Its row is its index.
    pub columns: Vec<usize>,
    /// The lines, by the row of their beginning.
    pub lines: Vec<Line>,
    /// For each node, its dependencies without a line.
    pub named: Vec<Vec<usize>>,
}

/// A line from one node down to some of its dependents.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Line {
    /// The row of the node.
    pub from: usize,
    /// The node's own column, or one to the right of it.
    pub column: usize,
    /// The rows of the dependents. Not empty, in ascending order.
    pub to: Vec<usize>,
}

impl Line {
    /// The row in which it ends.
    #[must_use]
    pub fn last(&self) -> usize {
        self.to.last().copied().unwrap_or(self.from)
    }
}

impl Rails {
    /// Lays out a drawing.
    #[must_use]
    pub fn lay(drawing: &Drawing, limits: Limits) -> Self {
        let mut laying = Laying { drawing, limits, open: Vec::new(), touched: Vec::new(), rails: Self::default() };
        laying.rails.named = vec![Vec::new(); drawing.nodes.len()];
        let mut dependents = vec![Vec::new(); drawing.nodes.len()];
        for &(from, to) in &drawing.edges {
            dependents[from].push(to);
        }
        for (row, dependents) in dependents.into_iter().enumerate() {
            laying.arrive(row);
            laying.depart(row, dependents);
        }
        laying.rails
    }

    /// Number of columns.
    #[must_use]
    pub fn width(&self) -> usize {
        let lines = self.lines.iter().map(|line| line.column);
        lines.chain(self.columns.iter().copied()).max().map_or(0, |last| last + 1)
    }
}

/// The layout so far.
struct Laying<'d> {
    drawing: &'d Drawing,
    limits: Limits,
    /// The index of the line that runs in each column.
    open: Vec<Option<usize>>,
    /// Columns in which a line ends at this row, so that none can begin there.
    touched: Vec<usize>,
    rails: Rails,
}

impl Laying<'_> {
    /// Assigns a column to the node, and ends finished lines.
    fn arrive(&mut self, row: usize) {
        let lines = &self.rails.lines;
        let open = self.open.iter().flatten().map(|&line| &lines[line]);
        let arriving: Vec<&Line> = open.filter(|line| line.to.binary_search(&row).is_ok()).collect();
        let ended = || arriving.iter().filter(|line| line.last() == row);
        // The line of its own source continues straight; the others come from the side.
        let source = |index: usize| self.drawing.nodes[index].source;
        let inherited = ended().min_by_key(|line| (source(line.from) != source(row), line.column));
        let column = inherited.map_or_else(|| self.branch(row, &arriving), |line| line.column);
        self.touched = ended().map(|line| line.column).collect();
        for &column in &self.touched {
            self.open[column] = None;
        }
        self.touched.push(column);
        self.rails.columns.push(column);
    }

    /// The column of a node without a straight line: right of the line from its dependency, as in a tree.
    fn branch(&self, row: usize, arriving: &[&Line]) -> usize {
        let Some(trunk) = arriving.first() else { return self.free(0, |_| false) };
        // Directly below another node it would seem to depend on it, unless both share a line.
        let above = row.checked_sub(1).filter(|above| trunk.to.binary_search(above).is_err());
        let above = above.map(|above| self.rails.columns[above]);
        self.free(trunk.column + 1, |column| Some(column) == above)
    }

    /// Begins the lines to the dependents of the node. The first dependent of the same source continues in its column, so that a
    /// source is as straight as possible; the others get a line at the side.
    fn depart(&mut self, row: usize, dependents: Vec<usize>) {
        let source = |index: usize| self.drawing.nodes[index].source;
        let (near, far): (Vec<_>, Vec<_>) = dependents.into_iter().partition(|to| to - row <= self.limits.rows);
        self.name(row, far);
        let heir = near.iter().find(|&&to| source(to) == source(row)).or(near.last()).copied();
        let (own, aside): (Vec<_>, Vec<_>) = near.into_iter().partition(|&to| Some(to) <= heir);
        let column = self.rails.columns[row];
        self.begin(row, column, own);
        if !aside.is_empty() {
            let column = self.free(column + 1, |column| self.touched.contains(&column));
            self.begin(row, column, aside);
        }
    }

    fn begin(&mut self, from: usize, column: usize, to: Vec<usize>) {
        if column >= self.limits.columns {
            self.name(from, to);
        } else if !to.is_empty() {
            if self.open.len() <= column {
                self.open.resize(column + 1, None);
            }
            self.open[column] = Some(self.rails.lines.len());
            self.rails.lines.push(Line { from, column, to });
        }
    }

    fn name(&mut self, from: usize, to: Vec<usize>) {
        for to in to {
            self.rails.named[to].push(from);
        }
    }

    /// The leftmost free column, starting with this one.
    fn free(&self, mut column: usize, is_taken: impl Fn(usize) -> bool) -> usize {
        while self.open.get(column).is_some_and(Option::is_some) || is_taken(column) {
            column += 1;
        }
        column
    }
}
