//! Sweeps: further passes for documents that came to match `remaining` after their batch.
//!
//! A sweep is a range like the others, over the whole collection, and is claimed, resumed and fenced like them. It may change a
//! document a second time, because one that matches `remaining` again has been rewritten since. It is opened under the lease, so
//! that no process opens one for a run that has ended.

use std::time::Duration;

use mongodb::bson::{Bson, Document, doc};

use super::header::{Header, SWEEPS};
use super::opened::Opened;
use super::plan::ends;
use super::range::{Range, RangeId, RangeState, RangeStore, Seen};
use crate::error::Error;
use crate::migration::Direction;

/// How long to look for an example.
const LOOK: Duration = Duration::from_secs(5);

/// What is left to do when all ranges are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sweep {
    /// The last sweep found nothing, or none is needed.
    Clean,
    /// The range with this number.
    Next(i64),
    /// Each sweep of this attempt has found documents.
    Endless,
}

impl Opened {
    /// Returns what is left to do when all ranges are done. A `down` is not swept: what is written in the new form meanwhile is
    /// not what it reverts.
    pub(super) fn sweep(&self, seen: &[Seen], attempt: i64) -> Sweep {
        let Header { ranges, direction, .. } = self.header;
        if !self.store.has_remaining() || direction == Direction::Down || ranges == 0 {
            return Sweep::Clean;
        }
        let first = ranges + attempt * SWEEPS;
        let ours = seen.iter().filter(|range| (first..first + SWEEPS).contains(&range.id.n));
        match ours.max_by_key(|range| range.id.n) {
            None => Sweep::Next(first),
            Some(last) if last.counts.matched == 0 => Sweep::Clean,
            Some(last) if last.id.n + 1 == first + SWEEPS => Sweep::Endless,
            Some(last) => Sweep::Next(last.id.n + 1),
        }
    }

    /// Returns a sweep of the documents that the collection has now.
    pub(super) async fn planned_sweep(&self, n: i64) -> Result<Option<Range>, Error> {
        let name = &self.header.collection;
        let failed = |error| Error::server(format!("sweep '{name}'"), error);
        let Some(planned) = self.store.read(0).await.map_err(failed)? else { return Ok(None) };
        let ends = ends(&self.store.documents).await.map_err(failed)?;
        let state = if ends.is_some() { RangeState::Open } else { RangeState::Done };
        let (from, end) = ends.unwrap_or((Bson::Null, Bson::Null));
        let id = RangeId { n, ..planned.id };
        Ok(Some(Range { state, ..planned.again(id, from, end, true) }))
    }

    /// Returns the `_id` of a document that is left, if it is found soon.
    pub(super) async fn example(&self) -> Option<Bson> {
        let left = self.store.documents.find_one(self.store.matching(Vec::new())).max_time(LOOK);
        left.projection(doc! { "_id": 1 }).await.ok().flatten().and_then(|mut found: Document| found.remove("_id"))
    }
}
