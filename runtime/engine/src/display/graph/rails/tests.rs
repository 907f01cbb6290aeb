use std::collections::BTreeSet;

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::*;
use crate::plan::Registry;
use crate::plan::fixtures::draw;
use crate::plan::fixtures::random::acyclic;

fn lay(drawing: &str, rows: usize, columns: usize) -> Rails {
    Rails::lay(&Drawing::new(draw(drawing)), Limits { rows, columns })
}

#[test]
fn each_source_goes_straight_down() {
    let rails = lay("001_a <- 002_b <- 003_c\n001_a <- module:m:001_x <- module:m:002_y", 9, 9);
    assert_eq!(rails.columns, [0, 0, 0, 1, 1]);
}

#[test]
fn what_is_too_far_is_named() {
    let rails = lay("001_a <- 002_b, 003_c, 004_d", 2, 9);
    assert_eq!(rails.named, [vec![], vec![], vec![], vec![0]]);
}

#[test]
fn what_finds_no_column_is_named() {
    let rails = lay("001_a <- 002_b, 003_c", 9, 1);
    assert_eq!(rails.lines, [Line { from: 0, column: 0, to: vec![1] }]);
    assert_eq!(rails.named, [vec![], vec![], vec![0]]);
}

proptest! {
    #[test]
    fn every_edge_has_one_line_or_one_name(migrations in acyclic(), rows in 1..30_usize, columns in 1..6_usize) {
        let drawing = Drawing::new(migrations.into_iter().collect::<Registry>());
        let rails = Rails::lay(&drawing, Limits { rows, columns });
        let mut told: Vec<_> = rails.lines.iter().flat_map(|line| line.to.iter().map(|&to| (line.from, to))).collect();
        prop_assert!(told.iter().all(|(from, to)| to - from <= rows));
        prop_assert!(rails.lines.iter().all(|line| line.column < columns));
        told.extend(rails.named.iter().enumerate().flat_map(|(to, from)| from.iter().map(move |&from| (from, to))));
        prop_assert_eq!(told.len(), drawing.edges.len());
        prop_assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), drawing.edges.iter().copied().collect());
    }

    #[test]
    fn with_room_enough_nothing_is_named(migrations in acyclic()) {
        let drawing = Drawing::new(migrations.into_iter().collect::<Registry>());
        let rails = Rails::lay(&drawing, Limits { rows: usize::MAX, columns: usize::MAX });
        prop_assert!(rails.named.iter().all(Vec::is_empty));
    }

    #[test]
    fn nothing_lies_on_a_line(migrations in acyclic(), columns in 1..20_usize) {
        let drawing = Drawing::new(migrations.into_iter().collect::<Registry>());
        let rails = Rails::lay(&drawing, Limits { rows: usize::MAX, columns });
        for (nth, line) in rails.lines.iter().enumerate() {
            prop_assert!(line.column >= rails.columns[line.from]);
            let mut others = rails.lines[..nth].iter().filter(|other| other.column == line.column);
            prop_assert!(others.all(|other| other.last() <= line.from), "{line:?} in {rails:?}");
            let mut between = rails.columns[line.from + 1..line.last()].iter();
            prop_assert!(between.all(|&column| column != line.column), "{line:?} in {rails:?}");
        }
    }
}
