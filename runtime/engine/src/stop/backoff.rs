//! Randomized pauses, so that processes that started together do not compete again and again.

use std::time::Duration;

/// Returns a random duration below `of`.
pub(crate) fn jitter(of: Duration) -> Duration {
    let nanos = u64::try_from(of.as_nanos()).unwrap_or(u64::MAX).max(1);
    Duration::from_nanos(random() % nanos)
}

/// Returns the pause before retry `attempt`, starting at 1, after a transient error. The base is 20 ms, doubling up to 1 s, plus a
/// random part of up to the same length.
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

/// A seeded generator, so that failures of the simulation can be reproduced.
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
