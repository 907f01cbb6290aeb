//! Sweeps: passes for documents that matched `remaining` only after the batch of their `_id`.
//!
//! A sweep is a range like the others, over the whole collection, and is claimed, resumed and fenced like them. It may visit a
//! document a second time: one that matches `remaining` again was written anew.

use std::time::Duration;

use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};

use super::header::SWEEPS;
use super::opened::Opened;
use super::plan::ends;
use super::range::{Range, RangeId, RangeState, RangeStore, Seen};
use super::stored::Ranges;
use crate::error::Error;
use crate::store::now;

/// How long to look for an example.
const LOOK: Duration = Duration::from_secs(5);

/// What is left to do when all ranges are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sweep {
    /// The last sweep found nothing, or none is needed.
    Clean,
    /// The range with this number.
    Next(i64),
    /// Each sweep has found documents.
    Endless,
}

impl Opened {
    /// Returns what is left to do when all ranges are done. What was skipped matches `remaining`, and has to be repaired first.
    pub(crate) fn sweep(&self, seen: &[Seen]) -> Sweep {
        if !self.store.has_remaining() || seen.iter().any(|range| range.skipped > 0) {
            return Sweep::Clean;
        }
        match seen.iter().filter(|range| self.header.is_sweep(range.id)).max_by_key(|range| range.id.n) {
            None => Sweep::Next(self.header.ranges),
            Some(last) if last.counts.matched == 0 => Sweep::Clean,
            Some(last) if last.id.n + 1 == self.header.ranges + SWEEPS => Sweep::Endless,
            Some(last) => Sweep::Next(last.id.n + 1),
        }
    }

    /// Opens a sweep, unless another process has. Needs no lease: the backfill is not completed before a sweep has found nothing.
    pub(crate) async fn open_sweep(&self, database: &Database, ranges: &str, n: i64) -> Result<(), Error> {
        let name = &self.header.collection;
        let failed = |error| Error::server(format!("sweep '{name}'"), error);
        let Some(planned) = self.store.read(0).await.map_err(failed)? else { return Ok(()) };
        let ends = ends(&self.store.documents).await.map_err(failed)?;
        let state = if ends.is_some() { RangeState::Open } else { RangeState::Done };
        let (from, end) = ends.unwrap_or((Bson::Null, Bson::Null));
        let id = RangeId { n, ..planned.id };
        // Higher than that of a sweep with this number that was removed.
        let token = now().timestamp_millis();
        let sweep = Range { state, token, ..planned.again(id, from, end, true) };
        Ranges::new(database, ranges).insert(&[sweep]).await
    }

    /// Returns the `_id` of a document that is left, if it is found soon.
    pub(super) async fn example(&self) -> Option<Bson> {
        let left = self.store.documents.find_one(self.store.matching(Vec::new())).max_time(LOOK);
        left.projection(doc! { "_id": 1 }).await.ok().flatten().and_then(|mut found: Document| found.remove("_id"))
    }
}
