//! What is stored: one record per migration, one history document per execution.

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

/// The stored state of one migration in one database: a document of `migrations`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Record {
    /// Qualified id.
    #[serde(rename = "_id")]
    pub id: String,
    /// Where it stands.
    pub status: RecordStatus,
    /// `system`, `module:<name>` or `plugin:<name>`.
    pub source: String,
    /// The migration's description when it ran.
    pub description: String,
    /// The migration's checksum when it ran, with the version of the algorithm.
    pub checksum: String,
    /// Whether it had a `down` when it ran.
    pub reversible: bool,
    /// Number of the `up` that ran it.
    pub batch: i64,
    /// When its last execution began (UTC, the migrating process's clock).
    pub executed_at: DateTime,
    /// How long it took, in milliseconds.
    pub execution_duration: i64,
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

impl Record {
    /// The state that this record stands for. A `running` record is interrupted, unless the caller knows that its
    /// holder still lives.
    pub(crate) fn state(&self) -> State {
        match self.status {
            RecordStatus::Running => State::Interrupted,
            RecordStatus::Completed => State::Completed,
            RecordStatus::Failed => State::Failed,
            RecordStatus::RolledBack => State::RolledBack,
        }
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

/// The version of the algorithm in front of a checksum.
fn algorithm(checksum: &str) -> Option<&str> {
    checksum.split_once(':').map(|(version, _)| version)
}

/// One execution: a document of `migrations_history`, which is only ever appended to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HistoryEntry<'a> {
    migration_id: &'a str,
    direction: &'static str,
    status: RecordStatus,
    source: &'a str,
    checksum: &'a str,
    batch: i64,
    executed_at: DateTime,
    execution_duration: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    host: &'a str,
    pid: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    codebase_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_stack: Option<&'a [String]>,
    attempts: i64,
    token: i64,
}

impl<'a> HistoryEntry<'a> {
    /// The entry for the execution of an `up` that left this record.
    pub(crate) fn up(record: &'a Record) -> Self {
        Self {
            migration_id: &record.id,
            direction: "up",
            status: record.status,
            source: &record.source,
            checksum: &record.checksum,
            batch: record.batch,
            executed_at: record.executed_at,
            execution_duration: record.execution_duration,
            by: record.applied_by.as_deref(),
            host: &record.host,
            pid: record.pid,
            environment: record.environment.as_deref(),
            codebase_version: record.codebase_version.as_deref(),
            error: record.error.as_deref(),
            error_stack: record.error_stack.as_deref(),
            attempts: record.attempts,
            token: record.token,
        }
    }
}
