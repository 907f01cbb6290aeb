use crate::error::Error;
use crate::migration::{Direction, State};
use crate::plan::down::Target;
use crate::plan::fixtures::{Drawn, draw, migrations};
use crate::plan::graph::Graph;
use crate::plan::tests::steps;
use crate::plan::{Plan, Registry};
use crate::record::Applied;

/// Applied migrations with their batches, and those of them that are partially applied.
struct Database<'a> {
    applied: &'a [(&'a str, i64)],
    orphans: &'a [(&'a str, Applied)],
    partially_applied: &'a [&'a str],
}

/// All of them in one batch.
const ALL: &[(&str, i64)] = &[("001_a", 1), ("002_b", 1), ("003_c", 1), ("004_d", 1)];

fn applied<'a>(applied: &'a [(&'a str, i64)]) -> Database<'a> {
    Database { applied, orphans: &[], partially_applied: &[] }
}

impl Database<'_> {
    fn down(&self, registry: &Registry, target: &Target, with_dependents: bool) -> Result<Plan, Error> {
        let batch = |id: &str| {
            self.applied.iter().find(|(applied, _)| *applied == id).map(|(_, batch)| Applied::in_batch(*batch))
        };
        let state = |id: &str| match batch(id) {
            _ if self.partially_applied.contains(&id) => State::Partial,
            Some(_) => State::Completed,
            None => State::New,
        };
        Plan::down(&Graph::new(registry)?, target, with_dependents, batch, state, self.orphans)
    }

    fn plan(&self, registry: &Registry, target: &Target) -> String {
        steps(&self.down(registry, target, false).expect("a plan"))
    }

    fn refusal(&self, registry: &Registry, target: &Target) -> String {
        self.down(registry, target, false).expect_err("it is refused").to_string()
    }
}

fn only(ids: &[&str]) -> Target {
    Target::Only(ids.iter().map(|id| (*id).to_owned()).collect())
}

/// ```text
/// 001_a <- 002_b <- 004_d
///          003_c
/// ```
#[test]
fn the_last_applied_is_reverted_first() {
    let registry = draw("001_a <- 002_b <- 004_d \n 003_c");
    assert_eq!(applied(ALL).plan(&registry, &Target::Last(9)), "004_d 003_c 002_b 001_a");
    assert_eq!(applied(ALL).plan(&registry, &Target::Last(1)), "004_d");
    assert_eq!(applied(ALL).plan(&registry, &Target::Last(0)), "");
    assert_eq!(applied(&[]).plan(&registry, &Target::Last(1)), "");
    let batches = applied(&[("001_a", 1), ("002_b", 2), ("004_d", 2), ("003_c", 1)]);
    assert_eq!(batches.plan(&registry, &Target::Last(9)), "004_d 002_b 003_c 001_a");
    assert_eq!(batches.plan(&registry, &Target::Batch), "004_d 002_b");
    assert_eq!(batches.plan(&registry, &Target::To("003_c".to_owned())), "004_d 002_b");
}

/// ```text
/// 001_a <- 000_new <- 002_b        002_b was applied before 000_new was written
/// ```
#[test]
fn dependents_are_reverted_first() {
    let registry = draw("001_a <- 000_new <- 002_b \n 003_c");
    let inserted = applied(&[("001_a", 1), ("002_b", 1), ("003_c", 1), ("000_new", 2)]);
    assert_eq!(inserted.plan(&registry, &Target::Last(9)), "003_c 002_b 000_new 001_a");
    assert_eq!(
        inserted.refusal(&registry, &Target::Batch),
        "'000_new' cannot be reverted or marked as pending while its dependents are applied: 002_b. Revert or mark them first, or in the same call (for a `down`, with `.with_dependents(true)`)"
    );
}

#[test]
fn marked_migrations_are_oldest_and_have_no_batch() {
    let registry = draw("001_a \n 002_b \n 003_c");
    let marked = applied(&[("001_a", 1), ("002_b", 0), ("003_c", 0)]);
    assert_eq!(marked.plan(&registry, &Target::Last(9)), "001_a 003_c 002_b");
    assert_eq!(marked.plan(&registry, &Target::Batch), "001_a");
    assert_eq!(applied(&[("002_b", 0)]).plan(&registry, &Target::Batch), "");
}

#[test]
fn i3_applied_dependents_prevent_a_revert() -> Result<(), Error> {
    let registry = draw("001_a <- 002_b <- 004_d \n 003_c");
    assert_eq!(
        applied(ALL).refusal(&registry, &only(&["001_a"])),
        "'001_a' cannot be reverted or marked as pending while its dependents are applied: 004_d, 002_b. Revert or mark them first, or in the same call (for a `down`, with `.with_dependents(true)`)"
    );
    assert_eq!(steps(&applied(ALL).down(&registry, &only(&["001_a"]), true)?), "004_d 002_b 001_a");
    let without_b = applied(&[("001_a", 1), ("004_d", 1)]);
    assert!(without_b.refusal(&registry, &only(&["001_a"])).contains("are applied: 004_d."), "through one that is not");
    Ok(())
}

/// ```text
/// 001_a <- plugin:alerts:001_x
/// ```
#[test]
fn i3_unselected_dependents_prevent_a_revert() {
    let registry = draw("001_a <- plugin:alerts:001_x").source("system");
    let both = applied(&[("001_a", 1), ("plugin:alerts:001_x", 2)]);
    let text = "'001_a' cannot be reverted or marked as pending while its dependents are applied: plugin:alerts:001_x. Some of them belong to a source that is not selected: revert those first, or do not restrict the registry to one source";
    assert_eq!(both.refusal(&registry, &Target::Last(1)), text);
    assert_eq!(both.down(&registry, &only(&["001_a"]), true).expect_err("refused").to_string(), text);
}

#[test]
fn an_irreversible_migration_is_refused_with_its_reason() {
    let silent = Drawn { id: "002_b".to_owned(), irreversible: true, ..Drawn::default() };
    let reason = Some("the column is gone for good");
    let told = Drawn { id: "003_c".to_owned(), irreversible: true, reason, ..Drawn::default() };
    let registry: Registry = migrations("001_a").into_iter().chain([silent.leak(), told.leak()]).collect();
    let silent = "'002_b' cannot be reverted: it has no `down`. Write a new migration that undoes it; or undo it by hand and record that with `mark_pending`";
    let told = "'003_c' cannot be reverted: the column is gone for good. Write a new migration that undoes it; or undo it by hand and record that with `mark_pending`";
    assert_eq!(applied(ALL).refusal(&registry, &only(&["002_b"])), silent);
    assert_eq!(applied(ALL).refusal(&registry, &Target::Last(1)), told);
    assert_eq!(applied(ALL).refusal(&registry, &Target::Last(3)), format!("2 problems:\n- {told}\n- {silent}"));
    assert_eq!(applied(ALL).plan(&registry, &only(&["001_a"])), "001_a");
}

#[test]
fn a_later_orphan_prevents_reverting_unnamed_migrations() {
    let registry = draw("001_a \n 002_b");
    let orphans = &[
        ("900_later", Applied::in_batch(2)),
        ("901_older", Applied { executed_at: -1, ..Applied::in_batch(1) }),
        ("902_as_old", Applied::in_batch(1)),
    ];
    let database = Database { orphans, ..applied(&[("001_a", 1), ("002_b", 2)]) };
    assert_eq!(database.plan(&registry, &Target::Last(1)), "002_b");
    assert_eq!(
        database.refusal(&registry, &Target::Last(2)),
        "later migrations are not linked into this program, so they cannot be reverted first: 900_later. Link them in, remove their records with `prune`, or name the migrations to revert with `.only(..)`"
    );
    assert_eq!(database.plan(&registry, &only(&["001_a"])), "001_a");
}

#[test]
fn the_target_of_to_must_be_applied() {
    let registry = draw("001_a \n 002_b");
    let database = applied(&[("002_b", 1)]);
    assert_eq!(database.refusal(&registry, &Target::To("001_a".to_owned())), "'001_a' is not applied");
    assert!(database.refusal(&registry, &Target::To("001_aa".to_owned())).ends_with("Did you mean '001_a'?"));
    assert!(database.refusal(&registry, &only(&["far"])).contains("is linked into this program"));
    assert_eq!(database.plan(&registry, &only(&["001_a", "002_b"])), "002_b", "one that is not applied is left out");
}

/// ```text
/// 001_a <- 002_b
/// ```
#[test]
fn a_partially_applied_migration_is_reverted_only_if_named() -> Result<(), Error> {
    let registry = draw("001_a <- 002_b");
    let database = Database { partially_applied: &["002_b"], ..applied(&[("001_a", 1), ("002_b", 1)]) };
    let resolved = Target::Resolved(vec!["002_b".to_owned()]);
    for target in [Target::Last(1), Target::Batch, Target::To("001_a".to_owned()), resolved] {
        let refusal = database.refusal(&registry, &target);
        assert!(refusal.starts_with("partially applied on a server without transactions: 002_b."), "{refusal}");
    }
    let along = database.down(&registry, &only(&["001_a"]), true).expect_err("it is taken along, not named");
    assert!(matches!(along, Error::PartiallyApplied { ids } if ids == ["002_b"]));
    assert_eq!(database.plan(&registry, &only(&["002_b"])), "002_b");
    assert_eq!(steps(&database.down(&registry, &only(&["001_a", "002_b"]), true)?), "002_b 001_a");
    Ok(())
}

#[test]
fn display_is_a_list() -> Result<(), Error> {
    let plan = applied(ALL).down(&draw("001_a <- 002_b"), &Target::Last(2), false)?;
    assert_eq!(plan.to_string(), "2 migrations to revert:\n  1. 002_b\n  2. 001_a");
    assert!(plan.iter().all(|step| step.direction() == Direction::Down && step.state() == State::Completed));
    assert_eq!(applied(&[]).down(&draw("001_a"), &Target::Last(1), false)?.to_string(), "Nothing to revert.");
    Ok(())
}
