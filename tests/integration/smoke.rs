//! The list of tests for other versions of MongoDB (tests/smoke.txt) is complete.

use std::collections::BTreeMap;

use mongrate_tests::all_tests;

const HEADINGS: [&str; 22] = [
    "up",
    "run",
    "down",
    "plan",
    "status",
    "validate",
    "history",
    "mark",
    "lock",
    "Tx",
    "Schema",
    "Database",
    "Tx on a standalone server",
    "plugin",
    "privileges",
    "I1",
    "I2",
    "I3",
    "I4",
    "I5",
    "I6",
    "I7",
];

#[test]
fn every_verb_kind_and_invariant_has_tests_that_exist() {
    let tests = all_tests();
    let lines = include_str!("../smoke.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let mut listed = BTreeMap::<&str, Vec<&str>>::new();
    let mut heading = "";
    for line in lines {
        match line.strip_prefix("    ") {
            Some(test) => {
                assert!(tests.contains(test), "no such test: {test}");
                listed.entry(heading).or_default().push(test);
            }
            None => heading = line,
        }
    }
    let (found, mut expected) = (listed.keys().copied().collect::<Vec<_>>(), HEADINGS.to_vec());
    expected.sort_unstable();
    assert_eq!(found, expected, "each heading needs at least one test");
    for (heading, tests) in &listed {
        let Some(number) = heading.strip_prefix('I') else { continue };
        let other = tests.iter().find(|test| !test.contains(&format!("::i{number}_")));
        assert_eq!(other, None, "under {heading}");
    }
}
