//! The tables of docs/RELIABILITY.md: complete, and with tests that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use mongrate_tests::all_tests;

const SCENARIOS: usize = 47;
const FAULTS_OF_A_BACKFILL: usize = 35;
const KINDS: [&str; 5] = ["`Tx`", "`Schema`", "`Backfill`", "`&Database`", "`Tx` on a standalone server"];
const EVENTS: [&str; 7] = [
    "crash",
    "pause past the lease",
    "fail-over",
    "majority gone",
    "stop signal",
    "future dropped",
    "server call still running",
];

/// Returns the rows of the first table below a heading, including its titles, as cells.
fn table(heading: &str) -> Vec<Vec<String>> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/RELIABILITY.md")).unwrap();
    let (_, section) = page.split_once(heading).unwrap();
    let lines = section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let mut rows = lines.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect());
    let titles = rows.next().unwrap();
    [titles].into_iter().chain(rows.skip(1)).collect()
}

/// Asserts that a cell names at least one test, and only tests that exist.
fn assert_tested(cell: &str, tests: &BTreeSet<String>) {
    let mut named = cell.split('`').skip(1).step_by(2).filter(|name| name.contains("::")).peekable();
    assert!(named.peek().is_some(), "no test: {cell}");
    let missing: Vec<_> = named.filter(|name| !tests.contains(*name)).collect();
    assert!(missing.is_empty(), "no such test: {missing:?}");
}

/// Parses the numbers at the beginning of a row: `7`, or `26, 27`.
fn numbers(row: &str) -> impl Iterator<Item = usize> {
    row.split(',').map(move |number| number.trim().parse().unwrap_or_else(|_| panic!("not a number: {row}")))
}

#[test]
fn every_scenario_is_listed_with_tests_that_exist() {
    let tests = all_tests();
    let mut listed = Vec::new();
    for row in &table("## Scenarios")[1..] {
        let [number, _, _, named] = &row[..] else { panic!("four cells: {row:?}") };
        listed.extend(numbers(number));
        assert_tested(named, &tests);
    }
    assert_eq!(listed, (1..=SCENARIOS).collect::<Vec<_>>());
}

#[test]
fn every_fault_of_a_backfill_is_listed_with_tests_that_exist() {
    let tests = all_tests();
    let mut listed = Vec::new();
    for row in &table("### Faults of a backfill")[1..] {
        let [number, _, _, named] = &row[..] else { panic!("four cells: {row:?}") };
        listed.extend(numbers(number));
        if named != "the simulation ([Model](#model))" {
            assert_tested(named, &tests);
        }
    }
    listed.sort_unstable();
    assert_eq!(listed, (1..=FAULTS_OF_A_BACKFILL).collect::<Vec<_>>());
    for (row, number) in table("## Backfills")[1..].iter().zip(1..) {
        assert_eq!(row[0], format!("B{number}"));
        assert_tested(&row[2], &tests);
    }
}

#[test]
fn every_promise_is_listed_with_tests_that_exist() {
    let tests = all_tests();
    let rows = table("## Promises");
    assert_eq!(rows[0][1..], EVENTS);
    assert_eq!(rows[1..].iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), KINDS);
    for row in &rows[1..] {
        assert_eq!(row.len(), 1 + EVENTS.len(), "{row:?}");
        row[1..].iter().for_each(|cell| assert_tested(cell, &tests));
    }
}
