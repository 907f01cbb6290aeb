//! Skips documents whose change fails.

use mongodb::bson::{Bson, oid::ObjectId};
use mongodb::error::{Error as DriverError, Result};

use super::Worker;
use crate::error::{Error, in_one_line, source_chain};
use crate::executor::backfill::range::{Bound, Range, RangeStore, Skipped};
use crate::store::now;

impl<S: RangeStore> Worker<S> {
    /// The number of documents that were skipped so far, by all workers.
    pub(super) async fn skipped(&self) -> Result<u32> {
        Ok(self.look().await?.iter().map(|range| range.skipped).sum())
    }

    /// Skips the only document of a batch.
    pub(super) async fn skip(&self, range: &Range, bound: &Bound, id: Bson, error: DriverError) -> Result<()> {
        let skipped = Skipped {
            n: unused_number(),
            id,
            from: range.next.clone(),
            to: bound.to.clone(),
            last: bound.ends && range.last,
            message: in_one_line(&source_chain(&Error::server("change it", error))),
            at: now(),
        };
        let (after, mut tries) = (range.after(bound), 0);
        while let Err(error) = self.store.skip(range, &after, &skipped).await {
            self.again(error, &mut tries).await?;
        }
        Ok(())
    }
}

/// A number that no other range has: the part of an `ObjectId` that is not the time.
fn unused_number() -> i64 {
    let [_, _, _, _, unique @ ..] = ObjectId::new().bytes();
    i64::from_be_bytes(unique) & i64::MAX
}
