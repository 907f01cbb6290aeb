//! Tables that fit into the terminal.

use comfy_table::{Cell, ColumnConstraint, ContentArrangement, Row, Table, presets};
use console::Term;

use super::ink::BOLD;

/// Width between two columns.
const GAP: u16 = 2;

/// Minimum width of the last column, which holds free text.
const READABLE: u16 = 16;

/// An empty table with these headings.
pub(super) fn with(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(headings.iter().map(|heading| bold(heading)));
    for (column, number) in table.column_iter_mut().zip(1..) {
        column.set_padding((0, if number == headings.len() { 0 } else { GAP }));
    }
    table
}

/// Formats the table. On a terminal, hides the expendable columns one by one until it fits, and wraps the last column. Elsewhere,
/// each row is one line of any width.
pub(super) fn text(table: Table, expendable: &[&str]) -> String {
    let terminal = Term::stdout();
    if terminal.is_term() { within(terminal.size().1, table, expendable) } else { table.trim_fmt() }
}

fn within(width: u16, mut table: Table, expendable: &[&str]) -> String {
    let widths = table.column_max_content_widths();
    let last = widths.len().saturating_sub(1);
    let share = |index: usize| match widths[index] {
        width if index == last => width.min(READABLE),
        width => width.saturating_add(GAP),
    };
    let mut needed = (0..widths.len()).map(share).fold(0, u16::saturating_add);
    let headings: Vec<_> = table.header().into_iter().flat_map(Row::cell_iter).map(Cell::content).collect();
    let expendable = expendable.iter().filter_map(|name| headings.iter().position(|heading| heading == &bold(name)));
    for index in expendable {
        if needed > width {
            needed = needed.saturating_sub(share(index));
            constrain(&mut table, index, ColumnConstraint::Hidden);
        }
    }
    if needed <= width {
        // Ids and dates are not wrapped; the last column gets the remaining width.
        let whole = (0..last).filter(|index| table.column(*index).is_some_and(|column| !column.is_hidden()));
        for index in whole.collect::<Vec<_>>() {
            constrain(&mut table, index, ColumnConstraint::ContentWidth);
        }
    }
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    table.trim_fmt()
}

fn constrain(table: &mut Table, index: usize, constraint: ColumnConstraint) {
    if let Some(column) = table.column_mut(index) {
        column.set_constraint(constraint);
    }
}

fn bold(text: &str) -> String {
    BOLD.paint(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ink::{GREEN, rendered};

    fn shown(width: u16) -> String {
        let mut table = with(&["status", "migration", "took", "remarks"]);
        let completed = GREEN.paint("completed").to_string();
        table.add_row([&completed, "module:menu:001_add_namespace", "12 ms", "The menu has a namespace of its own."]);
        let text = within(width, table, &["took"]);
        assert!(rendered(&text, true).contains("\u{1b}[32m"), "{text}");
        rendered(&text, false)
    }

    fn expected(lines: &[&str]) -> String {
        lines.join("\n")
    }

    #[test]
    fn one_line_for_each_row_where_there_is_room() {
        let lines = [
            "status     migration                      took   remarks",
            "completed  module:menu:001_add_namespace  12 ms  The menu has a namespace of its own.",
        ];
        assert_eq!(shown(100), expected(&lines));
    }

    #[test]
    fn free_text_is_wrapped_first_and_then_columns_are_left_out() {
        let lines = [
            "status     migration                      took   remarks",
            "completed  module:menu:001_add_namespace  12 ms  The menu has a namespace",
            "                                                 of its own.",
        ];
        assert_eq!(shown(73), expected(&lines));
        let lines = [
            "status     migration                      remarks",
            "completed  module:menu:001_add_namespace  The menu has a",
            "                                          namespace of its own.",
        ];
        assert_eq!(shown(63), expected(&lines));
    }

    #[test]
    fn no_line_is_longer_than_the_terminal() {
        for width in [20, 30, 40, 50, 60, 70, 80] {
            let text = shown(width);
            assert!(text.lines().all(|line| line.chars().count() <= usize::from(width)), "{width}\n{text}");
        }
    }
}
