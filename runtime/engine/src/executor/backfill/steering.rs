//! What a person has set while a backfill is underway.

use std::fmt;

use mongodb::bson::{DateTime, Document, doc};

use crate::context::Pace;

/// The field `steering` of a backfill's header. It takes precedence over what the body describes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Steering {
    pub(crate) paused: Option<Pause>,
    pub(crate) workers: Option<u32>,
    pub(crate) pace: Option<Pace>,
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
        Self {
            paused: stored.get_document("paused").ok().and_then(Pause::read),
            workers: stored.get_i64("workers").ok().and_then(|workers| u32::try_from(workers).ok()),
            pace: stored.get_str("pace").ok().and_then(|pace| pace.parse().ok()),
        }
    }
}
