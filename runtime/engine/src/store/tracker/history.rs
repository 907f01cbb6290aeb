//! Reading the history: no writes.

use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use serde::Deserialize;

use super::{Records, Tracker};
use crate::error::Error;
use crate::record::RecordStatus;
use crate::record::history::HistoryEntry;

/// Which entries are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pub(crate) status: Option<RecordStatus>,
    pub(crate) source: Option<String>,
    pub(crate) migration: Option<String>,
}

/// How the executions of one migration have gone, `down` not counted.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Statistics {
    /// Qualified id.
    #[serde(rename = "_id")]
    pub id: String,
    /// How many executions there have been.
    pub count: u64,
    /// How many of them have failed.
    pub failures: u64,
    #[serde(rename = "meanMs")]
    mean_ms: f64,
    #[serde(rename = "slowestMs")]
    slowest_ms: f64,
}

/// An entry of which only the batch is wanted.
#[derive(Debug, Deserialize)]
struct Numbered {
    #[serde(default)]
    batch: Option<i64>,
}

impl Statistics {
    /// How long an execution took on average, those left out that were interrupted.
    #[must_use]
    pub fn mean(&self) -> Duration {
        Duration::from_secs_f64(self.mean_ms.max(0.0) / 1000.0)
    }

    /// How long the slowest one took.
    #[must_use]
    pub fn slowest(&self) -> Duration {
        Duration::from_secs_f64(self.slowest_ms.max(0.0) / 1000.0)
    }
}

impl Query {
    /// Everything about one migration (qualified id).
    pub(crate) fn of(migration: &str) -> Self {
        Self { migration: Some(migration.to_owned()), ..Self::default() }
    }

    fn filter(&self) -> Document {
        let mut filter = Document::new();
        if let Some(status) = self.status {
            filter.insert("status", status.as_str());
        }
        let named = [("source", &self.source), ("migrationId", &self.migration)];
        filter.extend(named.into_iter().filter_map(|(key, value)| Some((key.to_owned(), Bson::from(value.clone()?)))));
        filter
    }
}

impl Tracker {
    /// A page of the history, the newest first, and how many entries match in all.
    pub(crate) async fn history(
        &self,
        query: &Query,
        skip: u64,
        limit: u32,
    ) -> Result<(Vec<HistoryEntry>, u64), Error> {
        let filter = query.filter();
        // Two entries of the same millisecond stay in the order in which they were written, as far as that is known.
        let newest_first = doc! { "executedAt": -1, "_id": -1 };
        let page = self.history.find(filter.clone()).sort(newest_first).skip(skip).limit(limit.into()).await;
        let page = page.map_err(|error| self.unread(error))?;
        let entries = page.try_collect().await.map_err(|error| self.unread(error))?;
        let total = self.history.count_documents(filter).await.map_err(|error| self.unread(error))?;
        Ok((entries, total))
    }

    /// The number that the next `up` gives to what it applies. Not used before, even if no record has it any more.
    pub(crate) async fn next_batch(&self, records: &Records) -> Result<i64, Error> {
        let entries = self.history.clone_with_type::<Numbered>();
        let highest =
            entries.find_one(Document::new()).sort(doc! { "batch": -1 }).projection(doc! { "batch": 1 }).await;
        let highest = highest.map_err(|error| self.unread(error))?.and_then(|entry| entry.batch);
        Ok(highest.unwrap_or(0).max(records.highest_batch()) + 1)
    }

    /// How the executions of each migration have gone, by id.
    pub(crate) async fn statistics(&self) -> Result<Vec<Statistics>, Error> {
        let failed = doc! { "$cond": [{ "$eq": ["$status", "failed"] }, 1_i64, 0_i64] };
        // Nobody knows how long an interrupted one took.
        let known = |milliseconds: Document| {
            doc! { "$cond": [{ "$eq": ["$status", "running"] }, null, milliseconds] }
        };
        let pipeline = [
            doc! { "$match": { "act": "up" } },
            doc! { "$group": {
                "_id": "$migrationId",
                "count": { "$sum": 1_i64 },
                "failures": { "$sum": failed },
                "meanMs": { "$avg": known(doc! { "$toDouble": "$executionDuration" }) },
                "slowestMs": { "$max": known(doc! { "$toDouble": "$executionDuration" }) },
            } },
            doc! { "$set": {
                "meanMs": { "$ifNull": ["$meanMs", 0.0] }, "slowestMs": { "$ifNull": ["$slowestMs", 0.0] },
            } },
            doc! { "$sort": { "_id": 1 } },
        ];
        let groups = self.history.aggregate(pipeline).with_type::<Statistics>().await;
        let groups = groups.map_err(|error| self.unread(error))?;
        groups.try_collect().await.map_err(|error| self.unread(error))
    }

    fn unread(&self, error: mongodb::error::Error) -> Error {
        Error::server(format!("read the history in '{}'", self.history.name()), error)
    }
}
