//! Who holds the lease, as people read it.

use std::fmt;

use mongodb::bson::{DateTime, Document, oid::ObjectId};
use serde::{Deserialize, Serialize};

/// Who holds the lease.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Holder {
    /// The host it runs on.
    pub host: String,
    /// Its process id there.
    pub pid: i64,
    /// The actor that its migrator was told.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actor: Option<String>,
    /// When it took the lease (the server's clock).
    pub since: DateTime,
    /// Qualified id of the migration that it was running at its last heartbeat.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub current: Option<String>,
    /// Whether its lease is over by the server's clock: it has died or was cut off, and the next `up` takes over.
    #[serde(skip)]
    pub expired: bool,
    /// This acquisition, and no other.
    pub(crate) nonce: ObjectId,
    /// The session of its transactions, so that a successor can end them.
    pub(crate) session: Document,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)?;
        if let Some(actor) = &self.actor {
            write!(f, " (by {actor})")?;
        }
        if let Ok(since) = self.since.try_to_rfc3339_string() {
            write!(f, ", since {since}")?;
        }
        match &self.current {
            Some(id) if self.expired => write!(f, ", last running '{id}'")?,
            Some(id) => write!(f, ", running '{id}'")?,
            None => {}
        }
        if self.expired {
            f.write_str("; its lease is over, and the next `up` takes over")?;
        }
        Ok(())
    }
}

/// This machine's name, as far as it is known.
pub(crate) fn host() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}
