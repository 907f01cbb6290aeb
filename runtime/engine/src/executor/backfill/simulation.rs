//! A simulation of workers on the ranges of a backfill, against an in-memory server, under tokio's paused clock.
//!
//! The workers are the real code. The server is a simulated primary with snapshots, write conflicts, blocked writes, and fail-overs
//! that undo what no majority has. A seed determines every delay, lost message, pause, crash and fail-over.

mod hold;
mod memory;
mod network;
mod server;
mod state;
mod transaction;
mod world;

use self::state::{Sabotage, Tally};
use self::world::play;

/// The number of seeds that a test explores.
fn seeds() -> u64 {
    std::env::var("MONGRATE_INTERLEAVINGS").ok().and_then(|number| number.parse().ok()).unwrap_or(400)
}

#[test]
fn i1_i2_workers_change_each_document_once() {
    let mut total = Tally::default();
    for seed in 0..seeds() {
        let (violations, tally) = play(seed, Sabotage::Nothing);
        assert!(violations.is_empty(), "seed {seed}: {violations:#?}");
        total.add(&tally);
    }
    println!("{total:?}");
    // The interesting cases occur.
    let Tally { commits, refused, conflicts, undone, blocked, killed, crashed, skipped, renewed, removed } = total;
    let all = [commits, refused, conflicts, undone, blocked, killed, crashed, skipped, renewed, removed];
    assert!(all.iter().all(|count| *count > 0), "{total:?}");
}

fn found(sabotage: Sabotage, violation: &str) {
    let found = (0..10 * seeds()).find_map(|seed| {
        let (violations, _) = play(seed, sabotage);
        violations.iter().any(|found| found.contains(violation)).then_some((seed, violations))
    });
    let Some((seed, violations)) = found else { panic!("{sabotage:?} was not found") };
    println!("{sabotage:?} was found with seed {seed}: {violations:#?}");
}

#[test]
fn i1_the_model_finds_a_checkpoint_without_its_place() {
    found(Sabotage::NoNext, "was changed 2 times");
}

#[test]
fn i2_the_model_finds_a_checkpoint_without_its_token() {
    found(Sabotage::NoToken, "under an old token");
}

#[test]
fn i2_the_model_finds_a_checkpoint_that_is_only_read() {
    found(Sabotage::OnlyRead, "under an old token");
}
