//! What is drawn can be read.

use std::collections::BTreeSet;

use mongrate::display::graph::{Drawing, Limits};
use proptest::prelude::{prop_assert_eq, proptest};

use super::*;
use crate::fixtures::drawings::draw;
use crate::fixtures::drawings::random::acyclic;

fn rows(rails: &Rails) -> Vec<String> {
    Cells::new(rails).map(|Row { left, marker, right }| format!("{left}{marker}{right}")).collect()
}

fn drawn(drawing: &str) -> String {
    let drawing = Drawing::new(draw(drawing)).reduced();
    rows(&Rails::lay(&drawing, Limits { rows: 24, columns: 8 })).join("\n")
}

#[test]
fn lines_join_part_and_pass() {
    let text = drawn(
        "
        001_a <- 002_b <- 003_c <- 004_d
        001_a <- module:m:001_x, module:n:001_y
        002_b, module:m:001_x, module:n:001_y <- 005_e
        004_d <- 005_e
        003_c <- 006_f
        ",
    );
    assert_eq!(
        text.lines().map(str::trim_end).collect::<Vec<_>>(),
        ["○─╮", "● │", "●─│─╮", "● │ │", "│ │ ●", "│ ├───●", "│ ●   │", "●─┴───╯",]
    );
}

proptest! {
    #[test]
    fn it_reads_as_it_was_meant(migrations in acyclic(), columns in 1..12_usize) {
        let drawing = Drawing::new(migrations.into_iter().collect::<mongrate::Registry>()).reduced();
        let rails = Rails::lay(&drawing, Limits { rows: usize::MAX, columns });
        let meant: BTreeSet<_> =
            rails.lines.iter().flat_map(|line| line.to.iter().map(|&to| (line.from, to))).collect();
        let rows = rows(&rails);
        prop_assert_eq!(read(&rows), meant, "\n{}", rows.join("\n"));
    }
}

/// Reads the edges out of a text as a person would, who knows only the signs.
fn read(rows: &[String]) -> BTreeSet<(usize, usize)> {
    let mut edges = BTreeSet::new();
    // From which row the line comes that leads down in each column, and in which columns the row above has corners.
    let (mut down, mut corners) = (Vec::new(), Vec::new());
    for (row, text) in rows.iter().enumerate() {
        let cells: Vec<char> = text.chars().step_by(2).collect();
        down.resize(cells.len(), None);
        let own = cells.iter().position(|cell| "●○".contains(*cell)).expect("a marker");
        let joined = |cell: &char| "├┤┼╰╯┴".contains(*cell);
        let here: Vec<usize> = (0..cells.len()).filter(|&column| joined(&cells[column])).collect();
        edges.extend(here.iter().map(|&column| (down[column].expect("a line"), row)));
        // Two on one line are siblings, also when one is right below the other.
        let is_sibling = |from: usize| from + 1 == row && here.iter().any(|column| corners.contains(column));
        if let (Some(from), '●') = (down[own], cells[own])
            && !is_sibling(from)
        {
            edges.insert((from, row));
        }
        for (column, cell) in cells.iter().enumerate() {
            match cell {
                '●' | '○' | '╮' | '┬' => down[column] = Some(row),
                '│' | '├' | '┤' | '┼' => {}
                _ => down[column] = None,
            }
        }
        corners = here;
    }
    edges
}
