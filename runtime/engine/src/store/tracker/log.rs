//! Reads and writes the log of a `Schema` body, which is attached to the record of its migration.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use mongodb::ClientSession;
use mongodb::bson::{Bson, Document, doc};

use super::{Stored, Tracker};
use crate::error::Error;

/// Changes of a log that are not stored yet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogUpdate {
    /// Number of stored entries. `None` if the log is new, and replaces any earlier one.
    pub(crate) size: Option<usize>,
    /// The fields to set.
    pub(crate) set: Document,
    /// Index and fingerprint of the last entry.
    pub(crate) last: (usize, String),
}

impl LogUpdate {
    /// Returns the condition that the stored log must meet.
    pub(super) fn expected(&self) -> Option<Document> {
        let size = i64::try_from(self.size?).unwrap_or(i64::MAX);
        Some(doc! { "log.ops": { "$size": size } })
    }

    /// Returns whether a log includes the last entry of this update.
    pub(crate) fn is_in(&self, log: &Document) -> bool {
        let (index, print) = &self.last;
        let entry = log.get_array("ops").ok().and_then(|entries| entries.get(*index)?.as_document());
        // If the update sets this entry, the result must match, too.
        let wanted = self.set.get(format!("log.ops.{index}")).and_then(Bson::as_document);
        entry.is_some_and(|entry| {
            entry.get_str("print").is_ok_and(|there| there == print)
                && wanted.is_none_or(|wanted| wanted.get("result") == entry.get("result"))
        })
    }
}

impl Tracker {
    /// Reads the log of a migration whose body has not completed.
    pub(crate) async fn log(&self, id: &str) -> Result<Option<Document>, Error> {
        Ok(self.logs(&[id]).await?.remove(id))
    }

    /// Reads the logs of all of these migrations that have one: one command.
    pub(crate) async fn logs(&self, ids: &[&str]) -> Result<HashMap<String, Document>, Error> {
        let failed = |error| Error::server(format!("read the logs in '{}'", self.records.name()), error);
        let records = self.records.clone_with_type::<Document>();
        let with_log = doc! { "_id": { "$in": ids }, "log": { "$exists": true } };
        let mut found = records.find(with_log).projection(doc! { "log": 1 }).await.map_err(failed)?;
        let mut logs = HashMap::new();
        while let Some(record) = found.try_next().await.map_err(failed)? {
            if let (Ok(id), Ok(log)) = (record.get_str("_id"), record.get_document("log")) {
                logs.insert(id.to_owned(), log.clone());
            }
        }
        Ok(logs)
    }

    /// Appends to the log of a record that this holder wrote.
    pub(super) async fn continue_log(
        &self,
        id: &str,
        token: i64,
        update: &LogUpdate,
        session: &mut ClientSession,
    ) -> mongodb::error::Result<Stored> {
        let mut ours = doc! { "_id": id, "token": token };
        ours.extend(update.expected().unwrap_or_default());
        let updated = self.records.update_one(ours, doc! { "$set": update.set.clone() }).session(session).await?;
        Ok(if updated.matched_count == 1 { Stored::Yes { log: None } } else { Stored::NotOurs })
    }

    /// Returns whether the log of a record includes this update, under this token.
    pub(super) async fn has_entry(
        &self,
        id: &str,
        token: i64,
        update: &LogUpdate,
        session: &mut ClientSession,
    ) -> mongodb::error::Result<bool> {
        let records = self.records.clone_with_type::<Document>();
        let found = records.find_one(doc! { "_id": id, "token": token }).projection(doc! { "log.ops": 1 });
        let found = found.session(session).await?;
        let log = found.as_ref().and_then(|record| record.get_document("log").ok());
        Ok(log.is_some_and(|log| update.is_in(log)))
    }
}
