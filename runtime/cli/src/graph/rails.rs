//! A drawing as a list with lines beside it: a row for each migration in plan order, and columns in which lines run down from a
//! migration to those that depend on it.

#[cfg(test)]
mod tests;

use super::drawing::Drawing;

/// How far lines may go. What does not get one is named instead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Rows: whoever has to scroll to find the other end is better served with its name.
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// Where everything is.
#[derive(Debug, Default)]
pub(super) struct Rails {
    /// The column of each node; its row is its place.
    pub(super) columns: Vec<usize>,
    pub(super) lines: Vec<Line>,
    /// For each node, on which others it depends without a line that says so.
    pub(super) named: Vec<Vec<usize>>,
}

/// From one node down to some that depend on it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) from: usize,
    /// The node's own column, or one to the right of it.
    pub(super) column: usize,
    /// Never empty, in order.
    pub(super) to: Vec<usize>,
}

impl Line {
    pub(super) fn last(&self) -> usize {
        self.to.last().copied().unwrap_or(self.from)
    }
}

impl Rails {
    pub(super) fn lay(drawing: &Drawing, limits: Limits) -> Self {
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

    /// How many columns there are.
    pub(super) fn width(&self) -> usize {
        let lines = self.lines.iter().map(|line| line.column);
        lines.chain(self.columns.iter().copied()).max().map_or(0, |last| last + 1)
    }
}

/// What is laid so far.
struct Laying<'d> {
    drawing: &'d Drawing,
    limits: Limits,
    /// The line that runs in each column, by its place among the lines.
    open: Vec<Option<usize>>,
    /// The columns in which something ends at this row: nothing can begin there.
    touched: Vec<usize>,
    rails: Rails,
}

impl Laying<'_> {
    /// Gives the node its column, and ends the lines that need not go further.
    fn arrive(&mut self, row: usize) {
        let lines = &self.rails.lines;
        let open = self.open.iter().flatten().map(|&line| &lines[line]);
        let arriving: Vec<&Line> = open.filter(|line| line.to.binary_search(&row).is_ok()).collect();
        let ended = || arriving.iter().filter(|line| line.last() == row);
        // The line of its own source goes straight on; the others come to it from the side.
        let source = |place: usize| self.drawing.nodes[place].source;
        let inherited = ended().min_by_key(|line| (source(line.from) != source(row), line.column));
        let column = inherited.map_or_else(|| self.branch(row, &arriving), |line| line.column);
        self.touched = ended().map(|line| line.column).collect();
        for &column in &self.touched {
            self.open[column] = None;
        }
        self.touched.push(column);
        self.rails.columns.push(column);
    }

    /// The column of a node to which no line goes straight on: right of the line that it hangs on, as in a tree.
    fn branch(&self, row: usize, arriving: &[&Line]) -> usize {
        let Some(trunk) = arriving.first() else { return self.free(0, |_| false) };
        // Right below another node it would seem to depend on that, unless both hang on the same line.
        let above = row.checked_sub(1).filter(|above| trunk.to.binary_search(above).is_err());
        let above = above.map(|above| self.rails.columns[above]);
        self.free(trunk.column + 1, |column| Some(column) == above)
    }

    /// Begins the lines to what depends on the node. The first dependent of the same source goes on in its column, so that a
    /// source is as straight as it can be; what comes after that one gets a line at the side.
    fn depart(&mut self, row: usize, dependents: Vec<usize>) {
        let source = |place: usize| self.drawing.nodes[place].source;
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

    /// The leftmost column from this one on in which no line runs and that is not taken otherwise.
    fn free(&self, mut column: usize, is_taken: impl Fn(usize) -> bool) -> usize {
        while self.open.get(column).is_some_and(Option::is_some) || is_taken(column) {
            column += 1;
        }
        column
    }
}
