//! The stored record of a migration.

pub mod history;
mod holder;

use std::fmt;
use std::time::Duration;

use mongodb::bson::{Bson, DateTime, Document, Serializer};
use serde::{Deserialize, Deserializer, Serialize};

pub use self::history::{Act, EffectEntry, Effects, HistoryEntry};
pub use self::holder::Holder;
pub use self::holder::host;
use crate::display::{shorten, shorten_causes, shorten_message};
use crate::migration::{Direction, Kind, Migration, State};

/// The stored status of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RecordStatus {
    /// Running outside a transaction, or interrupted there.
    Running,
    /// Applied.
    Completed,
    /// Failed. The next `up` tries again.
    Failed,
    /// Applied and then reverted.
    RolledBack,
}

impl RecordStatus {
    /// Returns the stored value: `running`, `completed`, `failed` or `rolled-back`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::RolledBack => "rolled-back",
        }
    }
}

impl fmt::Display for RecordStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The record of a migration: a document of the collection `migrations`.
#[expect(clippy::struct_excessive_bools, reason = "they are independent fields of a stored document")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Record {
    /// Qualified id.
    #[serde(rename = "_id")]
    pub id: String,
    /// Status of the migration.
    pub status: RecordStatus,
    /// Direction of the last execution. `down` with the status `running` or `failed` means that it is partially reverted.
    #[serde(skip_serializing_if = "is_default", default)]
    pub direction: Direction,
    /// Whether a backfill has started and is worked on without the lease.
    #[serde(skip_serializing_if = "is_default", default)]
    pub underway: bool,
    /// Whether it is a backfill that was canceled, and runs again only when it is named.
    #[serde(skip_serializing_if = "is_default", default)]
    pub canceled: bool,
    /// Whether a `Tx` body was started without a transaction and did not succeed, so that the data may be partially changed.
    #[serde(skip_serializing_if = "is_default", default)]
    pub partial: bool,
    /// Kind of the last execution. `None` if an older version of Mongrate wrote the record, or a newer one with a kind that this
    /// version does not have.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "known_kind")]
    pub kind: Option<Kind>,
    /// `system`, `module:<name>` or `plugin:<name>`.
    pub source: String,
    /// Description of the migration when it ran.
    pub description: String,
    /// Checksum of the migration when it ran, prefixed with the version of the algorithm.
    pub checksum: String,
    /// Whether the migration had a `down` when it ran.
    pub reversible: bool,
    /// Number of the `up` that ran it, or 0 if it was marked as applied. Migrations with the same number ran together; the number
    /// does not define an order.
    pub batch: i64,
    /// Start of the last `up` (UTC, the clock of the migrating process); of a backfill, of the one that recorded its end.
    pub executed_at: DateTime,
    /// Duration of the last execution, in milliseconds; of a backfill that was completed, since its start.
    pub execution_duration: i64,
    /// Whether it is applied although its `verify` function reported a missing effect.
    #[serde(skip_serializing_if = "is_default", default)]
    pub verification_failed: bool,
    /// Time at which it was reverted, or at which a running `down` started (UTC).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reverted_at: Option<DateTime>,
    /// The actor that applied it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub applied_by: Option<String>,
    /// The actor that reverted it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reverted_by: Option<String>,
    /// Host of the process that ran it.
    pub host: String,
    /// Id of the process that ran it.
    pub pid: i64,
    /// The configured environment.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub environment: Option<String>,
    /// The configured version of the code base.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub codebase_version: Option<String>,
    /// Message of the error with which it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// Causes of the error, outermost first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error_stack: Option<Vec<String>>,
    /// Whether the failure is permanent, as far as the error shows: not caused by a fail-over, a write conflict or a time limit.
    #[serde(skip_serializing_if = "is_default", default)]
    pub permanent: bool,
    /// Number of executions, including the last one.
    pub attempts: i64,
    /// Token of the lease under which the record was written.
    pub token: i64,
    /// Position in the order in which migrations were applied: the token of the run, then the number of the execution or mark in the
    /// run. Both only increase. `None` if an older version of Mongrate wrote the record.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub position: Option<(i64, i64)>,
}

/// The optional fields of a record.
const OPTIONAL: [&str; 15] = [
    "direction",
    "underway",
    "canceled",
    "partial",
    "kind",
    "verificationFailed",
    "revertedAt",
    "appliedBy",
    "revertedBy",
    "environment",
    "codebaseVersion",
    "error",
    "errorStack",
    "permanent",
    "position",
];

/// The position of a migration in the order of applying. Later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Applied {
    /// [`Record::position`]. Records of older versions, which have none, come first.
    pub(crate) position: Option<(i64, i64)>,
    /// [`Record::batch`].
    pub(crate) batch: i64,
    /// In milliseconds since the epoch.
    pub(crate) executed_at: i64,
}

#[cfg(test)]
impl Applied {
    /// Creates one as an older version stored it.
    pub(crate) fn in_batch(batch: i64) -> Self {
        Self { position: None, batch, executed_at: 0 }
    }
}

impl Record {
    /// Returns the state. A record with the status `running` is interrupted, unless the caller knows that its holder is alive.
    pub(crate) fn state(&self) -> State {
        match self.status {
            RecordStatus::Running | RecordStatus::Failed if self.partial => State::Partial,
            RecordStatus::Running if self.underway => State::Underway,
            RecordStatus::Running => State::Interrupted,
            RecordStatus::Completed => State::Completed,
            RecordStatus::Failed => State::Failed,
            RecordStatus::RolledBack if self.canceled => State::Canceled,
            RecordStatus::RolledBack => State::RolledBack,
        }
    }

    /// Returns whether data may be partially changed, unless a process is running the migration now: by a `Tx` body without a
    /// transaction or a `&Database` body that has not completed.
    pub(crate) fn may_be_partial(&self) -> bool {
        self.state() == State::Partial || self.status == RecordStatus::Running && self.kind == Some(Kind::Database)
    }

    /// Returns whether it may have changes in the database.
    pub(crate) fn has_effects(&self) -> bool {
        match self.state() {
            State::RolledBack => false,
            State::Failed => self.kind != Some(Kind::Tx) || self.direction == Direction::Down,
            _ => true,
        }
    }

    /// Returns whether `down` can revert it: it is applied, or partially reverted.
    pub(crate) fn is_revertible(&self) -> bool {
        match self.status {
            RecordStatus::Completed => true,
            RecordStatus::Running | RecordStatus::Failed => self.direction == Direction::Down,
            RecordStatus::RolledBack => false,
        }
    }

    /// Returns whether an execution of its `up` has begun and not ended.
    pub(crate) fn is_interrupted_up(&self) -> bool {
        self.status == RecordStatus::Running && self.direction == Direction::Up
    }

    /// Returns the fields to set and the fields to unset, except for the id. Any other stored fields stay as they are.
    pub(crate) fn fields(&self) -> mongodb::error::Result<(Document, Document)> {
        let Bson::Document(mut set) = self.serialize(Serializer::new())? else { unreachable!("a record has fields") };
        set.remove("_id");
        let unset =
            OPTIONAL.iter().filter(|name| !set.contains_key(**name)).map(|name| ((*name).to_owned(), "".into()));
        let unset = unset.collect();
        Ok((set, unset))
    }

    /// Shortens all texts to what is worth storing.
    pub(crate) fn shortened(&self) -> Self {
        let mut record = self.clone();
        let Self { source, description, applied_by, reverted_by, host, environment, codebase_version, .. } =
            &mut record;
        let optional = [applied_by, reverted_by, environment, codebase_version].into_iter().flatten();
        [source, description, host].into_iter().chain(optional).for_each(shorten);
        record.error.iter_mut().for_each(shorten_message);
        record.error_stack.iter_mut().for_each(shorten_causes);
        record
    }

    pub(crate) fn applied(&self) -> Applied {
        let executed_at = self.executed_at.timestamp_millis();
        Applied { position: self.position, batch: self.batch, executed_at }
    }

    /// Returns the position of the last execution, up or down, like [`position`](Self::position).
    pub(crate) fn last_executed(&self) -> (i64, i64) {
        // A `down` keeps the position of the `up`. Only another execution can write the record after it.
        let applied = self.position.filter(|_| self.direction == Direction::Up);
        applied.unwrap_or((self.token, i64::MAX))
    }

    /// Returns the duration of the last execution.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.execution_duration.unsigned_abs())
    }

    /// Returns whether the code has changed since it ran. Checksums of different algorithms cannot be compared.
    pub(crate) fn drifted_from(&self, migration: Migration) -> bool {
        self.status == RecordStatus::Completed
            && algorithm(&self.checksum) == algorithm(migration.checksum())
            && self.checksum != migration.checksum()
    }
}

/// Reads a kind. `None` for one that only a newer version has.
fn known_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Kind>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.and_then(|kind| Kind::parse(&kind)))
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Returns whether a pre-release computed the checksum: its algorithm, `t1`, depends on formatting.
pub(crate) fn is_of_a_pre_release(checksum: &str) -> bool {
    algorithm(checksum) == Some("t1")
}

/// Returns the version of the algorithm of a checksum.
pub(crate) fn algorithm(checksum: &str) -> Option<&str> {
    checksum.split_once(':').map(|(version, _)| version)
}

#[cfg(test)]
mod tests;
