//! The holder of the lease.

use std::fmt;

use mongodb::bson::{DateTime, Document, oid::ObjectId};
use serde::{Deserialize, Serialize};

/// The process that holds the lease.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Holder {
    /// Host of the process.
    pub host: String,
    /// Id of the process on its host.
    pub pid: i64,
    /// The configured actor.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actor: Option<String>,
    /// Time at which it acquired the lease (UTC, the server's clock).
    pub since: DateTime,
    /// Qualified id of the migration that was running at the last heartbeat.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub current: Option<String>,
    /// Whether the lease has expired by the server's clock: the process has died or was cut off, and the next `up` takes over.
    #[serde(skip)]
    pub expired: bool,
    /// Identifies this acquisition.
    pub(crate) nonce: ObjectId,
    /// Session of its transactions, which a successor ends.
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
            f.write_str("; its lease has expired, and the next `up` takes over")?;
        }
        Ok(())
    }
}

/// Returns the name of this machine as it is recorded, or `unknown`.
#[must_use]
pub fn host() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}
