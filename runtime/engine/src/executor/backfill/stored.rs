//! Creates and removes the ranges of a backfill. Called under the lease.

use mongodb::bson::{Bson, Document, doc, oid::ObjectId};
use mongodb::{Collection, Database};

use super::range::Range;
use crate::error::Error;

/// The collection of the ranges.
#[derive(Clone, Debug)]
pub(crate) struct Ranges(Collection<Range>);

impl Ranges {
    /// `database` is [durable](crate::store::durable).
    pub(crate) fn new(database: &Database, name: &str) -> Self {
        Self(database.collection(name))
    }

    pub(crate) async fn insert(&self, ranges: &[Range]) -> Result<(), Error> {
        if ranges.is_empty() {
            return Ok(());
        }
        self.0.insert_many(ranges).await.map_err(|error| self.failed("write to", error))?;
        Ok(())
    }

    /// Makes failed ranges open again.
    pub(crate) async fn reopen(&self, run: ObjectId) -> Result<(), Error> {
        let failed = doc! { "_id.run": run, "state": "failed" };
        let open = doc! { "$set": { "state": "open", "failure": Bson::Null }, "$inc": { "token": 1_i64 } };
        self.0.update_many(failed, open).await.map_err(|error| self.failed("write to", error))?;
        Ok(())
    }

    /// Removes the ranges of a migration, except those of a run to keep and those that a later lease than this one planned.
    /// Afterwards, no batch of them commits.
    pub(crate) async fn remove(&self, migration: &str, lease: i64, keep: Option<ObjectId>) -> Result<(), Error> {
        let mut former: Document = doc! { "migration": migration, "lease": { "$lte": lease } };
        if let Some(keep) = keep {
            former.insert("_id.run", doc! { "$ne": keep });
        }
        self.0.delete_many(former).await.map_err(|error| self.failed("delete from", error))?;
        Ok(())
    }

    fn failed(&self, doing: &str, error: mongodb::error::Error) -> Error {
        Error::server(format!("{doing} '{}'", self.0.name()), error)
    }
}
