//! The tracker: the only part that accesses the collections of the records and the history.

mod backfill;
mod history;
mod log;
mod read;

use std::time::Duration;

use mongodb::bson::{Bson, DateTime, Document, doc};
use mongodb::options::IndexOptions;
use mongodb::{ClientSession, Collection, Database, IndexModel};

use crate::error::codes::{DUPLICATE_KEY, NAMESPACE_EXISTS};
use crate::error::{Error, code};
use crate::options::Names;
use crate::record::history::HistoryEntry;
use crate::record::{Record, RecordStatus};

pub(crate) use history::Query;
pub use history::Statistics;
pub(crate) use log::LogUpdate;
pub(crate) use read::{Attached, Records, WorkedOn};

/// Time limit of creating one of Mongrate's own indexes.
const DDL_LIMIT: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(crate) struct Tracker {
    database: Database,
    records: Collection<Record>,
    history: Collection<HistoryEntry>,
}

impl Tracker {
    /// `database` is [durable](crate::store::durable).
    pub(crate) fn new(database: &Database, names: &Names) -> Self {
        Self {
            database: database.clone(),
            records: database.collection(&names.records),
            history: database.collection(&names.history),
        }
    }

    /// Creates missing collections and indexes. Called only under the lease: reads must not write (I4).
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
        // A page is read in the order of `newest`, also with a filter: each index costs every migration that is applied, and a
        // history is small. An entry of a success costs two keys. `by_token` is for the next batch, and for runs that are over.
        let mut unsuccessful = index(doc! { "status": 1, "executedAt": -1, "_id": -1 }, "newest_unsuccessful");
        if let Some(options) = &mut unsuccessful.options {
            // `failed`, `rolled-back` and `running`. A filter cannot have `$ne`.
            options.partial_filter_expression = Some(doc! { "status": { "$gt": RecordStatus::Completed.as_str() } });
        }
        self.history
            .create_indexes([
                index(doc! { "executedAt": -1, "_id": -1 }, "newest"),
                unsuccessful,
                index(doc! { "token": -1 }, "by_token"),
            ])
            .max_time(DDL_LIMIT)
            .await
            .map_err(|error| Error::server(format!("create the indexes of '{}'", self.history.name()), error))?;
        Ok(())
    }

    /// Writes a change and its history entry. If the stored record is not the expected one or has a newer token, the lease was lost,
    /// and nothing is written (I2).
    pub(crate) async fn write(&self, change: &Change, session: &mut ClientSession) -> mongodb::error::Result<Written> {
        let change = &change.shortened();
        let written = match change {
            Change::Stored { record, expected, attachment, .. } => {
                self.update(record, *expected, attachment, session).await?
            }
            Change::Logged { id, token, update } => self.continue_log(id, *token, update, session).await?,
            Change::Noted { .. } => Stored::Yes { log: None },
            Change::Removed { record, .. } => self.remove(record, session).await?,
        };
        let Stored::Yes { log } = written else { return Ok(Written::NotOurs) };
        match (change.entry(), log) {
            (Some(entry), Some(log)) => {
                let entry = HistoryEntry { log: Some(log), ..entry.clone() };
                self.history.insert_one(entry).session(session).await?;
            }
            (Some(entry), None) => {
                self.history.insert_one(entry).session(session).await?;
            }
            (None, _) => {}
        }
        Ok(Written::Yes)
    }

    /// Inserts new records with one command, which the server completes even if this process dies, and then their history
    /// entries.
    pub(crate) async fn insert_all(
        &self,
        changes: &[Change],
        session: &mut ClientSession,
    ) -> mongodb::error::Result<()> {
        let changes: Vec<_> = changes.iter().map(Change::shortened).collect();
        let records = changes.iter().filter_map(|change| match change {
            Change::Stored { record, .. } => Some(&**record),
            Change::Removed { .. } | Change::Logged { .. } | Change::Noted { .. } => None,
        });
        self.records.insert_many(records).session(&mut *session).await?;
        self.history.insert_many(changes.iter().filter_map(Change::entry)).session(session).await?;
        Ok(())
    }

    /// Updates the fields of a record, and its attached fields as requested.
    async fn update(
        &self,
        record: &Record,
        expected: Expected,
        attachment: &Attachment,
        session: &mut ClientSession,
    ) -> mongodb::error::Result<Stored> {
        let not = match expected {
            Expected::Absent => return self.insert(record, session).await,
            Expected::Pending => "completed",
            Expected::Applied => "rolled-back",
        };
        let mut stale = doc! { "_id": &record.id, "status": { "$ne": not }, "token": { "$lte": record.token } };
        let (mut set, mut unset) = record.fields()?;
        let upsert = expected == Expected::Pending;
        let without = |field: &str| (field.to_owned(), Bson::from(""));
        match attachment {
            Attachment::Kept => {}
            Attachment::Logged(update) => {
                stale.extend(update.expected().unwrap_or_default());
                set.extend(update.set.clone());
            }
            Attachment::Backfill(fields) => set.extend(fields.clone()),
            Attachment::Archived | Attachment::Completed { footprint: None } => unset.extend(ATTACHED.map(without)),
            Attachment::Completed { footprint: Some(footprint) } => {
                set.insert("left", footprint.clone());
                unset.extend([without("log"), without("backfill")]);
            }
            Attachment::Accepted { footprint } => {
                set.insert("left", footprint.clone());
            }
        }
        let update = doc! { "$set": set, "$unset": unset };
        let updated = match attachment {
            Attachment::Kept
            | Attachment::Logged(_)
            | Attachment::Backfill(_)
            | Attachment::Completed { .. }
            | Attachment::Accepted { .. } => {
                let updated = self.records.update_one(stale, update).upsert(upsert).session(session).await;
                updated.map(|updated| {
                    let written = updated.matched_count == 1 || updated.upserted_id.is_some();
                    if written { Stored::Yes { log: None } } else { Stored::NotOurs }
                })
            }
            Attachment::Archived => {
                let records = self.records.clone_with_type::<Document>();
                let before = records.find_one_and_update(stale, update).upsert(upsert).projection(doc! { "log": 1 });
                before.session(session).await.map(|before| match before {
                    Some(before) => Stored::replacing(&before),
                    // The record is new. An unexpected one would have been a duplicate key.
                    None if upsert => Stored::Yes { log: None },
                    None => Stored::NotOurs,
                })
            }
        };
        match updated {
            Err(error) if code(&error) == Some(DUPLICATE_KEY) => Ok(Stored::NotOurs),
            updated => updated,
        }
    }

    /// Inserts a record, which costs the server less than an upsert.
    async fn insert(&self, record: &Record, session: &mut ClientSession) -> mongodb::error::Result<Stored> {
        match self.records.insert_one(record).session(session).await {
            Ok(_) => Ok(Stored::Yes { log: None }),
            Err(error) if code(&error) == Some(DUPLICATE_KEY) => Ok(Stored::NotOurs),
            Err(error) => Err(error),
        }
    }

    async fn remove(&self, record: &Record, session: &mut ClientSession) -> mongodb::error::Result<Stored> {
        let same = doc! { "_id": &record.id, "token": record.token };
        let records = self.records.clone_with_type::<Document>();
        let removed = records.find_one_and_delete(same).projection(doc! { "log": 1 }).session(session).await?;
        Ok(removed.map_or(Stored::NotOurs, |removed| Stored::replacing(&removed)))
    }

    /// Appends an entry that changes no record to the history.
    pub(crate) async fn append(&self, entry: &HistoryEntry) -> Result<(), Error> {
        let appended = self.history.insert_one(entry.shortened()).await;
        appended.map_err(|error| Error::server(format!("write to '{}'", self.history.name()), error))?;
        Ok(())
    }

    /// Returns whether a change is stored permanently. The read comes after everything that the session has seen.
    pub(crate) async fn holds(&self, change: &Change, session: &mut ClientSession) -> Result<bool, Error> {
        let change = &change.shortened();
        let id = change.id();
        let failed = |error| Error::server(format!("read the record of '{id}'"), error);
        if let Change::Logged { token, update, .. } = change {
            return self.has_entry(id, *token, update, session).await.map_err(failed);
        }
        let found = self
            .records
            .find_one(doc! { "_id": id })
            .projection(without_attached())
            .session(session)
            .await
            .map_err(failed)?;
        Ok(match (change, found) {
            (Change::Stored { record, .. }, Some(found)) => found == **record,
            (Change::Removed { .. }, found) => found.is_none(),
            (Change::Stored { .. } | Change::Logged { .. } | Change::Noted { .. }, _) => false,
        })
    }
}

/// A change of one record, with its history entry.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Writes the record.
    Stored { record: Box<Record>, expected: Expected, attachment: Attachment, entry: Option<Box<HistoryEntry>> },
    /// Removes the record with its attached fields, if it is unchanged.
    Removed { record: Box<Record>, entry: Box<HistoryEntry> },
    /// Appends to the log of a record that this holder wrote.
    Logged { id: String, token: i64, update: LogUpdate },
    /// Appends a history entry without changing a record. Precedes another change in the same transaction, which shows whether both
    /// are stored.
    Noted { entry: Box<HistoryEntry> },
}

/// The stored record that a change expects. Anything else means that another process was faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// No record. Only for a record without attached fields.
    Absent,
    /// No record, or that of a migration that is not applied.
    Pending,
    /// The record of a migration that is applied, fully or partially.
    Applied,
}

/// The change of the fields that are attached to a record: the log of the body, and the footprint of the migration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Attachment {
    /// Keeps both.
    Kept,
    /// Starts or continues the log.
    Logged(LogUpdate),
    /// Sets fields of the header of a backfill.
    Backfill(Document),
    /// Removes both, because the state was set by hand. The history entry keeps the log.
    Archived,
    /// The body has completed: removes the log, and sets the footprint, if it is known.
    Completed { footprint: Option<Document> },
    /// Replaces the footprint by an accepted one.
    Accepted { footprint: Document },
}

/// The fields that are attached to a record. They can be large, and are rarely needed.
const ATTACHED: [&str; 3] = ["log", "left", "backfill"];

/// Returns the projection that excludes them.
fn without_attached() -> Document {
    ATTACHED.into_iter().map(|field| (field.to_owned(), Bson::Int32(0))).collect()
}

/// The result of writing one record.
enum Stored {
    /// It was written. With the log that was removed from it.
    Yes {
        log: Option<Document>,
    },
    NotOurs,
}

impl Stored {
    /// Returns the result for the record that was replaced.
    fn replacing(before: &Document) -> Self {
        Self::Yes { log: before.get_document("log").ok().cloned() }
    }
}

impl Change {
    /// Qualified id.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Stored { record, .. } | Self::Removed { record, .. } => &record.id,
            Self::Logged { id, .. } => id,
            Self::Noted { entry } => entry.migration_id.as_deref().unwrap_or_default(),
        }
    }

    /// Shortens all texts, because a document that is too large could not be stored at all.
    fn shortened(&self) -> Self {
        match self {
            Self::Stored { record, expected, attachment, entry } => Self::Stored {
                record: Box::new(record.shortened()),
                expected: *expected,
                attachment: attachment.clone(),
                entry: entry.as_deref().map(HistoryEntry::shortened).map(Box::new),
            },
            Self::Removed { record, entry } => {
                Self::Removed { record: record.clone(), entry: Box::new(entry.shortened()) }
            }
            Self::Noted { entry } => Self::Noted { entry: Box::new(entry.shortened()) },
            logged @ Self::Logged { .. } => logged.clone(),
        }
    }

    fn entry(&self) -> Option<&HistoryEntry> {
        match self {
            Self::Stored { entry, .. } => entry.as_deref(),
            Self::Removed { entry, .. } | Self::Noted { entry } => Some(entry),
            Self::Logged { .. } => None,
        }
    }
}

/// The result of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Written {
    Yes,
    /// The stored record is not the expected one, or has a newer token.
    NotOurs,
}

/// Returns the current time, on this process's clock.
pub(crate) fn now() -> DateTime {
    DateTime::now()
}
