//! Pauses with a random part, so that processes that started together do not stay in step.

use std::time::Duration;

/// A random part of a wait.
pub(crate) fn jitter(of: Duration) -> Duration {
    let nanos = u64::try_from(of.as_nanos()).unwrap_or(u64::MAX).max(1);
    Duration::from_nanos(random() % nanos)
}

/// The wait before attempt `n` (from 1) of something that failed for a passing reason: 10 ms, doubling up to 1 s, and
/// up to as much again at random so that competitors do not meet again.
pub(crate) fn backoff(attempt: u32) -> Duration {
    let base = Duration::from_millis(10 << attempt.min(7)).min(Duration::from_secs(1));
    base + jitter(base)
}

#[cfg(not(test))]
fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};

    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
use seeded::random;

/// The same numbers each time, so that what the model finds can be found again.
#[cfg(test)]
pub(crate) mod seeded {
    use std::cell::Cell;

    thread_local!(static STATE: Cell<u64> = const { Cell::new(1) });

    pub(crate) fn seed(seed: u64) {
        STATE.set(seed | 1);
    }

    /// Marsaglia's xorshift64*.
    pub(crate) fn random() -> u64 {
        let mut state = STATE.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        STATE.set(state);
        state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}
