//! A model-based test: random graphs and random sequences of actions, failures and crashes, on a real server. After
//! each action, the stored state and the answers must match the model (I1 to I7).
//!
//! `PROPTEST_CASES` sets how many cases there are; a failure prints the shrunken case and the seed, which `PROPTEST_RNG_SEED`
//! takes.

mod case;
mod check;
mod observe;
mod play;
mod rules;
mod state;
mod words;

use std::env;

use mongrate::Registry;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use tokio::runtime::Runtime;

/// As many as a normal run of all tests has time for.
const CASES: u32 = 24;

#[test]
fn i1_to_i7_hold_for_random_graphs_and_sequences() {
    let mut config = Config { max_shrink_time: 120_000, failure_persistence: None, ..Config::default() };
    if env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    if let RngSeed::Random = config.rng_seed {
        config.rng_seed = RngSeed::Fixed(seed());
    }
    let (seed, runtime) = (config.rng_seed, Runtime::new().unwrap());
    let result = TestRunner::new(config).run(&case::random(), |case| runtime.block_on(play::play(&case)));
    if let Err(failure) = result {
        panic!("{failure}\nAgain with PROPTEST_RNG_SEED={seed}");
    }
}

fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(Registry::linked().len())
}
