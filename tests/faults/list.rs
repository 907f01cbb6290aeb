//! The list of the scenarios is whole.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

const SCENARIOS: usize = 43;

/// The numbers at the beginning of a row: `7`, or `26, 27`.
fn numbers(row: &str) -> impl Iterator<Item = usize> {
    row.split(',').map(move |number| number.trim().parse().unwrap_or_else(|_| panic!("not a number: {row}")))
}

#[test]
fn every_scenario_is_listed_with_tests_that_exist() {
    let program = Command::new(env::current_exe().unwrap()).args(["--list", "--format", "terse"]).output().unwrap();
    let list = String::from_utf8(program.stdout).unwrap();
    let tests: BTreeSet<_> = list.lines().filter_map(|line| line.strip_suffix(": test")).collect();

    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/RELIABILITY.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, scenarios) = page.split_once("## Scenarios").unwrap();
    let scenarios = scenarios.split_once("\n## ").map_or(scenarios, |(scenarios, _)| scenarios);
    let rows = scenarios.lines().filter(|line| line.starts_with('|')).skip(2);
    let mut listed = Vec::new();
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [number, _, _, named] = cells[..] else { panic!("four cells: {row}") };
        listed.extend(numbers(number));
        let named: Vec<_> = named.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test: {row}");
        let missing: Vec<_> = named.iter().filter(|name| !tests.contains(**name)).collect();
        assert!(missing.is_empty(), "no such test: {missing:?}");
    }
    assert_eq!(listed, (1..=SCENARIOS).collect::<Vec<_>>());
}
