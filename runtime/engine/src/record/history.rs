//! What is stored of every execution and every manual act, for good.

use std::fmt;
use std::time::Duration;

use mongodb::bson::{DateTime, Document};
use serde::{Deserialize, Serialize};

use crate::display::{shorten, shorten_causes, shorten_message};
use crate::migration::Direction;
use crate::record::holder::Holder;
use crate::record::{Record, RecordStatus};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Act {
    /// An execution of the migration.
    Up,
    /// An execution of its `down`.
    Down,
    /// Its `verify` function said no after it was committed.
    Verify,
    /// A person said that it is applied.
    MarkApplied,
    /// A person said that it is pending.
    MarkPending,
    /// The same as [`MarkApplied`](Self::MarkApplied), as part of a baseline.
    Baseline,
    /// A person accepted that it has changed since it ran.
    Accept,
    /// The record of a migration that is not linked in was removed.
    Prune,
    /// The lock was taken away from its holder.
    Unlock,
}

/// What an execution of a `Schema` body did, those operations included that an earlier one had done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Effects {
    /// The first 200 operations, in order.
    pub first: Vec<EffectEntry>,
    /// How many there were in all.
    pub count: i64,
}

/// One operation of a `Schema` body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EffectEntry {
    /// The method: `create_index`.
    pub op: String,
    /// The collection's name in the database.
    pub on: String,
    /// `now`, or `already` if there was nothing to do; absent if it is not known to have taken effect.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub result: Option<String>,
}

impl Effects {
    /// More are not kept.
    const FIRST: usize = 200;

    pub(crate) fn new(all: impl ExactSizeIterator<Item = EffectEntry>) -> Self {
        Self { count: i64::try_from(all.len()).unwrap_or(i64::MAX), first: all.take(Self::FIRST).collect() }
    }

    fn is_none(&self) -> bool {
        self.count == 0
    }
}

/// One execution or manual act: a document of `migrations_history`, which is only ever appended to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HistoryEntry {
    /// What was done.
    pub act: Act,
    /// Qualified id; absent for [`Act::Unlock`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub migration_id: Option<String>,
    /// The migration's source.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<String>,
    /// How the execution ended, or what the act left; absent when it left no record. [`RecordStatus::Running`] is that of an
    /// execution which was interrupted; it is written by whoever finds that out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<RecordStatus>,
    /// The migration's checksum in the program that did this.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub checksum: Option<String>,
    /// Number of the `up`, also of the one that a `down` reverted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub batch: Option<i64>,
    /// When it began (UTC, the acting process's clock).
    pub executed_at: DateTime,
    /// How long it took, in milliseconds; 0 for a manual act.
    #[serde(default)]
    pub execution_duration: i64,
    /// Who did it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<String>,
    /// Why, as that person said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub because: Option<String>,
    /// Host that did it.
    pub host: String,
    /// Process that did it.
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
    /// How many executions of this migration there had been, this one included.
    #[serde(default)]
    pub attempts: i64,
    /// Token of the lease under which it was done.
    #[serde(default)]
    pub token: i64,
    /// The checksum that [`Act::Accept`] replaced.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous_checksum: Option<String>,
    /// The record that [`Act::Prune`] removed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub removed: Option<Box<Record>>,
    /// What a `Schema` body did.
    #[serde(skip_serializing_if = "Effects::is_none", default, rename = "operations")]
    pub effects: Effects,
    /// Of an execution that was interrupted: the place of the operation that was under way, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stopped_at: Option<i64>,
    /// The log of the interrupted `Schema` body of which the act made an end, as it was stored with the record.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub log: Option<Document>,
    /// From whom [`Act::Unlock`] took the lock.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub holder: Option<Box<Holder>>,
}

impl HistoryEntry {
    /// The entry for something that left this record, or would leave it in the place of one that is removed.
    pub(crate) fn of(record: &Record, act: Act) -> Self {
        Self {
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
            holder: None,
        }
    }

    /// The entry of an execution that was interrupted, by the record that it left.
    pub(crate) fn interrupted(record: &Record) -> Self {
        let (act, by, began) = match record.direction {
            Direction::Up => (Act::Up, &record.applied_by, None),
            Direction::Down => (Act::Down, &record.reverted_by, record.reverted_at),
        };
        let executed_at = began.unwrap_or(record.executed_at);
        // How long it went on, nobody knows.
        Self { by: by.clone(), executed_at, execution_duration: 0, ..Self::of(record, act) }
    }

    /// The same with no text longer than is worth storing.
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

    /// How long it took.
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
            Self::Unlock => "unlock",
        })
    }
}
