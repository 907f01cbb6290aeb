//! Creates and removes the ranges of a backfill. Called under the lease.

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc, oid::ObjectId};
use mongodb::error::ErrorKind;
use mongodb::{Collection, Database};
use serde::Deserialize;

use super::header::RESERVED;
use super::range::{Range, Skipped};
use crate::error::Error;
use crate::error::codes::DUPLICATE_KEY;
use crate::lock::kill;

#[derive(Deserialize)]
struct WithSkipped {
    #[serde(flatten)]
    range: Range,
    skipped: Vec<Skipped>,
}

/// The collection of the ranges.
#[derive(Clone, Debug)]
pub(crate) struct Ranges(Collection<Range>);

impl Ranges {
    /// `database` is [durable](crate::store::durable).
    pub(crate) fn new(database: &Database, name: &str) -> Self {
        Self(database.collection(name))
    }

    /// Inserts ranges, except those that were inserted before.
    pub(crate) async fn insert(&self, ranges: &[Range]) -> Result<(), Error> {
        if ranges.is_empty() {
            return Ok(());
        }
        match self.0.insert_many(ranges).ordered(false).await {
            Err(error) if !is_only_duplicates(&error) => Err(self.failed("write to", error)),
            _ => Ok(()),
        }
    }

    /// Makes failed ranges open again, and what was skipped a range of its own. `planned` is the number of ranges at the start.
    pub(crate) async fn reopen(&self, run: ObjectId, planned: i64, lease: i64) -> Result<(), Error> {
        let ours = doc! { "$or": [{ "state": { "$ne": "open" } }, { "skipped.0": { "$exists": true } }] };
        self.take(run, lease, ours).await?;
        // What was skipped a second time has a range of its own already.
        let retried = doc! { "$gte": planned + RESERVED };
        let again =
            doc! { "_id.run": run, "lease": lease, "_id.n": retried, "state": "done", "skipped": { "$size": 1 } };
        let stretch = |field: &str| doc! { "$first": format!("$skipped.{field}") };
        let reopened = doc! { "$set": {
            "next": stretch("from"), "end": stretch("to"), "last": stretch("last"), "skipped": [], "state": "open",
            "token": { "$add": ["$token", 1_i64] },
        } };
        self.0.update_many(again, vec![reopened]).await.map_err(|error| self.failed("write to", error))?;
        let skipped = self.skipped(run).await?;
        let skipped = skipped.into_iter().filter(|(range, _)| range.lease == lease);
        let again: Vec<_> = skipped.map(|(range, skipped)| skipped.as_range(range)).collect();
        self.insert(&again).await?;
        let numbers: Vec<_> = again.iter().map(|range| range.id.n).collect();
        let resolved = doc! { "$pull": { "skipped": { "n": { "$in": numbers } } } };
        if !again.is_empty() {
            let with = doc! { "_id.run": run, "lease": lease, "skipped.0": { "$exists": true } };
            self.0.update_many(with, resolved).await.map_err(|error| self.failed("write to", error))?;
        }
        let failed = doc! { "_id.run": run, "lease": lease, "state": "failed" };
        let open = doc! { "$set": { "state": "open", "failure": Bson::Null }, "$inc": { "token": 1_i64 } };
        self.0.update_many(failed, open).await.map_err(|error| self.failed("write to", error))?;
        Ok(())
    }

    /// Keeps all batches of a run from committing, until it is reopened. Returns the ranges as they are then, in order.
    pub(super) async fn freeze(&self, run: ObjectId, lease: i64) -> Result<Vec<Range>, Error> {
        self.kill_workers(doc! { "_id.run": run, "state": "open" }).await?;
        self.take(run, lease, Document::new()).await?;
        let open = doc! { "_id.run": run, "lease": lease, "state": "open" };
        let frozen = doc! { "$set": { "state": "failed", "claim": null }, "$inc": { "token": 1_i64 } };
        self.0.update_many(open, frozen).await.map_err(|error| self.failed("write to", error))?;
        self.of(run).await
    }

    /// Fences them off from the holders of former leases, who may not change them from here on.
    async fn take(&self, run: ObjectId, lease: i64, mut which: Document) -> Result<(), Error> {
        which.extend(doc! { "_id.run": run, "lease": { "$lt": lease } });
        let taken = self.0.update_many(which, doc! { "$set": { "lease": lease } }).await;
        taken.map(drop).map_err(|error| self.failed("write to", error))
    }

    /// Returns the ranges of a run, in order.
    pub(super) async fn of(&self, run: ObjectId) -> Result<Vec<Range>, Error> {
        self.find(doc! { "_id.run": run }).await
    }

    /// Returns what was skipped, and of which range.
    pub(crate) async fn skipped(&self, run: ObjectId) -> Result<Vec<(Range, Skipped)>, Error> {
        let with = doc! { "_id.run": run, "skipped.0": { "$exists": true } };
        let failed = |error| self.failed("read", error);
        let ranges = self.0.clone_with_type::<WithSkipped>();
        let found = ranges.find(with).sort(doc! { "_id.n": 1 }).await.map_err(failed)?;
        let found: Vec<_> = found.try_collect().await.map_err(failed)?;
        let each = |WithSkipped { range, skipped }| skipped.into_iter().map(move |skipped| (range.clone(), skipped));
        Ok(found.into_iter().flat_map(each).collect())
    }

    /// Removes the ranges of a migration, except those of a run to keep and those that a later lease than this one planned.
    /// Afterwards, no batch of them commits.
    pub(crate) async fn remove(&self, migration: &str, lease: i64, keep: Option<ObjectId>) -> Result<(), Error> {
        let mut former: Document = doc! { "migration": migration, "lease": { "$lte": lease } };
        if let Some(keep) = keep {
            former.insert("_id.run", doc! { "$ne": keep });
        }
        self.kill_workers(former.clone()).await?;
        self.0.delete_many(former).await.map_err(|error| self.failed("delete from", error))?;
        Ok(())
    }

    /// Ends the transactions of those who work on these ranges. One of a worker that has died would make a write wait.
    async fn kill_workers(&self, mut of: Document) -> Result<(), Error> {
        of.insert("claim", doc! { "$ne": null });
        let claims = self.find(of).await?.into_iter().filter_map(|range| range.claim);
        kill(self.0.client(), &claims.map(|claim| claim.session).collect::<Vec<_>>()).await;
        Ok(())
    }

    async fn find(&self, filter: Document) -> Result<Vec<Range>, Error> {
        let failed = |error| self.failed("read", error);
        let found = self.0.find(filter).sort(doc! { "_id.n": 1 }).await.map_err(failed)?;
        found.try_collect().await.map_err(failed)
    }

    fn failed(&self, doing: &str, error: mongodb::error::Error) -> Error {
        Error::server(format!("{doing} '{}'", self.0.name()), error)
    }
}

fn is_only_duplicates(error: &mongodb::error::Error) -> bool {
    let ErrorKind::InsertMany(error) = &*error.kind else { return false };
    let mut errors = error.write_errors.iter().flatten();
    error.write_concern_error.is_none() && errors.all(|error| error.code == DUPLICATE_KEY)
}
