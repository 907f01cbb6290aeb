//! The signals, their limits, and what follows from their values.

use std::fmt;

use mongodb::options::ServerAddress;

use super::Throttle;

/// A sign of strain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// Seconds that a secondary is behind the primary.
    Member(ServerAddress),
    /// Seconds that a majority of the members is behind the primary.
    Majority,
    /// Percentage of the primary's cache that is dirty.
    DirtyCache,
}

/// The value of a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) signal: Signal,
    pub(super) value: u64,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    slow: u64,
    stop: u64,
}

/// In seconds. Flow control, which throttles the application, begins at about half of its 10 s.
const LAG: Limits = Limits { slow: 2, stop: 4 };

/// In percent. From 20 % on, the application's own operations must evict.
const DIRTY: Limits = Limits { slow: 8, stop: 15 };

impl Reading {
    fn limits(&self) -> Limits {
        match self.signal {
            Signal::Member(_) | Signal::Majority => LAG,
            Signal::DirtyCache => DIRTY,
        }
    }

    /// The value in thousandths of the limit at which work stops.
    fn strain(&self) -> u64 {
        self.value.saturating_mul(1_000) / self.limits().stop
    }

    /// `was_stopped` is whether work is stopped now: it goes on only below the lower limit.
    fn throttle(&self, was_stopped: bool) -> Throttle {
        let Limits { slow, stop } = self.limits();
        let (limit, stopped) = if self.value >= stop { (stop, true) } else { (slow, was_stopped) };
        let unit = if self.signal == Signal::DirtyCache { "%" } else { "s" };
        Throttle { stopped, reason: format!("{self}, limit {limit} {unit}") }
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value;
        match &self.signal {
            Signal::Member(address) => write!(f, "member {address} is {value} s behind"),
            Signal::Majority => write!(f, "a majority of the members is {value} s behind"),
            Signal::DirtyCache => write!(f, "{value} % of the primary's cache is dirty"),
        }
    }
}

/// Returns what follows from the signals. The worst of them is the reason.
pub(super) fn judge(readings: &[Reading], before: Option<&Throttle>) -> Option<Throttle> {
    let high = readings.iter().filter(|reading| reading.value >= reading.limits().slow);
    let worst = high.max_by_key(|reading| reading.strain())?;
    Some(worst.throttle(before.is_some_and(|before| before.stopped)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(value: u64) -> Reading {
        Reading { signal: Signal::Member(ServerAddress::parse("h2:27018").unwrap()), value }
    }

    fn dirty(value: u64) -> Reading {
        Reading { signal: Signal::DirtyCache, value }
    }

    fn text(readings: &[Reading], before: Option<&Throttle>) -> Option<String> {
        judge(readings, before).map(|throttle| throttle.to_string())
    }

    #[test]
    fn work_slows_at_one_limit_and_stops_at_another() {
        assert_eq!(text(&[], None), None);
        assert_eq!(text(&[member(1), dirty(7)], None), None);
        assert_eq!(text(&[member(2)], None).unwrap(), "slowed: member h2:27018 is 2 s behind, limit 2 s");
        assert_eq!(text(&[member(4)], None).unwrap(), "stopped: member h2:27018 is 4 s behind, limit 4 s");
        assert_eq!(text(&[dirty(8)], None).unwrap(), "slowed: 8 % of the primary's cache is dirty, limit 8 %");
        assert_eq!(text(&[dirty(15)], None).unwrap(), "stopped: 15 % of the primary's cache is dirty, limit 15 %");
    }

    #[test]
    fn the_worst_signal_is_the_reason() {
        let majority = Reading { signal: Signal::Majority, value: 3 };
        let told = text(&[member(2), majority, dirty(9)], None).unwrap();
        assert_eq!(told, "slowed: a majority of the members is 3 s behind, limit 2 s");
        assert!(text(&[member(3), dirty(15)], None).unwrap().starts_with("stopped: 15 %"));
    }

    #[test]
    fn stopped_work_goes_on_below_the_lower_limit() {
        let stopped = judge(&[member(9)], None);
        assert_eq!(text(&[member(3)], stopped.as_ref()).unwrap(), "stopped: member h2:27018 is 3 s behind, limit 2 s");
        assert_eq!(text(&[member(1)], stopped.as_ref()), None);
        let slowed = judge(&[member(3)], None);
        assert!(!judge(&[member(3)], slowed.as_ref()).unwrap().stopped);
    }
}
