//! Sole owner of the stored state: the records and the history.

mod read;

use std::time::Duration;

use mongodb::bson::{DateTime, Document, doc};
use mongodb::options::{CollectionOptions, ReadPreference};
use mongodb::options::{IndexOptions, ReadConcern, SelectionCriteria, WriteConcern};
use mongodb::{ClientSession, Collection, Database, IndexModel};

use crate::Error;
use crate::error::code;
use crate::options::Names;
use crate::record::{HistoryEntry, Record};

pub(crate) use read::Records;

/// How long making a collection or an index of Mongrate's own may take.
const DDL_LIMIT: Duration = Duration::from_mins(1);

/// Server codes, from its `error_codes.yml`.
const NAMESPACE_EXISTS: i32 = 48;
const DUPLICATE_KEY: i32 = 11000;

/// State is read with majority from the primary, so that what a fail-over could still undo is not believed, and
/// written with majority and journal, so that it survives the server's crash.
pub(crate) fn durable() -> CollectionOptions {
    CollectionOptions::builder()
        .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        .read_concern(ReadConcern::majority())
        .write_concern(WriteConcern::builder().w(mongodb::options::Acknowledgment::Majority).journal(true).build())
        .build()
}

#[derive(Clone, Debug)]
pub(crate) struct Tracker {
    database: Database,
    records: Collection<Record>,
    history: Collection<Document>,
}

impl Tracker {
    pub(crate) fn new(database: &Database, names: &Names) -> Self {
        Self {
            database: database.clone(),
            records: database.collection_with_options(&names.records, durable()),
            history: database.collection_with_options(&names.history, durable()),
        }
    }

    /// Makes the collections and indexes that are missing. Only under the lease: reads must not write (I4).
    pub(crate) async fn prepare(&self) -> Result<(), Error> {
        let created = self.database.create_collection(self.records.name()).await;
        if let Err(error) = created
            && code(&error) != Some(NAMESPACE_EXISTS)
        {
            return Err(Error::server(format!("create the collection '{}'", self.records.name()), error));
        }
        let index = |keys: Document, name: &str| {
            IndexModel::builder().keys(keys).options(IndexOptions::builder().name(name.to_owned()).build()).build()
        };
        self.history
            .create_indexes([
                index(doc! { "executedAt": -1 }, "by_time"),
                index(doc! { "migrationId": 1, "executedAt": -1 }, "by_migration"),
                index(doc! { "status": 1, "executedAt": -1 }, "by_status"),
            ])
            .max_time(DDL_LIMIT)
            .await
            .map_err(|error| Error::server(format!("create the indexes of '{}'", self.history.name()), error))?;
        Ok(())
    }

    /// Writes a record over what is stored, unless that is completed or was written under a newer token, which both
    /// mean that the lease was lost (I2).
    pub(crate) async fn write(&self, record: &Record, session: &mut ClientSession) -> mongodb::error::Result<Written> {
        let stale = doc! { "_id": &record.id, "status": { "$ne": "completed" }, "token": { "$lte": record.token } };
        match self.records.replace_one(stale, record).upsert(true).session(session).await {
            Ok(_) => Ok(Written::Yes),
            Err(error) if code(&error) == Some(DUPLICATE_KEY) => Ok(Written::NotOurs),
            Err(error) => Err(error),
        }
    }

    /// Appends the execution that left this record to the history.
    pub(crate) async fn append(&self, record: &Record, session: &mut ClientSession) -> mongodb::error::Result<()> {
        let entries: Collection<HistoryEntry<'_>> = self.history.clone_with_type();
        entries.insert_one(HistoryEntry::up(record)).session(session).await?;
        Ok(())
    }

    /// Whether the execution that left this record is stored for good.
    pub(crate) async fn holds(&self, record: &Record) -> Result<bool, Error> {
        let found = self.records.find_one(doc! { "_id": &record.id }).await;
        let found = found.map_err(|error| Error::server(format!("read the record of '{}'", record.id), error))?;
        Ok(found.is_some_and(|found| {
            (found.status, found.token, found.executed_at) == (record.status, record.token, record.executed_at)
        }))
    }
}

/// What became of writing a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Written {
    Yes,
    /// The stored record is completed, or belongs to a newer token.
    NotOurs,
}

/// The present, on this process's clock.
pub(crate) fn now() -> DateTime {
    DateTime::now()
}
