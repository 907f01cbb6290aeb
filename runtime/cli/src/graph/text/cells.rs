//! Lines drawn with characters.

#[cfg(test)]
mod tests;

use mongrate::display::graph::{Line, Rails};

/// The rows, from top to bottom. Every corner belongs to the node of its row: `╯ ╰ ┴` end there, `├ ┤ ┼` lead there and continue,
/// `╮ ┬` begin there. `│` passes by.
pub(super) struct Cells<'r> {
    columns: std::slice::Iter<'r, usize>,
    /// The next row.
    row: usize,
    /// The line that runs in each column.
    open: Vec<Option<&'r Line>>,
    /// Lines that have not begun yet.
    ahead: &'r [Line],
}

/// The lines of one row, left and right of the node.
pub(super) struct Row {
    pub(super) left: String,
    /// Filled if a line leads there, hollow if not, because the node directly above need not be a dependency.
    pub(super) marker: char,
    pub(super) right: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    Empty,
    Passes,
    /// Leads to the node and continues.
    Joins,
    Ends,
    Begins,
}

impl<'r> Cells<'r> {
    pub(super) fn new(rails: &'r Rails) -> Self {
        Self { columns: rails.columns.iter(), row: 0, open: vec![None; rails.width()], ahead: &rails.lines }
    }

    fn arrive(&mut self) -> Vec<Cell> {
        let row = self.row;
        let arrive = |open: &mut Option<&Line>| match open {
            None => Cell::Empty,
            Some(line) if line.last() == row => {
                *open = None;
                Cell::Ends
            }
            Some(line) if line.to.binary_search(&row).is_ok() => Cell::Joins,
            Some(_) => Cell::Passes,
        };
        self.open.iter_mut().map(arrive).collect()
    }

    fn depart(&mut self, cells: &mut [Cell]) {
        let begun = self.ahead.iter().take_while(|line| line.from == self.row).count();
        let (begun, ahead) = self.ahead.split_at(begun);
        for line in begun {
            self.open[line.column] = Some(line);
            cells[line.column] = Cell::Begins;
        }
        self.ahead = ahead;
    }
}

impl Iterator for Cells<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let own = *self.columns.next()?;
        let mut cells = self.arrive();
        let marker = if cells.iter().any(|cell| matches!(cell, Cell::Joins | Cell::Ends)) { '●' } else { '○' };
        self.depart(&mut cells);
        self.row += 1;
        let is_corner = |&at: &usize| at == own || !matches!(cells[at], Cell::Empty | Cell::Passes);
        let first = (0..cells.len()).find(is_corner).unwrap_or(own);
        let last = (0..cells.len()).rfind(is_corner).unwrap_or(own);
        let gap = |at: usize| if first < at && at <= last { '─' } else { ' ' };
        let cell = |at: usize| cells[at].drawn(first, at, last);
        Some(Row {
            left: (0..own).flat_map(|at| [cell(at), gap(at + 1)]).collect(),
            marker,
            right: (own + 1..cells.len()).flat_map(|at| [gap(at), cell(at)]).collect(),
        })
    }
}

impl Cell {
    fn drawn(self, first: usize, at: usize, last: usize) -> char {
        match self {
            Self::Empty if first < at && at < last => '─',
            Self::Empty => ' ',
            Self::Passes => '│',
            Self::Joins if at == first => '├',
            Self::Joins if at == last => '┤',
            Self::Joins => '┼',
            Self::Ends if at == first => '╰',
            Self::Ends if at == last => '╯',
            Self::Ends => '┴',
            Self::Begins if at == last => '╮',
            Self::Begins => '┬',
        }
    }
}
