//! Reading the records: one find, one batch, no writes.

use std::collections::{HashMap, HashSet};

use mongodb::bson::{Bson, Document, RawBsonRef, RawDocument};

use super::{Tracker, without_beside};
use crate::error::Error;
use crate::migration::{Direction, Migration, Rank, State};
use crate::record::{Applied, Record, RecordStatus};

/// More than any number of records; the server ends a batch at 16 MB anyway.
const ONE_BATCH: u32 = 1_000_000;

/// All records of one database at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    by_id: HashMap<String, Record>,
    /// Whether nobody can be running anything: they were read under the lease.
    settled: bool,
    /// The qualified ids of those that have failed to be applied since an earlier reading.
    failed_since: HashSet<String>,
}

impl Records {
    /// The same, read under the lease: what was left running has been interrupted, and what was not there in the `first`
    /// reading of this run has happened while it waited.
    pub(crate) fn settled(self, first: &Self) -> Self {
        let failed = |record: &Record| record.status == RecordStatus::Failed && record.direction == Direction::Up;
        // The record of one that runs outside transactions counts the attempt from its beginning.
        let before = |record: &Record| {
            first.get(&record.id).is_some_and(|before| failed(before) && before.attempts == record.attempts)
        };
        let failed = self.by_id.values().filter(|record| failed(record) && !before(record));
        let failed_since = failed.map(|record| record.id.clone()).collect();
        Self { settled: true, failed_since, ..self }
    }

    /// The record of a migration that another process failed to apply while this one waited, if the same code would fail here
    /// as well.
    pub(crate) fn failed_meanwhile(&self, migration: Migration) -> Option<&Record> {
        let record = self.get(migration.id()).filter(|record| self.failed_since.contains(&record.id))?;
        (record.permanent && record.checksum == migration.checksum()).then_some(record)
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.settled
    }

    pub(crate) fn state(&self, id: &str) -> State {
        match self.get(id) {
            // Perhaps somebody is at it right now; the lease tells.
            Some(record) if record.status == RecordStatus::Running && !self.settled => State::Interrupted,
            Some(record) => record.state(),
            None => State::New,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Record> {
        self.by_id.values()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Record> {
        self.by_id.get(id)
    }

    /// The records for which `known` is false, in the order of their ids.
    pub(crate) fn orphans(&self, known: impl Fn(&str) -> bool) -> Vec<&Record> {
        let mut orphans: Vec<_> = self.by_id.values().filter(|record| !known(&record.id)).collect();
        orphans.sort_unstable_by(|a, b| Rank::of(&a.id).cmp(&Rank::of(&b.id)));
        orphans
    }

    /// When a migration was applied, if there is something of it to revert.
    pub(crate) fn applied(&self, id: &str) -> Option<Applied> {
        self.get(id).filter(|record| record.is_revertible()).map(Record::applied)
    }

    /// The records for which `known` is false and of which there is something to revert.
    pub(crate) fn applied_orphans(&self, known: impl Fn(&str) -> bool) -> Vec<(&str, Applied)> {
        let orphans = self.orphans(known).into_iter().filter(|record| record.is_revertible());
        orphans.map(|record| (record.id.as_str(), record.applied())).collect()
    }

    /// The highest number of an `up` among them.
    pub(crate) fn highest_batch(&self) -> i64 {
        self.by_id.values().map(|record| record.batch).max().unwrap_or(0)
    }

    /// Those that an execution has begun and not brought to its end. One that resumes after a failure is still on record as
    /// failed.
    pub(crate) fn half_way(&self) -> Vec<&str> {
        let begun = [RecordStatus::Running, RecordStatus::Failed];
        let half_way = self.by_id.values().filter(|record| begun.contains(&record.status));
        half_way.map(|record| record.id.as_str()).collect()
    }

    /// The newest token under which one of them was written.
    pub(crate) fn newest_token(&self) -> i64 {
        self.by_id.values().map(|record| record.token).max().unwrap_or(0)
    }

    /// Qualified ids of applied migrations whose code has changed since.
    pub(crate) fn drifted(&self, migrations: impl Iterator<Item = Migration>) -> Vec<String> {
        self.ids_where(migrations, Record::drifted_from)
    }

    /// Qualified ids of applied migrations whose `verify` function has said no.
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

/// What is stored beside a record.
#[derive(Clone, Debug)]
pub(crate) struct Attached {
    /// Qualified id.
    pub(crate) id: String,
    /// What its last execution has left.
    pub(crate) left: Option<Document>,
    /// The log of its body, which has not ended.
    pub(crate) log: Option<Document>,
}

impl Attached {
    fn found(id: &str, stored: &RawDocument) -> Option<Self> {
        let field = |name| match stored.get(name) {
            Ok(Some(RawBsonRef::Document(field))) => Document::try_from(field).ok(),
            _ => None,
        };
        let attached = Self { id: id.to_owned(), left: field("left"), log: field("log") };
        (attached.left.is_some() || attached.log.is_some()).then_some(attached)
    }
}

impl Tracker {
    /// Reads all records: one command, however many there are.
    pub(crate) async fn records(&self) -> Result<Records, Error> {
        Ok(self.read(without_beside()).await?.0)
    }

    /// Reads all records and what is stored beside them: one command.
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

    /// A document that is not one of our records: somebody else's, or of a newer version.
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
