//! Sole owner of the stored state: the records and the history.

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
use crate::record::Record;
use crate::record::history::HistoryEntry;

pub(crate) use history::Query;
pub use history::Statistics;
pub(crate) use log::LogUpdate;
pub(crate) use read::{Attached, Records};

/// How long making a collection or an index of Mongrate's own may take.
const DDL_LIMIT: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(crate) struct Tracker {
    database: Database,
    records: Collection<Record>,
    history: Collection<HistoryEntry>,
}

impl Tracker {
    /// The database is a [durable](crate::store::durable) one.
    pub(crate) fn new(database: &Database, names: &Names) -> Self {
        Self {
            database: database.clone(),
            records: database.collection(&names.records),
            history: database.collection(&names.history),
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
                index(doc! { "batch": -1 }, "by_batch"),
            ])
            .max_time(DDL_LIMIT)
            .await
            .map_err(|error| Error::server(format!("create the indexes of '{}'", self.history.name()), error))?;
        Ok(())
    }

    /// Writes a change over what is stored, unless that stands otherwise by now or was written under a newer token, which
    /// both mean that the lease was lost (I2). Its history entry goes with it.
    pub(crate) async fn write(&self, change: &Change, session: &mut ClientSession) -> mongodb::error::Result<Written> {
        let change = &change.shortened();
        let written = match change {
            Change::Stored { record, over, beside, .. } => self.update(record, *over, beside, session).await?,
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

    /// Gives a record its own fields. What is stored beside them stays, unless it is filed.
    async fn update(
        &self,
        record: &Record,
        over: Expected,
        beside: &Beside,
        session: &mut ClientSession,
    ) -> mongodb::error::Result<Stored> {
        let not = match over {
            Expected::Pending => "completed",
            Expected::Applied => "rolled-back",
        };
        let mut stale = doc! { "_id": &record.id, "status": { "$ne": not }, "token": { "$lte": record.token } };
        let (mut set, mut unset) = record.fields()?;
        let upsert = over == Expected::Pending;
        let without = |field: &str| (field.to_owned(), Bson::from(""));
        match beside {
            Beside::Kept => {}
            Beside::Logged(update) => {
                stale.extend(update.expected().unwrap_or_default());
                set.extend(update.set.clone());
            }
            Beside::Filed | Beside::Ended { left: None } => unset.extend(BESIDE.map(without)),
            Beside::Ended { left: Some(left) } => {
                set.insert("left", left.clone());
                unset.extend([without("log")]);
            }
            Beside::Accepted { left } => {
                set.insert("left", left.clone());
            }
        }
        let update = doc! { "$set": set, "$unset": unset };
        let updated = match beside {
            Beside::Kept | Beside::Logged(_) | Beside::Ended { .. } | Beside::Accepted { .. } => {
                let updated = self.records.update_one(stale, update).upsert(upsert).session(session).await;
                updated.map(|updated| {
                    let written = updated.matched_count == 1 || updated.upserted_id.is_some();
                    if written { Stored::Yes { log: None } } else { Stored::NotOurs }
                })
            }
            Beside::Filed => {
                let records = self.records.clone_with_type::<Document>();
                let before = records.find_one_and_update(stale, update).upsert(upsert).projection(doc! { "log": 1 });
                before.session(session).await.map(|before| match before {
                    Some(before) => Stored::over(&before),
                    // It is new. One that stands otherwise would have been a duplicate.
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

    async fn remove(&self, record: &Record, session: &mut ClientSession) -> mongodb::error::Result<Stored> {
        let same = doc! { "_id": &record.id, "token": record.token };
        let records = self.records.clone_with_type::<Document>();
        let removed = records.find_one_and_delete(same).projection(doc! { "log": 1 }).session(session).await?;
        Ok(removed.map_or(Stored::NotOurs, |removed| Stored::over(&removed)))
    }

    /// Appends something that changes no record to the history.
    pub(crate) async fn append(&self, entry: &HistoryEntry) -> Result<(), Error> {
        let appended = self.history.insert_one(entry.shortened()).await;
        appended.map_err(|error| Error::server(format!("write to '{}'", self.history.name()), error))?;
        Ok(())
    }

    /// Whether a change is stored for good, as of what the session has seen.
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
            .projection(without_beside())
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

/// What is to become of one record, and what the history says about it.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// It is written over what is stored.
    Stored { record: Box<Record>, over: Expected, beside: Beside, entry: Option<Box<HistoryEntry>> },
    /// It is taken away, if it is still this very one, with all that is stored beside it.
    Removed { record: Box<Record>, entry: Box<HistoryEntry> },
    /// The log of a record of ours goes on.
    Logged { id: String, token: i64, update: LogUpdate },
    /// The history says something; no record changes. Goes before another change, which tells whether both are stored.
    Noted { entry: Box<HistoryEntry> },
}

/// What a record is written over; anything else means that somebody else was faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// No record, or one of a migration that is not applied.
    Pending,
    /// The record of a migration that is applied, wholly or in part.
    Applied,
}

/// What becomes of the fields that are stored beside a record's own: the log of its body, and what that has left.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Beside {
    /// They stay.
    Kept,
    /// The log begins, or goes on.
    Logged(LogUpdate),
    /// They go, because a person says what is there; the history entry keeps the log.
    Filed,
    /// The body has come to its end, and with it its log; it has left this, if that is known.
    Ended { left: Option<Document> },
    /// A person accepts that this is what was left.
    Accepted { left: Document },
}

/// The fields that are stored beside a record's own. They can be large, and few ask for them.
const BESIDE: [&str; 2] = ["log", "left"];

/// The projection that leaves them out.
fn without_beside() -> Document {
    BESIDE.into_iter().map(|field| (field.to_owned(), Bson::Int32(0))).collect()
}

/// What became of one record.
enum Stored {
    /// It is written, with the log that has gone from it.
    Yes {
        log: Option<Document>,
    },
    NotOurs,
}

impl Stored {
    /// Written over this one.
    fn over(before: &Document) -> Self {
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

    /// As it is stored: a text that is too long must not keep it from being stored at all.
    fn shortened(&self) -> Self {
        match self {
            Self::Stored { record, over, beside, entry } => Self::Stored {
                record: Box::new(record.shortened()),
                over: *over,
                beside: beside.clone(),
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

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Written {
    Yes,
    /// What is stored stands otherwise by now, or belongs to a newer token.
    NotOurs,
}

/// The present, on this process's clock.
pub(crate) fn now() -> DateTime {
    DateTime::now()
}
