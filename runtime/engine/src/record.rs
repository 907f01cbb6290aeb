//! What is stored of one migration: its record.

pub mod history;
mod holder;

use std::time::Duration;

use mongodb::bson::{Bson, DateTime, Document, Serializer};
use serde::{Deserialize, Deserializer, Serialize};

pub use self::history::{Act, EffectEntry, Effects, HistoryEntry};
pub use self::holder::Holder;
pub(crate) use self::holder::host;
use crate::display::{shorten, shorten_causes, shorten_message};
use crate::migration::{Direction, Kind, Migration, State};

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

/// The stored state of one migration in one database: a document of `migrations`.
#[expect(clippy::struct_excessive_bools, reason = "they are independent fields of a stored document")]
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
    /// How its last execution ran; `None` when it was written by a version of Mongrate that did not say so, or by one that
    /// knows more kinds than this.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "known_kind")]
    pub kind: Option<Kind>,
    /// `system`, `module:<name>` or `plugin:<name>`.
    pub source: String,
    /// The migration's description when it ran.
    pub description: String,
    /// The migration's checksum when it ran, with the version of the algorithm.
    pub checksum: String,
    /// Whether it had a `down` when it ran.
    pub reversible: bool,
    /// Number of the `up` that ran it; 0 when it was marked as applied. It says what belongs together, not what came first.
    pub batch: i64,
    /// When its last `up` began (UTC, the migrating process's clock).
    pub executed_at: DateTime,
    /// How long that took, in milliseconds.
    pub execution_duration: i64,
    /// Whether it is applied although its `verify` function said that it did not have its effect.
    #[serde(skip_serializing_if = "is_default", default)]
    pub verification_failed: bool,
    /// When it was reverted, or, as long as that is running, when that began.
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
    /// Whether it failed for a reason that does not pass by itself, as far as the error tells: not because of a fail-over, a
    /// conflict or a time limit.
    #[serde(skip_serializing_if = "is_default", default)]
    pub permanent: bool,
    /// How many executions there have been, this one included.
    pub attempts: i64,
    /// Token of the lease under which it was written.
    pub token: i64,
    /// When it was applied last, among all migrations: the token of that run, then the number of the execution or mark in it. Both
    /// only rise. Older versions did not store it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub position: Option<(i64, i64)>,
}

/// The fields that a record may lack.
const OPTIONAL: [&str; 13] = [
    "direction",
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

/// When a migration was applied, among all that are; later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Applied {
    /// [`Record::position`]. Those of an older version, which have none, come first.
    pub(crate) position: Option<(i64, i64)>,
    /// [`Record::batch`].
    pub(crate) batch: i64,
    /// In milliseconds.
    pub(crate) executed_at: i64,
}

#[cfg(test)]
impl Applied {
    /// By an older version.
    pub(crate) fn in_batch(batch: i64) -> Self {
        Self { position: None, batch, executed_at: 0 }
    }
}

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

    /// Whether it may have left data half changed, unless somebody is running it right now: a `Tx` body that was started without a
    /// transaction, or a `&Database` body, neither of which has come to its end.
    pub(crate) fn may_be_partial(&self) -> bool {
        self.state() == State::Partial || self.status == RecordStatus::Running && self.kind == Some(Kind::Database)
    }

    /// Whether there is something of it that a `down` can revert: it is applied, or half reverted.
    pub(crate) fn is_revertible(&self) -> bool {
        match self.status {
            RecordStatus::Completed => true,
            RecordStatus::Running | RecordStatus::Failed => self.direction == Direction::Down,
            RecordStatus::RolledBack => false,
        }
    }

    /// Its fields but for the id: those to set, and those to unset because it has none. Whatever else is stored with it is not
    /// named, and so is left as it is.
    pub(crate) fn fields(&self) -> mongodb::error::Result<(Document, Document)> {
        let Bson::Document(mut set) = self.serialize(Serializer::new())? else { unreachable!("a record has fields") };
        set.remove("_id");
        let unset =
            OPTIONAL.iter().filter(|name| !set.contains_key(**name)).map(|name| ((*name).to_owned(), "".into()));
        let unset = unset.collect();
        Ok((set, unset))
    }

    /// The same with no text longer than is worth storing.
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

    /// When it was executed last, up or down, in the terms of [`position`](Self::position).
    pub(crate) fn last_executed(&self) -> (i64, i64) {
        // A `down` keeps the position of the `up`; nothing but another execution writes its record after it.
        let applied = self.position.filter(|_| self.direction == Direction::Up);
        applied.unwrap_or((self.token, i64::MAX))
    }

    /// How long its last execution took.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.execution_duration.unsigned_abs())
    }

    /// Whether the code has changed since it ran. Checksums of two algorithms say nothing about each other.
    pub(crate) fn drifted_from(&self, migration: Migration) -> bool {
        self.status == RecordStatus::Completed
            && algorithm(&self.checksum) == algorithm(migration.checksum())
            && self.checksum != migration.checksum()
    }
}

/// A kind that this version knows; a newer one may write others.
fn known_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Kind>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.and_then(|kind| Kind::parse(&kind)))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The least that a record has.
    fn bare() -> Record {
        Record {
            id: "001_a".to_owned(),
            status: RecordStatus::RolledBack,
            direction: Direction::Up,
            partial: false,
            kind: None,
            source: "system".to_owned(),
            description: "A".to_owned(),
            checksum: "t1:0".to_owned(),
            reversible: true,
            batch: 2,
            executed_at: DateTime::from_millis(1),
            execution_duration: 3,
            verification_failed: false,
            reverted_at: None,
            applied_by: None,
            reverted_by: None,
            host: "host".to_owned(),
            pid: 4,
            environment: None,
            codebase_version: None,
            error: None,
            error_stack: None,
            permanent: false,
            attempts: 5,
            token: 6,
            position: None,
        }
    }

    fn full() -> Record {
        Record {
            direction: Direction::Down,
            partial: true,
            kind: Some(Kind::Database),
            permanent: true,
            verification_failed: true,
            reverted_at: Some(DateTime::from_millis(7)),
            applied_by: Some("ana".to_owned()),
            reverted_by: Some("ben".to_owned()),
            environment: Some("test".to_owned()),
            codebase_version: Some("1.2".to_owned()),
            error: Some("no".to_owned()),
            error_stack: Some(vec!["no".to_owned(), "because".to_owned()]),
            position: Some((6, 1)),
            ..bare()
        }
    }

    #[test]
    fn a_time_is_stored_as_a_date_and_a_number_as_64_bits() {
        let (stored, _) = full().fields().unwrap();
        assert_eq!(stored.get_datetime("revertedAt").unwrap().timestamp_millis(), 7);
        assert_eq!(stored.get_i64("batch").unwrap(), 2);
        assert_eq!(stored.get_array("position").unwrap(), &[Bson::Int64(6), Bson::Int64(1)]);
    }

    #[test]
    fn a_kind_of_a_newer_version_is_read_as_none() {
        let mut stored = serde_json::to_value(full()).unwrap();
        stored["kind"] = "backfill".into();
        let read: Record = serde_json::from_value(stored).unwrap();
        assert_eq!(read, Record { kind: None, ..full() });
    }

    #[test]
    fn what_a_record_has_not_is_unset() {
        let (full, nothing) = full().fields().unwrap();
        assert!(nothing.is_empty());
        let (set, unset) = bare().fields().unwrap();
        let mut names: Vec<_> = set.keys().chain(unset.keys()).collect();
        names.sort();
        let mut all: Vec<_> = full.keys().collect();
        all.sort();
        assert_eq!(names, all);
    }
}
