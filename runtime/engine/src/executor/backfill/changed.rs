//! A backfill that goes on with changed code.

use mongodb::bson::oid::ObjectId;

use super::header::Header;
use super::range::{Range, RangeId, RangeState};
use crate::context::Description;
use crate::error::Error;
use crate::executor::{Executor, Failure};

impl Executor<'_> {
    /// Returns what a run has left, as another run, so that no program that works on the former one commits another batch. Until
    /// it is stored, the next `up` can go on with the former code.
    pub(super) async fn rest_of_run(
        &self,
        id: &str,
        former: &Header,
        description: &Description,
    ) -> Result<(Header, Vec<Range>), Failure> {
        let (name, other) = (&former.collection, &description.collection);
        if name != other {
            return Err(Error::Refused(format!(
                "'{id}' has begun to change '{name}' and cannot go on with '{other}'. To start from the beginning, mark the migration \
                 as pending"
            ))
            .into());
        }
        if !self.transactional {
            return Err(Error::Refused(format!(
                "'{id}' cannot go on with changed code, because a server without transactions does not keep batches of the former code \
                 from being written. To start from the beginning, mark the migration as pending"
            ))
            .into());
        }
        former.check_collection(self.database, id).await?;
        let lease = self.lease.token();
        let ranges = loop {
            self.lease.check()?;
            let frozen = self.ranges().freeze(former.run, lease).await?;
            if self.ranges().skipped(former.run).await?.is_empty() {
                break frozen;
            }
            // What was skipped becomes ranges, of which others may skip some again before they are frozen.
            self.ranges().reopen(former.run, former.ranges, lease).await?;
        };
        self.check_number(id, former, ranges.iter().map(|range| range.id))?;
        let run = ObjectId::new();
        // What the former code swept says nothing about this one.
        let ranges = former.without_sweeps(ranges).into_iter().map(|range| {
            let state = if range.state == RangeState::Done { RangeState::Done } else { RangeState::Open };
            Range { id: RangeId { run, ..range.id }, lease, state, token: 0, claim: None, failure: None, ..range }
        });
        Ok((Header { run, print: description.print(), ..former.clone() }, ranges.collect()))
    }
}
