//! Tables that fit the terminal.

use comfy_table::{ContentArrangement, Table, presets};
use console::Term;

/// An empty table with these headings, as wide as the terminal at most. What is not read on a terminal may be as wide as it
/// likes: one line for each row.
pub(super) fn with(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(headings.iter().map(|heading| bold(heading)));
    let terminal = Term::stdout();
    if terminal.is_term() {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(terminal.size().1);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

fn bold(text: &str) -> String {
    console::style(text).bold().to_string()
}
