//! What is stored of one migration: its record.

use std::time::Duration;

use mongodb::bson::DateTime;
use serde::{Deserialize, Serialize};

use crate::migration::{Migration, State};

/// The stored status of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RecordStatus {
    /// Started outside a transaction and not ended yet, or interrupted.
    Running,
    /// Applied.
    Completed,
    /// Failed; the next `up` tries again.
    Failed,
    /// Applied and then reverted.
    RolledBack,
}

impl RecordStatus {
    /// As it is stored: `running`, `completed`, `failed` or `rolled-back`.
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

/// Which of a migration's two functions an execution ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Direction {
    /// The migration itself.
    #[default]
    Up,
    /// Its `down`.
    Down,
}

/// The stored state of one migration in one database: a document of `migrations`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Record {
    /// Qualified id.
    #[serde(rename = "_id")]
    pub id: String,
    /// Where it stands.
    pub status: RecordStatus,
    /// What its last execution ran. Together with `running` or `failed`, `down` means that it is half reverted.
    #[serde(skip_serializing_if = "is_default", default)]
    pub direction: Direction,
    /// Whether a `Tx` body was started without a transaction and did not end well, so that the data may be half changed.
    #[serde(skip_serializing_if = "is_default", default)]
    pub partial: bool,
    /// `system`, `module:<name>` or `plugin:<name>`.
    pub source: String,
    /// The migration's description when it ran.
    pub description: String,
    /// The migration's checksum when it ran, with the version of the algorithm.
    pub checksum: String,
    /// Whether it had a `down` when it ran.
    pub reversible: bool,
    /// Number of the `up` that ran it; 0 when it was marked as applied.
    pub batch: i64,
    /// When its last `up` began (UTC, the migrating process's clock).
    pub executed_at: DateTime,
    /// How long that took, in milliseconds.
    pub execution_duration: i64,
    /// Whether it is applied although its `verify` function said that it did not have its effect.
    #[serde(skip_serializing_if = "is_default", default)]
    pub verification_failed: bool,
    /// When it was reverted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reverted_at: Option<DateTime>,
    /// Who applied it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub applied_by: Option<String>,
    /// Who reverted it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reverted_by: Option<String>,
    /// Host that ran it.
    pub host: String,
    /// Process that ran it.
    pub pid: i64,
    /// The environment that the migrator was told.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub environment: Option<String>,
    /// The version of the code base that the migrator was told.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub codebase_version: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// The error's chain of sources, outermost first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error_stack: Option<Vec<String>>,
    /// How many executions there have been, this one included.
    pub attempts: i64,
    /// Token of the lease under which it was written.
    pub token: i64,
}

/// When a migration was applied: the number of its `up`, and the time in milliseconds. Later ones are greater.
pub(crate) type Applied = (i64, i64);

impl Record {
    /// The state that this record stands for. A `running` record is interrupted, unless the caller knows that its
    /// holder still lives.
    pub(crate) fn state(&self) -> State {
        match self.status {
            RecordStatus::Running | RecordStatus::Failed if self.partial => State::Partial,
            RecordStatus::Running => State::Interrupted,
            RecordStatus::Completed => State::Completed,
            RecordStatus::Failed => State::Failed,
            RecordStatus::RolledBack => State::RolledBack,
        }
    }

    /// Whether there is something of it that a `down` can revert: it is applied, or half reverted.
    pub(crate) fn is_revertible(&self) -> bool {
        match self.status {
            RecordStatus::Completed => true,
            RecordStatus::Running | RecordStatus::Failed => self.direction == Direction::Down,
            RecordStatus::RolledBack => false,
        }
    }

    pub(crate) fn applied(&self) -> Applied {
        (self.batch, self.executed_at.timestamp_millis())
    }

    pub(crate) fn duration(&self) -> Duration {
        Duration::from_millis(self.execution_duration.unsigned_abs())
    }

    /// Whether the code has changed since it ran. Checksums of two algorithms say nothing about each other.
    pub(crate) fn drifted_from(&self, migration: Migration) -> bool {
        self.status == RecordStatus::Completed
            && algorithm(&self.checksum) == algorithm(migration.checksum())
            && self.checksum != migration.checksum()
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Whether a pre-release made it: the algorithm `t1` took formatting for a change.
pub(crate) fn is_of_a_pre_release(checksum: &str) -> bool {
    algorithm(checksum) == Some("t1")
}

/// The version of the algorithm in front of a checksum.
pub(crate) fn algorithm(checksum: &str) -> Option<&str> {
    checksum.split_once(':').map(|(version, _)| version)
}
