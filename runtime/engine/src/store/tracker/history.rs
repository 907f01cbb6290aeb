//! Reads the history.

use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, DateTime, Document, doc};
use serde::Deserialize;

use super::{Records, Tracker};
use crate::error::Error;
use crate::record::RecordStatus;
use crate::record::history::{Act, Cursor, HistoryEntry};

/// A filter for history entries.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pub(crate) status: Option<RecordStatus>,
    pub(crate) source: Option<String>,
    pub(crate) migration: Option<String>,
    pub(crate) by: Option<String>,
    /// Any of these; empty for all.
    pub(crate) acts: Vec<Act>,
    /// The token of the lease.
    pub(crate) token: Option<i64>,
    /// Inclusive.
    pub(crate) since: Option<DateTime>,
    /// Exclusive.
    pub(crate) until: Option<DateTime>,
    /// Skips everything up to this entry in the order of [`Tracker::history`].
    pub(crate) after: Option<Cursor>,
}

/// Statistics of the executions of one migration. `down` is not counted.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Statistics {
    /// Qualified id.
    #[serde(rename = "_id")]
    pub id: String,
    /// Number of executions.
    pub count: u64,
    /// Number of failed executions.
    pub failures: u64,
    #[serde(rename = "meanMs")]
    mean_ms: f64,
    #[serde(rename = "slowestMs")]
    slowest_ms: f64,
}

/// The batch of an entry.
#[derive(Debug, Deserialize)]
struct Numbered {
    #[serde(default)]
    batch: Option<i64>,
}

impl Statistics {
    /// Returns the mean duration of an execution. Interrupted ones are not counted.
    #[must_use]
    pub fn mean(&self) -> Duration {
        Duration::from_secs_f64(self.mean_ms.max(0.0) / 1000.0)
    }

    /// Returns the duration of the slowest execution.
    #[must_use]
    pub fn slowest(&self) -> Duration {
        Duration::from_secs_f64(self.slowest_ms.max(0.0) / 1000.0)
    }
}

impl Query {
    /// Matches all entries of one migration (qualified id).
    pub(crate) fn of(migration: &str) -> Self {
        Self { migration: Some(migration.to_owned()), ..Self::default() }
    }

    /// The filter of all pages.
    fn filter(&self) -> Document {
        let mut filter = Document::new();
        let fields = [
            ("status", self.status.map(|status| status.as_str().into())),
            ("source", self.source.clone().map(Bson::from)),
            ("migrationId", self.migration.clone().map(Bson::from)),
            ("by", self.by.clone().map(Bson::from)),
            ("token", self.token.map(Bson::from)),
        ];
        filter.extend(fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        // What a run did has entries of its own.
        if self.acts.is_empty() {
            filter.insert("act", doc! { "$ne": "run" });
        } else {
            let acts: Vec<_> = self.acts.iter().map(Act::to_string).collect();
            filter.insert("act", doc! { "$in": acts });
        }
        filter.extend(executed(&[("$gte", self.since), ("$lt", self.until)]));
        filter
    }

    /// The filter of one page.
    fn filter_of_page(&self) -> Document {
        let Some(cursor) = self.after else { return self.filter() };
        let (at, id) = (cursor.executed_at(), cursor.id());
        let mut filter = self.filter();
        filter.extend(executed(&[("$gte", self.since), ("$lt", self.until), ("$lte", Some(at))]));
        // The condition above is the one that bounds an index.
        filter.insert("$or", vec![doc! { "executedAt": { "$lt": at } }, doc! { "_id": { "$lt": id } }]);
        filter
    }
}

/// Matches a range of start times.
fn executed(bounds: &[(&str, Option<DateTime>)]) -> Document {
    let bounds = bounds.iter().filter_map(|(operator, at)| Some(((*operator).to_owned(), Bson::from((*at)?))));
    let bounds: Document = bounds.collect();
    if bounds.is_empty() {
        bounds
    } else {
        doc! { "executedAt": bounds }
    }
}

impl Tracker {
    /// Returns whether the last execution or mark of a migration that has ended left changes: it was applied, or it is a backfill
    /// that was marked as pending, canceled or restarted.
    pub(crate) async fn has_left_changes(&self, id: &str) -> Result<bool, Error> {
        let ended = doc! { "$or": [{ "status": { "$in": ["completed", "rolled-back"] } }, { "act": "prune" }] };
        let history = self.history.clone_with_type::<Document>();
        let last = history.find_one(doc! { "$and": [{ "migrationId": id }, ended] });
        let last = last
            .sort(doc! { "token": -1, "executedAt": -1, "_id": -1 })
            .projection(doc! { "status": 1, "act": 1 })
            .await;
        let last = last.map_err(|error| Error::server(format!("read the history of '{id}'"), error))?;
        let has =
            |last: &Document, field, values: &[&str]| last.get_str(field).is_ok_and(|value| values.contains(&value));
        Ok(last.is_some_and(|last| {
            has(&last, "status", &["completed"]) || has(&last, "act", &["mark-pending", "cancel", "restart"])
        }))
    }

    /// Reads a page of the history, newest first, and the total number of matching entries on all pages.
    pub(crate) async fn history(
        &self,
        query: &Query,
        skip: u64,
        limit: u32,
    ) -> Result<(Vec<HistoryEntry>, u64), Error> {
        // Entries of the same millisecond are sorted by the time at which they were written, as far as that is known.
        let newest_first = doc! { "executedAt": -1, "_id": -1 };
        let page = self.history.find(query.filter_of_page()).sort(newest_first).skip(skip).limit(limit.into()).await;
        let page = page.map_err(|error| self.unread(error))?;
        let entries = page.try_collect().await.map_err(|error| self.unread(error))?;
        let total = self.history.count_documents(query.filter()).await.map_err(|error| self.unread(error))?;
        Ok((entries, total))
    }

    /// Returns the batch of the next `up`. It is greater than all earlier ones, including those of removed records.
    pub(crate) async fn next_batch(&self, records: &Records) -> Result<i64, Error> {
        // Both rise from run to run, so the newest token has the highest batch.
        let entries = self.history.clone_with_type::<Numbered>();
        let newest = entries.find_one(doc! { "act": "up" }).sort(doc! { "token": -1 });
        let highest = newest.projection(doc! { "batch": 1 }).await;
        let highest = highest.map_err(|error| self.unread(error))?.and_then(|entry| entry.batch);
        Ok(highest.unwrap_or(0).max(records.highest_batch()) + 1)
    }

    /// Returns the statistics of all migrations, sorted by id.
    pub(crate) async fn statistics(&self) -> Result<Vec<Statistics>, Error> {
        let failed = doc! { "$cond": [{ "$eq": ["$status", "failed"] }, 1_i64, 0_i64] };
        // The duration of an interrupted execution is unknown.
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
