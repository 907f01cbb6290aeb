//! What a person has set while a backfill is underway.

use std::fmt;
use std::time::Duration;

use mongodb::bson::{DateTime, Document, doc};

use crate::context::Pace;
use crate::display::{Elapsed, plural};

/// The field `steering` of a backfill's header. It takes precedence over what the body describes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Steering {
    pub(crate) paused: Option<Pause>,
    pub(crate) tuning: Tuning,
}

/// How a person has tuned a backfill. What is `None` is as in the code, or the default.
///
/// Its `Display` lists what is set: `4 workers, pace 7000, lag up to 10.0 s, batches of 200 ms`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tuning {
    /// The number of batches at the same time, in all processes together.
    pub workers: Option<u32>,
    /// The pace.
    pub pace: Option<Pace>,
    /// The lag of a member or of the majority from which on no batch starts. From half of it on, the work is slowed.
    pub max_lag: Option<Duration>,
    /// How long a batch should take.
    pub batch_time: Option<Duration>,
}

impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = [
            self.workers.map(|workers| plural(workers.into(), "worker")),
            self.pace.map(|pace| format!("pace {pace}")),
            self.max_lag.map(|lag| format!("lag up to {}", Elapsed(lag))),
            self.batch_time.map(|time| format!("batches of {}", Elapsed(time))),
        ];
        f.write_str(&set.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

/// Who paused a backfill, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pause {
    /// The person or program.
    pub by: Option<String>,
    /// The reason that was given.
    pub because: Option<String>,
    /// When, by the clock of the process that asked for it.
    pub at: DateTime,
}

/// `paused by ana (sale until noon)`.
impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("paused")?;
        self.by.as_ref().map_or(Ok(()), |by| write!(f, " by {by}"))?;
        self.because.as_ref().map_or(Ok(()), |because| write!(f, " ({because})"))
    }
}

impl Pause {
    pub(crate) fn to_document(&self) -> Document {
        doc! { "by": &self.by, "because": &self.because, "at": self.at }
    }

    fn read(stored: &Document) -> Option<Self> {
        let text = |field: &str| stored.get_str(field).ok().map(str::to_owned);
        Some(Self { by: text("by"), because: text("because"), at: *stored.get_datetime("at").ok()? })
    }
}

impl Steering {
    /// Ignores what Mongrate did not write.
    pub(super) fn read(stored: &Document) -> Self {
        let time = |field: &str| stored.get_i64(field).ok()?.try_into().ok().map(Duration::from_millis);
        Self {
            paused: stored.get_document("paused").ok().and_then(Pause::read),
            tuning: Tuning {
                workers: stored.get_i64("workers").ok().and_then(|workers| u32::try_from(workers).ok()),
                pace: stored.get_str("pace").ok().and_then(|pace| pace.parse().ok()),
                max_lag: time("maxLagMs"),
                batch_time: time("batchMs"),
            },
        }
    }
}
