//! Tables that fit the terminal.

use comfy_table::{Cell, ColumnConstraint, ContentArrangement, Row, Table, presets};
use console::Term;

use super::ink::BOLD;

/// Between two columns.
const GAP: u16 = 2;

/// The last column holds free text, and can be read when it is as narrow as this.
const READABLE: u16 = 16;

/// An empty table with these headings.
pub(super) fn with(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(headings.iter().map(|heading| bold(heading)));
    for (column, place) in table.column_iter_mut().zip(1..) {
        column.set_padding((0, if place == headings.len() { 0 } else { GAP }));
    }
    table
}

/// The table, as wide as the terminal at most. Of these columns, one after the other is left out as long as it is too wide.
/// What is not read on a terminal may be as wide as it likes: one line for each row.
pub(super) fn text(table: Table, expendable: &[&str]) -> String {
    let terminal = Term::stdout();
    if terminal.is_term() { within(terminal.size().1, table, expendable) } else { table.trim_fmt() }
}

fn within(width: u16, mut table: Table, expendable: &[&str]) -> String {
    let widths = table.column_max_content_widths();
    let last = widths.len().saturating_sub(1);
    let share = |place: usize| match widths[place] {
        width if place == last => width.min(READABLE),
        width => width.saturating_add(GAP),
    };
    let mut needed = (0..widths.len()).map(share).fold(0, u16::saturating_add);
    let headings: Vec<_> = table.header().into_iter().flat_map(Row::cell_iter).map(Cell::content).collect();
    let expendable = expendable.iter().filter_map(|name| headings.iter().position(|heading| heading == &bold(name)));
    for place in expendable {
        if needed > width {
            needed = needed.saturating_sub(share(place));
            constrain(&mut table, place, ColumnConstraint::Hidden);
        }
    }
    if needed <= width {
        // Ids and dates stay in one piece; what is left is for the last column.
        let whole = (0..last).filter(|place| table.column(*place).is_some_and(|column| !column.is_hidden()));
        for place in whole.collect::<Vec<_>>() {
            constrain(&mut table, place, ColumnConstraint::ContentWidth);
        }
    }
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    table.trim_fmt()
}

fn constrain(table: &mut Table, place: usize, constraint: ColumnConstraint) {
    if let Some(column) = table.column_mut(place) {
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
