//! The permanent history of executions and manual changes.

mod cursor;

use std::fmt;
use std::time::Duration;

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document};
use serde::{Deserialize, Serialize};

pub use self::cursor::{Cursor, InvalidCursor};
use crate::display::{shorten, shorten_causes, shorten_message};
use crate::migration::Direction;
use crate::record::holder::Holder;
use crate::record::{Record, RecordStatus};

/// The act that a history entry records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Act {
    /// An execution of the migration.
    Up,
    /// An execution of its `down`.
    Down,
    /// Its `verify` function reported a missing effect after it was committed.
    Verify,
    /// It was marked as applied.
    MarkApplied,
    /// It was marked as pending.
    MarkPending,
    /// It was marked as applied by a baseline.
    Baseline,
    /// A change of its code since it ran was accepted.
    Accept,
    /// The record of a migration that is no longer linked in was removed.
    Prune,
    /// A backfill that is underway was paused, resumed or tuned.
    Steer,
    /// A backfill that had started was canceled.
    Cancel,
    /// A backfill was marked to start from the beginning.
    Restart,
    /// The lock was released by force.
    Unlock,
    /// A run of any of these methods that had the lease ended. [`RecordStatus::Running`] means that it was interrupted; a process
    /// that dies, or that loses the lease, leaves no such entry.
    Run,
}

/// The operations of a `Schema` body, including those of earlier executions from which it resumed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Effects {
    /// The first 200 operations, in order.
    pub first: Vec<EffectEntry>,
    /// Total number of operations.
    pub count: i64,
}

/// One operation of a `Schema` body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EffectEntry {
    /// Name of the method: `create_index`.
    pub op: String,
    /// Name of the collection in the database.
    pub on: String,
    /// `now`, or `already` if there was nothing to do. `None` if it is not known to have taken effect.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub result: Option<String>,
}

impl Effects {
    /// Maximum number of operations in `first`.
    const FIRST: usize = 200;

    pub(crate) fn new(all: impl ExactSizeIterator<Item = EffectEntry>) -> Self {
        Self { count: i64::try_from(all.len()).unwrap_or(i64::MAX), first: all.take(Self::FIRST).collect() }
    }

    fn is_none(&self) -> bool {
        self.count == 0
    }
}

/// A history entry: a document of the collection `migrations_history`, which is append-only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HistoryEntry {
    /// Its id, which the driver generates when the entry is stored. `None` before.
    #[serde(rename = "_id", skip_serializing_if = "Option::is_none", default)]
    pub id: Option<ObjectId>,
    /// The execution or manual change.
    pub act: Act,
    /// Qualified id. `None` for [`Act::Unlock`] and [`Act::Run`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub migration_id: Option<String>,
    /// Source of the migration.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<String>,
    /// Status of the record afterwards. `None` if there is no record. [`RecordStatus::Running`] is an interrupted execution; the
    /// next process that takes the lease writes this entry.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<RecordStatus>,
    /// Checksum of the migration in the acting program.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub checksum: Option<String>,
    /// Number of the `up`. For a `down`, that of the `up` which it reverted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub batch: Option<i64>,
    /// Start time (UTC, the clock of the acting process); of a backfill, that of the execution that has recorded its end.
    pub executed_at: DateTime,
    /// Duration in milliseconds; of a backfill that was completed, since its start. 0 for a manual change.
    #[serde(default)]
    pub execution_duration: i64,
    /// The actor.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<String>,
    /// The reason that was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub because: Option<String>,
    /// Host of the acting process.
    pub host: String,
    /// Id of the acting process.
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
    /// Number of executions of the migration, including this one.
    #[serde(default)]
    pub attempts: i64,
    /// Token of the lease. 0 for an [`Act::Steer`] that needed none.
    #[serde(default)]
    pub token: i64,
    /// Checksum before [`Act::Accept`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous_checksum: Option<String>,
    /// Record that [`Act::Prune`] removed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub removed: Option<Box<Record>>,
    /// Operations of a `Schema` body.
    #[serde(skip_serializing_if = "Effects::is_none", default, rename = "operations")]
    pub effects: Effects,
    /// For an interrupted execution: position of the operation that was running, starting at 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stopped_at: Option<i64>,
    /// For an act that ended an interrupted `Schema` body: the log of the body.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub log: Option<Document>,
    /// For [`Act::Steer`]: what was changed, such as `paused`, `4 workers, pace polite` or `goes on with changed code`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub steered: Option<String>,
    /// For [`Act::Unlock`]: the former holder of the lock.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub holder: Option<Box<Holder>>,
}

impl HistoryEntry {
    /// Creates the entry of an act after which the record is `record`, or would be if it were not removed.
    pub(crate) fn of(record: &Record, act: Act) -> Self {
        Self {
            id: None,
            act,
            migration_id: Some(record.id.clone()),
            source: Some(record.source.clone()),
            status: Some(record.status),
            checksum: Some(record.checksum.clone()),
            batch: Some(record.batch),
            executed_at: record.executed_at,
            execution_duration: record.execution_duration,
            by: record.applied_by.clone(),
            because: None,
            host: record.host.clone(),
            pid: record.pid,
            environment: record.environment.clone(),
            codebase_version: record.codebase_version.clone(),
            error: record.error.clone(),
            error_stack: record.error_stack.clone(),
            attempts: record.attempts,
            token: record.token,
            previous_checksum: None,
            removed: None,
            effects: Effects::default(),
            stopped_at: None,
            log: None,
            steered: None,
            holder: None,
        }
    }

    /// Creates the entry of an interrupted execution from its record.
    pub(crate) fn interrupted(record: &Record) -> Self {
        let (act, by, began) = match record.direction {
            Direction::Up => (Act::Up, &record.applied_by, None),
            Direction::Down => (Act::Down, &record.reverted_by, record.reverted_at),
        };
        let executed_at = began.unwrap_or(record.executed_at);
        // The duration is unknown.
        Self { by: by.clone(), executed_at, execution_duration: 0, ..Self::of(record, act) }
    }

    /// Shortens all texts to what is worth storing.
    pub(crate) fn shortened(&self) -> Self {
        let mut entry = self.clone();
        let Self { source, by, because, environment, codebase_version, .. } = &mut entry;
        [source, by, because, environment, codebase_version].into_iter().flatten().for_each(shorten);
        shorten(&mut entry.host);
        entry.error.iter_mut().for_each(shorten_message);
        entry.error_stack.iter_mut().for_each(shorten_causes);
        entry.removed = entry.removed.map(|removed| Box::new(removed.shortened()));
        entry
    }

    /// Returns its position in the history. `None` if it is not stored.
    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        self.id.map(|id| Cursor::new(self.executed_at, id))
    }

    /// Returns the duration.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.execution_duration.unsigned_abs())
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Verify => "verify",
            Self::MarkApplied => "mark-applied",
            Self::MarkPending => "mark-pending",
            Self::Baseline => "baseline",
            Self::Accept => "accept",
            Self::Prune => "prune",
            Self::Steer => "steer",
            Self::Cancel => "cancel",
            Self::Restart => "restart",
            Self::Unlock => "unlock",
            Self::Run => "run",
        })
    }
}
