//! The `down` of a backfill that has not completed: it runs over the part of each range that is done.

use mongodb::bson::oid::ObjectId;

use super::header::Header;
use super::plan::Planned;
use super::range::{Range, RangeId, RangeState};
use crate::context::Description;
use crate::error::Error;
use crate::executor::{Executor, Failure};

impl Executor<'_> {
    /// Plans to revert the part of each range that an `up` has passed. Until the plan is stored, the next `up` can go on where it
    /// was.
    pub(super) async fn plan_of_revert(
        &self,
        id: &str,
        up: &Header,
        description: &Description,
    ) -> Result<Planned, Failure> {
        if !self.transactional {
            let why = "a server without transactions does not know exactly what it has changed: complete it first";
            return Err(unfinished(why));
        }
        if up.collection != description.collection {
            return Err(unfinished("its `down` is about another collection: complete it first"));
        }
        up.check_collection(self.database, id).await?;
        self.lease.check()?;
        // Once more afterwards, because others may be working on it.
        self.check_parts(id, up, &self.ranges().of(up.run).await?).await?;
        let former = self.ranges().freeze(up.run, self.lease.token()).await?;
        self.check_parts(id, up, &former).await?;
        let parts: Vec<_> = up.without_sweeps(former).into_iter().filter(Range::has_begun).collect();
        let (run, lease) = (ObjectId::new(), self.lease.token());
        let documents = parts.iter().map(|range| range.counts.scanned).sum::<i64>();
        let ranges = (0_i64..).zip(parts).map(|(n, range)| {
            let (from, end) = (range.from.clone(), range.next.clone());
            let last = range.last && range.state == RangeState::Done;
            Range { lease, ..range }.again(RangeId { run, n }, from, end, last)
        });
        let ranges = ranges.collect();
        let documents = u64::try_from(documents).unwrap_or(0);
        Ok(Planned { run, ranges, documents, uuid: up.uuid.clone(), is_small: false })
    }

    /// Fails if the ranges do not show exactly what has been passed.
    async fn check_parts(&self, id: &str, up: &Header, ranges: &[Range]) -> Result<(), Failure> {
        self.check_number(id, up, ranges.iter().map(|range| range.id))?;
        let was_skipped = ranges.iter().any(|range| range.id.n >= up.ranges && !up.is_sweep(range.id));
        if was_skipped || !self.ranges().skipped(up.run).await?.is_empty() {
            let why =
                "it has skipped documents, which its `down` would change, too: correct them, and complete it first";
            return Err(unfinished(why));
        }
        if ranges.iter().any(|range| up.is_sweep(range.id) && range.state != RangeState::Done) {
            return Err(unfinished("a sweep has begun, which visits documents a second time: complete it first"));
        }
        Ok(())
    }
}

/// Why it cannot be reverted.
pub(super) fn unfinished(why: &str) -> Failure {
    Error::Refused(format!("it has not completed, and cannot be reverted now, because {why}")).into()
}
