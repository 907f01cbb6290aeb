use std::cell::{Cell, RefCell};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use super::schedule::{Body, Call, Fault, Kind, Schedule, What, ddl, ddl_and_writes, transactions};
use super::script::Script;
use super::server::{Sabotage, Tally};
use super::world::play;

/// The number of interleavings that a test explores.
fn interleavings() -> u32 {
    std::env::var("MONGRATE_INTERLEAVINGS").ok().and_then(|number| number.parse().ok()).unwrap_or(2_000)
}

/// A shrunk interleaving that violates an invariant.
struct Found {
    schedule: Schedule,
    /// The number of interleavings until it was found.
    after: usize,
    sabotage: Sabotage,
}

/// Plays interleavings until one violates an invariant. Otherwise, returns the tally of all.
fn explore(schedules: &impl Strategy<Value = Schedule>, sabotage: Sabotage, cases: u32) -> Result<Tally, Found> {
    let (played, found_after, tally) = (Cell::new(0), Cell::new(None), RefCell::new(Tally::default()));
    // Sabotage only has to be found, not shrunk.
    let max_shrink_iters = if sabotage == Sabotage::Nothing { 4_000 } else { 0 };
    let config = Config { cases, max_shrink_iters, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(schedules, |schedule| {
        played.set(played.get() + 1);
        let outcome = play(&schedule, sabotage, false);
        tally.borrow_mut().add(&outcome.tally);
        if outcome.violations.is_empty() {
            return Ok(());
        }
        found_after.set(found_after.get().or(Some(played.get())));
        Err(TestCaseError::fail(outcome.violations.join("\n")))
    });
    match result {
        Ok(()) => Ok(tally.into_inner()),
        Err(TestError::Fail(_, schedule)) => {
            Err(Found { schedule, after: found_after.get().unwrap_or_default(), sabotage })
        }
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

impl Found {
    /// A description of the failure.
    fn describe(&self) -> String {
        let outcome = play(&self.schedule, self.sabotage, true);
        let (trace, violations) = (outcome.trace.join("\n"), outcome.violations.join("\n"));
        format!("after {} interleavings: {:#?}\n{trace}\n\n{violations}", self.after, self.schedule)
    }
}

#[test]
fn every_interleaving_keeps_i1_i2_i3_and_i6() {
    let tally = well(&transactions(), interleavings());
    // The interesting cases occur.
    let Tally { faults, taken_over, fenced_off, killed, blocked, stopped, undone, .. } = tally;
    assert!(
        [faults, taken_over, fenced_off, killed, blocked, stopped, undone].iter().all(|count| *count > 0),
        "{tally:?}"
    );
}

#[test]
fn every_interleaving_of_ddl_ends_like_an_undisturbed_run() {
    let tally = well(&ddl(), interleavings() / 8);
    let Tally { taken_over, undone, ddl, late, .. } = tally;
    assert!([taken_over, undone, ddl, late].iter().all(|count| *count > 0), "{tally:?}");
}

#[test]
fn concurrent_writes_of_the_application_are_never_lost() {
    let tally = well(&ddl_and_writes(), interleavings() / 8);
    assert!(tally.waiting > 0, "{tally:?}");
}

/// Explores interleavings without sabotage.
fn well(schedules: &impl Strategy<Value = Schedule>, cases: u32) -> Tally {
    match explore(schedules, Sabotage::Nothing, cases) {
        Err(found) => panic!("{}", found.describe()),
        Ok(tally) => {
            println!("{cases} interleavings: {tally:?}");
            tally
        }
    }
}

fn found(schedules: &impl Strategy<Value = Schedule>, sabotage: Sabotage, invariant: &str) {
    // A few hundred usually suffice.
    let Err(found) = explore(schedules, sabotage, 10 * interleavings()) else { panic!("{sabotage:?} was not found") };
    let description = found.describe();
    println!("{sabotage:?} was found {description}");
    assert!(description.contains(invariant), "{description}");
}

#[test]
fn i2_the_model_finds_a_missing_fence() {
    found(&transactions(), Sabotage::NoFence, "I2: ");
}

#[test]
fn i2_the_model_finds_a_fence_that_is_only_read() {
    found(&transactions(), Sabotage::FenceIsOnlyRead, "I2: ");
}

#[test]
fn i1_the_model_finds_effects_apart_from_their_records() {
    found(&transactions(), Sabotage::EffectsApart, "I1: ");
}

#[test]
fn the_model_finds_commands_without_the_uuid_of_their_collection() {
    found(&ddl(), Sabotage::NoCollectionUuid, "contents");
}

#[test]
fn the_model_finds_a_take_over_that_ends_commands_first_and_does_not_wait() {
    found(&ddl(), Sabotage::EndsFirst, "take-over");
}

#[test]
fn the_model_finds_a_resolution_after_a_single_read() {
    found(&ddl(), Sabotage::OneLook, "I1: ");
}

#[test]
fn the_model_finds_presence_inferred_from_a_read() {
    found(&ddl(), Sabotage::PresenceFromLook, "the indexes are");
}

#[test]
fn the_model_finds_a_body_that_starts_over() {
    found(&ddl(), Sabotage::FromTheTop, "I1: ");
}

/// A fail-over undoes a dropped index, and another one the drop that was sent again. Both replies are lost.
#[test]
fn i1_an_operation_that_two_fail_overs_undo_is_sent_again() {
    let fault = |at, nth, what| Fault { at, nth, what };
    let fail_over = What::FailOverBefore { survives: false, ahead: 0 };
    let faults = vec![
        fault(Call::Ddl, 0, What::InDoubt),
        fault(Call::Write, 1, fail_over),
        fault(Call::Ddl, 2, What::InDoubt),
        fault(Call::Write, 3, fail_over),
    ];
    let bodies = vec![Body { seconds: 0, kind: Kind::Schema(Script::Reindex) }];
    for after in 0..20 {
        let (bodies, faults) = (bodies.clone(), faults.clone());
        let schedule = Schedule { seed: after as u64, starts: vec![0], bodies, faults, may_kill: false };
        let found = Found { schedule, after, sabotage: Sabotage::Nothing };
        assert!(play(&found.schedule, found.sabotage, false).violations.is_empty(), "{}", found.describe());
    }
}

/// A holder dies between its fence and its commit, and the successor's take-over has an unknown result.
#[test]
fn a_former_holder_is_remembered_until_the_lease_is_taken() {
    for after in 0..100 {
        let die = Fault { at: Call::Commit, nth: 0, what: What::DieBefore };
        let doubt = Fault { at: Call::TakeOver, nth: 0, what: What::InDoubt };
        let bodies = vec![Body { seconds: 0, kind: Kind::Tx { locks: false } }];
        let seed = after as u64;
        let schedule = Schedule { seed, starts: vec![0, 1], bodies, faults: vec![die, doubt], may_kill: true };
        let found = Found { schedule, after, sabotage: Sabotage::Nothing };
        assert!(play(&found.schedule, found.sabotage, false).violations.is_empty(), "{}", found.describe());
    }
}
