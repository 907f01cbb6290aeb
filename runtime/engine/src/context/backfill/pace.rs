//! How much of the server a backfill takes.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// How fast a backfill works.
///
/// Whatever the pace, a backfill is slowed and stopped while the servers are under strain, as
/// [`BackfillStatus::throttled`](crate::migrator::BackfillStatus::throttled) says. Small collections, which are done at once
/// under the migration lock, are neither paced nor throttled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pace {
    /// One batch after another.
    Full,
    /// Rests after each batch for as long as it took.
    Polite,
    /// At most this number of documents per second, all workers together, whether they match or not. A batch in which none
    /// matches only rests as long as it took.
    Rate(NonZeroU32),
}

impl Pace {
    /// Returns the maximum number of workers that have a document to change in each second.
    pub(crate) fn most_workers(self) -> u32 {
        match self {
            Self::Full | Self::Polite => u32::MAX,
            Self::Rate(rate) => rate.get(),
        }
    }
}

/// `full`, `polite`, or the number of documents per second.
impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("full"),
            Self::Polite => f.write_str("polite"),
            Self::Rate(rate) => rate.fmt(f),
        }
    }
}

impl FromStr for Pace {
    type Err = InvalidPace;

    fn from_str(text: &str) -> Result<Self, InvalidPace> {
        match text {
            "full" => Ok(Self::Full),
            "polite" => Ok(Self::Polite),
            rate => rate.parse().map(Self::Rate).map_err(|_| InvalidPace(rate.to_owned())),
        }
    }
}

/// The text is no pace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPace(String);

impl fmt::Display for InvalidPace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a pace is 'full', 'polite' or a number of documents per second from 1 on, not '{}'", self.0)
    }
}

impl std::error::Error for InvalidPace {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_as_it_is_written() {
        for pace in [Pace::Full, Pace::Polite, Pace::Rate(NonZeroU32::new(7_000).unwrap())] {
            assert_eq!(pace.to_string().parse::<Pace>().unwrap(), pace);
        }
        for wrong in ["", "0", "-1", "fast", "7_000"] {
            assert!(wrong.parse::<Pace>().unwrap_err().to_string().contains(&format!("not '{wrong}'")));
        }
    }
}
