//! The signals, their limits, and what follows from their values.

use std::fmt;
use std::time::Duration;

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

impl Limits {
    /// Slows from half of the largest lag on. The servers report whole seconds.
    fn of_lag(max_lag: Option<Duration>) -> Self {
        max_lag.map_or(LAG, |lag| Self { slow: (lag.as_secs() / 2).max(1), stop: lag.as_secs().max(1) })
    }
}

impl Reading {
    /// `lag` are the limits of a lag.
    fn limits(&self, lag: Limits) -> Limits {
        match self.signal {
            Signal::Member(_) | Signal::Majority => lag,
            Signal::DirtyCache => DIRTY,
        }
    }

    /// The value in thousandths of the limit at which work stops.
    fn strain(&self, lag: Limits) -> u64 {
        self.value.saturating_mul(1_000) / self.limits(lag).stop
    }

    /// `was_stopped` is whether work is stopped now: it goes on only below the lower limit.
    fn throttle(&self, lag: Limits, was_stopped: bool) -> Throttle {
        let Limits { slow, stop } = self.limits(lag);
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

/// Returns what follows from the signals. The worst of them is the reason. `max_lag` is the lag at which work stops, if a person has
/// set one.
pub(super) fn judge(readings: &[Reading], max_lag: Option<Duration>, before: Option<&Throttle>) -> Option<Throttle> {
    let lag = Limits::of_lag(max_lag);
    let high = readings.iter().filter(|reading| reading.value >= reading.limits(lag).slow);
    let worst = high.max_by_key(|reading| reading.strain(lag))?;
    Some(worst.throttle(lag, before.is_some_and(|before| before.stopped)))
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
        judge(readings, None, before).map(|throttle| throttle.to_string())
    }

    #[test]
    fn a_person_sets_the_largest_lag() {
        let told = |value, max_lag| judge(&[member(value)], Some(Duration::from_millis(max_lag)), None);
        let told = |value, max_lag| told(value, max_lag).map(|throttle| throttle.to_string());
        assert_eq!(told(9, 20_000), None);
        assert_eq!(told(10, 20_000).unwrap(), "slowed: member h2:27018 is 10 s behind, limit 10 s");
        assert_eq!(told(20, 20_000).unwrap(), "stopped: member h2:27018 is 20 s behind, limit 20 s");
        assert_eq!(told(1, 1_000).unwrap(), "stopped: member h2:27018 is 1 s behind, limit 1 s");
        let dirty = judge(&[dirty(15)], Some(Duration::from_secs(3_600)), None).unwrap();
        assert_eq!(dirty.to_string(), "stopped: 15 % of the primary's cache is dirty, limit 15 %");
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
        let stopped = judge(&[member(9)], None, None);
        assert_eq!(text(&[member(3)], stopped.as_ref()).unwrap(), "stopped: member h2:27018 is 3 s behind, limit 2 s");
        assert_eq!(text(&[member(1)], stopped.as_ref()), None);
        let slowed = judge(&[member(3)], None, None);
        assert!(!judge(&[member(3)], None, slowed.as_ref()).unwrap().stopped);
    }
}
