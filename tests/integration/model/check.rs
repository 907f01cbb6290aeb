//! Invariants after each action.

use std::collections::BTreeSet;

use mongrate::history::Act;
use mongrate::migrator::{Problem, Validation};
use mongrate::record::RecordStatus;
use mongrate_tests::drawn::{Deed, Runs};
use mongrate_tests::stored::{collections, fingerprint};

use super::case::{Action, How};
use super::observe::Seen;
use super::play::Play;
use super::rules::{Outcome, Rules};
use super::state::World;

pub(super) fn that(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// Checks that the observed state and answers are one of the predicted outcomes (I1).
pub(super) fn one_of(outcomes: Vec<Outcome>, answers: Option<&[String]>, seen: &Seen) -> Result<Outcome, String> {
    let sorted = |answers: &[String]| {
        let mut answers = answers.to_vec();
        answers.sort_unstable();
        answers
    };
    let told = answers.map(sorted);
    let mut others = Vec::new();
    for outcome in outcomes {
        let foretold = outcome.answers.as_deref().map(sorted);
        if outcome.world == seen.world && foretold == told {
            return Ok(outcome);
        }
        others.push(format!("expected {:#?}\nand {foretold:?}", outcome.world));
    }
    let errors: Vec<_> = seen.history.iter().filter_map(|entry| entry.error.as_deref()).collect();
    Err(format!("seen {:#?}\nand {told:?}\nwith the errors {errors:#?}\n{}", seen.world, others.join("\nor ")))
}

/// Checks that the history was only appended to, in a valid order (I2, I3).
pub(super) fn appended(play: &Play, before: &Seen, action: &Action) -> Result<(), String> {
    let old = before.history.len();
    that(play.seen.history.get(..old) == Some(&before.history), || "the history has changed".to_owned())?;
    // The entry of an interrupted execution has that one's token, and is written by whoever finds it.
    let by_itself = play.seen.history.iter().filter(|entry| entry.status != Some(RecordStatus::Running));
    that(by_itself.is_sorted_by_key(|entry| entry.token), || "I2: a token has fallen".to_owned())?;
    let all_linked = !matches!(action, Action::Do(doing) if !doing.without.is_empty());
    let mut completed = before.world.completed();
    for entry in &play.seen.world.history[old..] {
        let Some(place) = entry.place else { continue };
        let drawn = &play.drawing.0;
        match (entry.act, entry.status) {
            (Act::Up, Some(RecordStatus::Completed)) => {
                that(drawn[place].dependencies.is_subset(&completed), || format!("I3: {place} ran too early"))?;
                completed.insert(place);
            }
            (Act::Down, Some(RecordStatus::RolledBack)) => {
                let needed = completed.iter().any(|other| drawn[*other].dependencies.contains(&place));
                that(!needed || !all_linked, || format!("I3: {place} was reverted too early"))?;
                completed.remove(&place);
            }
            (Act::MarkApplied | Act::Baseline, _) => drop(completed.insert(place)),
            (Act::MarkPending | Act::Prune, _) => drop(completed.remove(&place)),
            _ => {}
        }
    }
    Ok(())
}

/// Checks that tokens only increase (I2), and that the lease is released (I6).
pub(super) fn lock(before: &Seen, after: &Seen, outcome: &Outcome, action: &Action) -> Result<(), String> {
    let (old, new) = (before.lock, after.lock);
    let rise = new.token - old.token;
    let holds = match action {
        Action::Change(_) => new == old,
        Action::Unlock => !new.held && rise == i64::from(old.exists),
        Action::Do(doing) => match doing.how {
            How::Killed(_) => rise >= 0,
            // The second one may have waited for the lease in vain.
            How::Twice if outcome.leases > 0 => new.is_free() && (1..=2).contains(&rise),
            _ if outcome.leases > 0 => new.is_free() && rise == outcome.leases,
            _ => new == old,
        },
    };
    that(holds && after.newest <= new.token, || {
        format!("I2, I6: {old:?} has become {new:?}, on record {}", after.newest)
    })
}

/// Checks that reads agree with the model (I5) and write nothing (I4).
pub(super) async fn reads(game: &Play) -> Result<(), String> {
    let none = BTreeSet::new();
    let (world, rules) = (&game.seen.world, Rules::new(&game.drawing, &none));
    // What a dead process has locked is in the way of a fingerprint.
    let quiet = !game.seen.lock.held;
    let before = if quiet { Some((fingerprint(&game.db).await, collections(&game.db).await)) } else { None };

    let migrator = game.drawing.migrator(&game.db, &none).build().unwrap();
    let status = migrator.status().await.unwrap();
    for &place in &rules.order {
        let (state, expected) = (status.state(rules.id(place)), world.state(place));
        that(state == Some(expected), || format!("{} is {state:?}, not {expected:?}", rules.id(place)))?;
    }
    same("pending", status.pending().map(|migration| migration.id()), &rules, |place| !world.is_completed(place))?;
    let drifted = rules.drifted(world);
    same("drifted", status.drifted().map(|(migration, _)| migration.id()), &rules, |place| drifted.contains(&place))?;
    that(status.orphans().is_empty(), || format!("orphans: {:?}", status.orphans()))?;
    that(status.holder().is_some() == game.seen.lock.held, || format!("the holder is {:?}", status.holder()))?;

    let todo = rules.todo(world, &Deed::Up { only: None, go_on: false }).unwrap();
    let plan = migrator.plan().await.unwrap();
    let waiting = rules.waiting(world);
    same("planned", plan.iter().map(|step| step.migration().id()), &rules, |place| todo.contains(&place))?;
    same("blocked", plan.blocked().iter().map(|b| b.migration().id()), &rules, |place| waiting.contains(&place))?;
    let shuffled = game.drawing.migrations(&none).into_iter().rev().collect();
    let shuffled = game.drawing.migrator(&game.db, &none).registry(shuffled).build().unwrap().plan().await.unwrap();
    let ids = |plan: &mongrate::Plan| plan.iter().map(|step| step.migration().id()).collect::<Vec<_>>();
    that(ids(&shuffled) == ids(&plan), || "I5: the plan depends on the sequence of the registry".to_owned())?;

    let (found, expected) = (findings(&migrator.validate().await.unwrap()), problems(game, &rules, world));
    that(found == expected, || format!("found {found:#?}, not {expected:#?}"))?;
    let page = migrator.history().limit(500).await.unwrap();
    that(page.total == world.history.len() as u64, || format!("{} entries", page.total))?;
    migrator.statistics().await.unwrap();
    migrator.lock_status().await.unwrap();

    let after = if quiet { Some((fingerprint(&game.db).await, collections(&game.db).await)) } else { None };
    that(before == after, || format!("I4: a read has written: {before:?} is now {after:?}"))
}

/// That these are, in plan order, the ones of which it holds.
fn same<'a>(
    what: &str,
    found: impl Iterator<Item = &'a str>,
    rules: &Rules<'_>,
    holds: impl Fn(usize) -> bool,
) -> Result<(), String> {
    let found = found.collect::<Vec<_>>().join(" ");
    let expected = rules.ids(rules.order.iter().copied().filter(|&place| holds(place)));
    that(found == expected, || format!("{what}: [{found}], not [{expected}]"))
}

fn findings(validation: &Validation) -> Vec<String> {
    let finding = |finding: &mongrate::migrator::Finding| match &finding.problem {
        Problem::Missing { needed_by } => format!("{} missing for {}", finding.id, needed_by.join(" ")),
        Problem::Interrupted => format!("{} interrupted", finding.id),
        Problem::PartiallyReverted => format!("{} half reverted", finding.id),
        Problem::Failed { .. } => format!("{} failed", finding.id),
        Problem::Modified { .. } => format!("{} modified", finding.id),
        other => format!("{} unexpectedly {other}", finding.id),
    };
    validation.findings().iter().map(finding).collect()
}

fn problems(play: &Play, rules: &Rules<'_>, world: &World) -> Vec<String> {
    let mut problems = Vec::new();
    let drifted = rules.drifted(world);
    for &place in &rules.order {
        let id = rules.id(place);
        let depends =
            |other: &usize| play.drawing.0[*other].dependencies.contains(&place) && world.is_completed(*other);
        let needed_by = rules.ids(rules.order.iter().copied().filter(depends));
        if !world.is_completed(place) && !needed_by.is_empty() {
            problems.push(format!("{id} missing for {needed_by}"));
        }
        let Some(record) = world.records.get(&place) else { continue };
        if drifted.contains(&place) {
            problems.push(format!("{id} modified"));
        }
        if record.is_half_reverted() && play.drawing.0[place].down == Some(Runs::Schema) {
            problems.push(format!("{id} half reverted"));
        } else if record.status == RecordStatus::Running {
            problems.push(format!("{id} interrupted"));
        } else if record.has_error {
            problems.push(format!("{id} failed"));
        }
    }
    problems
}
