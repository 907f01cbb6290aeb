//! Drawings of any size.

use std::time::{Duration, Instant};

use super::*;

#[test]
fn of_nothing() {
    let nothing = Drawing::default();
    assert_eq!(plain(&nothing, Some(80)), "0 migrations");
}

#[test]
fn of_one() {
    let one = drawn("001_a");
    assert_eq!(plain(&one, Some(80)), "○  001_a\n\n1 migration");
}

#[test]
fn of_many_that_have_nothing_to_do_with_each_other() {
    let many: Vec<_> = (0..300).map(|number| format!("{number:03}_x")).collect();
    let many = drawn(&many.join("\n"));
    let text = plain(&many, Some(80));
    assert!(text.lines().take(300).all(|line| line.starts_with("○  ")), "{text}");
}

#[test]
fn of_many_that_depend_on_one() {
    let many: Vec<_> = (1..30).map(|number| format!("000_a <- {number:03}_x")).collect();
    let text = plain(&drawn(&many.join("\n")), Some(80));
    assert!(text.starts_with("○─╮    000_a\n● │    001_x\n  ├─●  002_x\n  ├─●  003_x\n"), "{text}");
    // A line of 24 rows ends at the 25th, and the rest are told by name.
    assert!(text.contains("\n  ├─●  023_x\n  ●    024_x\n○      025_x  ← 000_a\n"), "{text}");
}

#[test]
fn of_a_thousand_in_a_chain() {
    let ids: Vec<_> = (0..1_000).map(|number| format!("{number:03}_x")).collect();
    // Each depends on the ten before it: 9,945 edges, of which 999 are left.
    let before = |at: usize| ids[at.saturating_sub(10)..at].join(", ");
    let chain: Vec<_> = (1..ids.len()).map(|at| format!("{} <- {}", before(at), ids[at])).collect();
    let drawing = drawn(&chain.join("\n"));
    let begun = Instant::now();
    let drawing = drawing.reduced();
    assert_eq!(drawing.edges.len(), 999);
    let text = plain(&drawing, Some(80));
    assert!(text.lines().skip(1).take(999).all(|line| line.starts_with("●  ")), "{text}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
