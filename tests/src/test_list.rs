//! The tests of the running program, to check lists of tests in documents.

use std::collections::BTreeSet;
use std::env;
use std::process::Command;

/// Returns the full names of all tests of this program, including ignored ones.
#[must_use]
pub fn all_tests() -> BTreeSet<String> {
    let program = Command::new(env::current_exe().unwrap()).args(["--list", "--format", "terse"]).output().unwrap();
    let list = String::from_utf8(program.stdout).unwrap();
    list.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
}
