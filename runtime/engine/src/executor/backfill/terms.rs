//! On which terms a worker works: how many there may be, and how fast.

use std::time::Duration;

use crate::context::Pace;

/// The longest rest. A worker that does not show itself for longer loses its claim.
pub(super) const LONGEST: Duration = Duration::from_secs(5);

/// What a worker must keep to, at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Maximum number of live claims, over all processes.
    pub(crate) workers: usize,
    pub(crate) pace: Pace,
    /// Number of workers that share the pace, over all processes.
    pub(crate) sharing: u32,
    /// How long a batch should take. An application that wants to change one of its documents waits for so long.
    pub(crate) batch_time: Duration,
}

impl Terms {
    /// The terms of a worker without others, at full pace.
    pub(crate) const ALONE: Self =
        Self { workers: 1, pace: Pace::Full, sharing: 1, batch_time: Duration::from_millis(100) };

    /// How long to rest after a batch that passed these documents, or 0 if it changed none of them.
    #[expect(clippy::cast_precision_loss, reason = "an estimate needs no more")]
    pub(super) fn rest(&self, passed: u64, took: Duration) -> Duration {
        let rest = match self.pace {
            Pace::Full => Duration::ZERO,
            Pace::Polite => took,
            Pace::Rate(_) if passed == 0 => took,
            Pace::Rate(rate) => {
                let seconds = passed as f64 * f64::from(self.sharing.max(1)) / f64::from(rate.get());
                Duration::from_secs_f64(seconds).saturating_sub(took)
            }
        };
        rest.min(LONGEST)
    }

    /// The largest batch that keeps to the pace without a long rest.
    pub(super) fn at_most(&self) -> u64 {
        match self.pace {
            Pace::Full | Pace::Polite => u64::MAX,
            Pace::Rate(rate) => u64::from(rate.get() / self.sharing.max(1)).max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn terms(pace: Pace) -> Terms {
        Terms { workers: 2, pace, sharing: 2, ..Terms::ALONE }
    }

    #[test]
    fn a_rest_depends_on_the_pace() {
        let (took, rate) = (Duration::from_millis(100), |rate| Pace::Rate(NonZeroU32::new(rate).unwrap()));
        assert_eq!(terms(Pace::Full).rest(1_000, took), Duration::ZERO);
        assert_eq!(terms(Pace::Polite).rest(1_000, took), took);
        // 1,000 documents at 2,000 per second for each of two workers.
        assert_eq!(terms(rate(4_000)).rest(1_000, took), Duration::from_millis(400));
        assert_eq!(terms(rate(100_000)).rest(1_000, took), Duration::ZERO);
        assert_eq!(terms(rate(1)).rest(0, took), took);
        assert_eq!(terms(rate(1)).rest(1, took), Duration::from_millis(1_900));
    }

    #[test]
    fn a_batch_takes_at_most_a_second_of_the_pace() {
        assert_eq!(terms(Pace::Polite).at_most(), u64::MAX);
        assert_eq!(terms(Pace::Rate(NonZeroU32::new(7_000).unwrap())).at_most(), 3_500);
        assert_eq!(terms(Pace::Rate(NonZeroU32::MIN)).at_most(), 1);
    }
}
