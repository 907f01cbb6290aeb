use crate::error::Error;
use crate::migration::{Migration, State};
use crate::plan::Registry;
use crate::plan::fixtures::{draw, ids};
use crate::plan::graph::Graph;
use crate::plan::mark::{mark_applied, mark_pending};

fn owned(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn apply(registry: &Registry, named: &[&str], baseline: bool, completed: &[&str]) -> Result<Vec<Migration>, Error> {
    let state = |id: &str| if completed.contains(&id) { State::Completed } else { State::New };
    mark_applied(&Graph::new(registry)?, &owned(named), baseline, state)
}

/// A partially reverted migration is failed and applied.
fn suspend(registry: &Registry, named: &[&str], completed: &[&str], partial: &[&str]) -> Result<Vec<Migration>, Error> {
    let state = |id: &str| if completed.contains(&id) { State::Completed } else { State::Failed };
    let applied = |id: &str| completed.contains(&id) || partial.contains(&id);
    mark_pending(&Graph::new(registry)?, &owned(named), applied, state)
}

fn outcome(marked: Result<Vec<Migration>, Error>) -> String {
    marked.map_or_else(|error| error.to_string(), ids)
}

/// ```text
/// 001_a <- 002_b <- 003_c
/// ```
#[test]
fn i3_a_pending_dependency_prevents_marking_as_applied() {
    let registry = draw("001_a <- 002_b <- 003_c");
    assert_eq!(outcome(apply(&registry, &["002_b", "001_a"], false, &[])), "001_a 002_b");
    assert_eq!(outcome(apply(&registry, &["002_b"], false, &["001_a"])), "002_b");
    assert_eq!(
        outcome(apply(&registry, &["003_c"], false, &["001_a"])),
        "'003_c' cannot be marked as applied while its dependencies are pending: 002_b. Mark them as well, or apply them first"
    );
    assert!(outcome(apply(&registry, &["001_aa"], false, &[])).ends_with("Did you mean '001_a'?"));
    assert_eq!(
        outcome(apply(&draw("001_b, 001_a <- 002_c"), &["002_c"], false, &[])),
        "'002_c' cannot be marked as applied while its dependencies are pending: 001_a, 001_b. Mark them as well, or apply them first"
    );
}

/// ```text
/// 001_a <- 000_new <- 002_b        002_b was applied before 000_new was written
/// ```
#[test]
fn marking_an_applied_migration_changes_nothing() {
    let registry = draw("001_a <- 000_new <- 002_b \n 003_c");
    assert_eq!(outcome(apply(&registry, &["002_b", "003_c"], false, &["001_a", "002_b"])), "003_c");
    assert_eq!(outcome(apply(&registry, &["002_b"], true, &["001_a", "002_b"])), "000_new");
}

#[test]
fn a_baseline_is_everything_up_to_its_id() {
    let registry = draw("001_a <- 003_c \n 002_b \n 004_d \n plugin:alerts:001_x");
    assert_eq!(outcome(apply(&registry, &["003_c"], true, &["002_b"])), "001_a 003_c");
    assert_eq!(
        outcome(apply(&registry, &["plugin:alerts:001_x"], true, &[])),
        "001_a 002_b 003_c 004_d plugin:alerts:001_x"
    );
    let alerts = registry.source("plugin:alerts");
    assert_eq!(outcome(apply(&alerts, &["plugin:alerts:001_x"], true, &[])), "plugin:alerts:001_x");
    assert!(outcome(apply(&alerts, &["001_a"], true, &[])).contains("belongs to a source that is not selected"));
}

/// ```text
/// 001_a <- 002_b <- 003_c
/// ```
#[test]
fn i3_an_applied_dependent_prevents_marking_as_pending() {
    let registry = draw("001_a <- 002_b <- 003_c");
    let all = &["001_a", "002_b", "003_c"];
    assert_eq!(outcome(suspend(&registry, &["003_c", "002_b"], all, &[])), "002_b 003_c");
    assert_eq!(outcome(suspend(&registry, &["002_b"], &["001_a"], &[])), "", "it is pending already");
    assert_eq!(
        outcome(suspend(&registry, &["001_a"], all, &[])),
        "'001_a' cannot be reverted or marked as pending while its dependents are applied: 003_c, 002_b. Revert or mark them first, or in the same call (for a `down`, with `.with_dependents(true)`)"
    );
}

#[test]
fn i3_a_partially_reverted_migration_counts_as_applied_until_marked() {
    let registry = draw("001_a <- 002_b");
    let refusal = outcome(suspend(&registry, &["001_a"], &["001_a"], &["002_b"]));
    assert!(refusal.contains("are applied: 002_b."), "{refusal}");
    assert_eq!(outcome(suspend(&registry, &["002_b"], &["001_a"], &["002_b"])), "002_b");
}
