//! Why workers are slowed or stopped: signals of the servers, and what the application says.

mod asked;
mod gauge;
mod members;
mod reading;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use self::asked::Asked;
pub(crate) use self::gauge::Gauge;

/// How long a slowed worker rests after a batch, in addition to its pace, as a multiple of what the batch took.
const REST: u32 = 2;

/// Why a backfill is slower than its pace, or stopped for the moment: a signal of the servers is above its limit, or the program's
/// [`throttle_when`](crate::context::Documents::throttle_when) has a reason.
///
/// A stopped backfill goes on by itself as soon as the signal is below the limit at which it is slowed, and the function returns
/// `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Throttle {
    /// Whether no batch starts. Otherwise, workers rest for longer after each batch.
    pub stopped: bool,
    /// The signal, its value and the limit: `member h2:27018 is 3 s behind, limit 2 s`. Otherwise, what the function returned.
    pub reason: String,
}

impl Throttle {
    /// `slowed` or `stopped`.
    #[must_use]
    pub fn label(&self) -> &'static str {
        if self.stopped { "stopped" } else { "slowed" }
    }

    /// How long a worker rests after a batch, in addition to its pace.
    pub(super) fn rest(throttle: Option<&Self>, took: Duration) -> Duration {
        throttle.map_or(Duration::ZERO, |_| took.saturating_mul(REST))
    }
}

/// `slowed: member h2:27018 is 3 s behind, limit 2 s`.
impl fmt::Display for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.label(), self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slowed_worker_rests_for_twice_as_long_as_its_batch_took() {
        let slowed = Throttle { stopped: false, reason: "member h2:27018 is 3 s behind, limit 2 s".to_owned() };
        let took = Duration::from_millis(100);
        assert_eq!(Throttle::rest(Some(&slowed), took), Duration::from_millis(200));
        assert_eq!(Throttle::rest(None, took), Duration::ZERO);
        assert_eq!(slowed.to_string(), "slowed: member h2:27018 is 3 s behind, limit 2 s");
    }
}
