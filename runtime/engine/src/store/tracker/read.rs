//! Reads the records with one find, in one batch.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use mongodb::bson::{Bson, Document, RawBsonRef, RawDocument};

use super::{Tracker, without_attached};
use crate::error::Error;
use crate::migration::{Direction, Kind, Migration, Rank, State};
use crate::record::{Applied, Record, RecordStatus};

/// Large enough that one batch has all records. The server ends a batch at 16 MB anyway.
const ONE_BATCH: u32 = 1_000_000;

/// All records of a database at one point in time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    by_id: HashMap<String, Record>,
    /// Whether the records were read under the lease, so that no other process can be running a migration.
    settled: bool,
    /// Qualified ids of the migrations that failed since an earlier read.
    failed_since: HashSet<String>,
    /// The migrations that count as completed without a record, in a preview.
    presumed: HashSet<&'static str>,
    /// Qualified ids of the migrations whose condition does not hold.
    excluded: HashSet<&'static str>,
    /// Qualified ids of the backfills on which this run has worked. If they were reverted or marked as pending since, it leaves them.
    worked_on: HashSet<String>,
}

/// Qualified ids of the backfills on which a run, or several in a row, have worked.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorkedOn(Arc<Mutex<HashSet<String>>>);

impl WorkedOn {
    pub(crate) fn extend(&self, ids: impl IntoIterator<Item = String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
    }
}

impl Records {
    /// Marks migrations that are not part of this database.
    pub(crate) fn excluding(self, excluded: HashSet<&'static str>) -> Self {
        Self { excluded, ..self }
    }

    /// Notes on which backfills this run has worked.
    pub(crate) fn with_worked_on(self, worked_on: Option<&WorkedOn>) -> Self {
        let worked_on = worked_on.map(|all| all.0.lock().unwrap_or_else(PoisonError::into_inner).clone());
        Self { worked_on: worked_on.unwrap_or_default(), ..self }
    }

    /// Returns the backfills on which this run has worked, and which were reverted or marked as pending since.
    pub(crate) fn left(&self) -> impl Iterator<Item = &str> {
        self.worked_on.iter().map(String::as_str).filter(|id| self.is_left(id))
    }

    pub(crate) fn is_worked_on(&self, id: &str) -> bool {
        self.worked_on.contains(id)
    }

    fn is_left(&self, id: &str) -> bool {
        self.is_worked_on(id) && self.get(id).is_none_or(|record| record.status == RecordStatus::RolledBack)
    }

    /// Marks the records as read under the lease: those with the status `running` are interrupted. What differs from the `first` read
    /// of this run has happened while it waited.
    pub(crate) fn settled(self, first: &Self) -> Self {
        let failed = |record: &Record| record.status == RecordStatus::Failed && record.direction == Direction::Up;
        // Outside transactions, the record counts an attempt when it starts.
        let before = |record: &Record| {
            first.get(&record.id).is_some_and(|before| failed(before) && before.attempts == record.attempts)
        };
        let failed = self.by_id.values().filter(|record| failed(record) && !before(record));
        let failed_since = failed.map(|record| record.id.clone()).collect();
        let (excluded, worked_on) = (first.excluded.clone(), first.worked_on.clone());
        Self { settled: true, failed_since, excluded, worked_on, ..self }
    }

    /// Returns the record of a migration that another process failed to apply while this one waited, if the failure is permanent and
    /// the code is the same.
    pub(crate) fn failed_meanwhile(&self, migration: Migration) -> Option<&Record> {
        let record = self.get(migration.id()).filter(|record| self.failed_since.contains(&record.id))?;
        (record.permanent && record.checksum == migration.checksum()).then_some(record)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Counts migrations as completed.
    pub(crate) fn presuming(self, migrations: &[Migration]) -> Self {
        Self { presumed: migrations.iter().map(Migration::id).collect(), ..self }
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.settled
    }

    pub(crate) fn state(&self, id: &str) -> State {
        match self.get(id) {
            // What depends on it waits.
            _ if self.is_left(id) => State::Underway,
            // It may be running now; only the lease shows that.
            Some(record) if record.status == RecordStatus::Running && !self.settled && !record.underway => {
                State::Interrupted
            }
            Some(record) if self.excluded.contains(id) && !record.has_effects() => State::Excluded,
            Some(record) => record.state(),
            None if self.presumed.contains(id) => State::Completed,
            None if self.excluded.contains(id) => State::Excluded,
            None => State::New,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Record> {
        self.by_id.values()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Record> {
        self.by_id.get(id)
    }

    /// Returns the records for which `known` is false, sorted by id.
    pub(crate) fn orphans(&self, known: impl Fn(&str) -> bool) -> Vec<&Record> {
        let mut orphans: Vec<_> = self.by_id.values().filter(|record| !known(&record.id)).collect();
        orphans.sort_unstable_by(|a, b| Rank::of(&a.id).cmp(&Rank::of(&b.id)));
        orphans
    }

    /// Returns the position at which a migration was applied, if it can be reverted.
    pub(crate) fn applied(&self, id: &str) -> Option<Applied> {
        self.get(id).filter(|record| record.is_revertible()).map(Record::applied)
    }

    /// Like [`applied`](Self::applied), of a backfill that has not completed.
    pub(crate) fn begun(&self, id: &str) -> Option<Applied> {
        let unfinished = [RecordStatus::Running, RecordStatus::Failed];
        let begun = |record: &&Record| record.kind == Some(Kind::Backfill) && unfinished.contains(&record.status);
        self.get(id).filter(begun).map(Record::applied)
    }

    /// Returns the records for which `known` is false and which can be reverted.
    pub(crate) fn applied_orphans(&self, known: impl Fn(&str) -> bool) -> Vec<(&str, Applied)> {
        let orphans = self.orphans(known).into_iter().filter(|record| record.is_revertible());
        orphans.map(|record| (record.id.as_str(), record.applied())).collect()
    }

    /// Returns the highest batch.
    pub(crate) fn highest_batch(&self) -> i64 {
        self.by_id.values().map(|record| record.batch).max().unwrap_or(0)
    }

    /// Returns the qualified ids of migrations that were started and have not completed. One that resumes after a failure still has
    /// the status `failed`.
    pub(crate) fn unfinished(&self) -> Vec<&str> {
        let started = [RecordStatus::Running, RecordStatus::Failed];
        let unfinished = self.by_id.values().filter(|record| started.contains(&record.status));
        unfinished.map(|record| record.id.as_str()).collect()
    }

    /// Returns the qualified ids of the backfills that are underway in a direction, of those for which `known` is true.
    pub(crate) fn underway(&self, direction: Direction, known: impl Fn(&str) -> bool) -> Vec<String> {
        let underway = self.by_id.values().filter(|record| record.state() == State::Underway);
        let underway = underway.filter(|record| record.direction == direction && known(&record.id));
        let mut ids: Vec<_> = underway.map(|record| record.id.clone()).collect();
        ids.sort_unstable();
        ids
    }

    /// Returns the newest token.
    pub(crate) fn newest_token(&self) -> i64 {
        self.by_id.values().map(|record| record.token).max().unwrap_or(0)
    }

    /// Returns the qualified ids of applied migrations whose code has changed since.
    pub(crate) fn drifted(&self, migrations: impl Iterator<Item = Migration>) -> Vec<String> {
        self.ids_where(migrations, Record::drifted_from)
    }

    /// Returns the qualified ids of applied migrations whose `verify` function reported a missing effect.
    pub(crate) fn unverified(&self, migrations: impl Iterator<Item = Migration>) -> Vec<String> {
        self.ids_where(migrations, |record, _| record.state() == State::Completed && record.verification_failed)
    }

    fn ids_where(
        &self,
        migrations: impl Iterator<Item = Migration>,
        holds: impl Fn(&Record, Migration) -> bool,
    ) -> Vec<String> {
        migrations
            .filter(|migration| self.get(migration.id()).is_some_and(|record| holds(record, *migration)))
            .map(|migration| migration.id().to_owned())
            .collect()
    }
}

/// The fields that are attached to a record.
#[derive(Clone, Debug)]
pub(crate) struct Attached {
    /// Qualified id.
    pub(crate) id: String,
    /// The footprint of the last execution.
    pub(crate) footprint: Option<Document>,
    /// The log of a body that has not completed.
    pub(crate) log: Option<Document>,
}

impl Attached {
    fn found(id: &str, stored: &RawDocument) -> Option<Self> {
        let field = |name| match stored.get(name) {
            Ok(Some(RawBsonRef::Document(field))) => Document::try_from(field).ok(),
            _ => None,
        };
        let attached = Self { id: id.to_owned(), footprint: field("left"), log: field("log") };
        (attached.footprint.is_some() || attached.log.is_some()).then_some(attached)
    }
}

impl Tracker {
    /// Reads all records: one command, however many there are.
    pub(crate) async fn records(&self) -> Result<Records, Error> {
        Ok(self.read(without_attached()).await?.0)
    }

    /// Reads all records with their attached fields: one command.
    pub(crate) async fn all(&self) -> Result<(Records, Vec<Attached>), Error> {
        self.read(Document::new()).await
    }

    async fn read(&self, projection: Document) -> Result<(Records, Vec<Attached>), Error> {
        let failed = |error| Error::server(format!("read the records in '{}'", self.records.name()), error);
        let cursor = self.records.find(Document::new()).projection(projection).batch_size(ONE_BATCH).await;
        let mut cursor = cursor.map_err(failed)?;
        let (mut records, mut attached) = (HashMap::new(), Vec::new());
        while cursor.advance().await.map_err(failed)? {
            let record = cursor.deserialize_current().map_err(|error| self.unreadable(cursor.current(), &error))?;
            attached.extend(Attached::found(&record.id, cursor.current()));
            records.insert(record.id.clone(), record);
        }
        Ok((Records { by_id: records, ..Records::default() }, attached))
    }

    /// Returns the error for a document that is not a record: another tool's, or a newer version's.
    fn unreadable(&self, found: &RawDocument, error: &mongodb::error::Error) -> Error {
        let has = |key: &str| matches!(found.get(key), Ok(Some(_)));
        let id = match found.get("_id") {
            Ok(Some(id)) => match Bson::try_from(id) {
                Ok(Bson::String(id)) => id,
                Ok(id) => id.to_string(),
                Err(_) => "(unreadable)".to_owned(),
            },
            _ => "(none)".to_owned(),
        };
        if has("checksum") && has("status") && has("token") {
            return Error::UnreadableRecord { id, reason: error.kind.to_string() };
        }
        let made_by = if has("fileName") && has("appliedAt") {
            ", written by migrate-mongo"
        } else if has("changeId") || has("changeLogClass") {
            ", written by Mongock"
        } else if has("last_updated_at") || matches!(found.get_str("status"), Ok("Success" | "Fail" | "InProcess")) {
            ", written by mongodb-migrator"
        } else {
            ""
        };
        Error::ForeignCollection {
            collection: self.records.name().to_owned(),
            example: id,
            made_by: made_by.to_owned(),
        }
    }
}
