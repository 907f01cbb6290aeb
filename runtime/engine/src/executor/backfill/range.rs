//! The stored range, and the interface to the database. The simulation implements it, too.

use std::time::Duration;

use mongodb::bson::{Bson, DateTime, Document, doc, oid::ObjectId};
use mongodb::error::Result;
use serde::{Deserialize, Serialize};

use super::throttle::Throttle;

/// A range of `_id`, and how far it has come: a document of the collection `migrations_ranges`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Range {
    #[serde(rename = "_id")]
    pub(crate) id: RangeId,
    /// Qualified id of the migration.
    pub(crate) migration: String,
    /// Token of the lease under which it was planned, or reopened or frozen last.
    pub(crate) lease: i64,
    /// The start.
    pub(crate) from: Bson,
    /// The first `_id` that is not done.
    pub(crate) next: Bson,
    /// The end. It belongs to the next range, or to this one if it is the `last`.
    pub(crate) end: Bson,
    pub(crate) last: bool,
    pub(crate) state: RangeState,
    /// Rises with each claim. A batch commits only under the token of its claim.
    pub(crate) token: i64,
    pub(crate) claim: Option<Claim>,
    /// The server's time of the last batch, claim or renewal.
    pub(crate) active: DateTime,
    pub(crate) counts: Counts,
    pub(crate) failure: Option<RangeFailure>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RangeId {
    /// The run of the backfill. Another one starts from the beginning.
    pub(crate) run: ObjectId,
    pub(crate) n: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RangeState {
    Open,
    Done,
    Failed,
}

impl Range {
    /// Returns whether a batch of it has committed.
    pub(super) fn has_begun(&self) -> bool {
        self.next != self.from || self.state == RangeState::Done
    }

    /// Returns a range that has not begun.
    pub(super) fn again(self, id: RangeId, from: Bson, end: Bson, last: bool) -> Self {
        let (next, state, counts) = (from.clone(), RangeState::Open, Counts::default());
        Self { id, from, next, end, last, state, token: 0, claim: None, counts, failure: None, ..self }
    }

    /// Returns the range after a batch.
    pub(super) fn after(&self, bound: &Bound) -> Self {
        let mut after = self.clone();
        after.next = bound.to.clone();
        if bound.ends {
            (after.state, after.claim) = (RangeState::Done, None);
        }
        after
    }
}

/// How long a worker that does not show itself keeps its claim: it does so with each batch, and by renewals while it is stopped.
/// A short `lease` is shorter still.
pub(crate) fn claim_time(lease: Duration) -> Duration {
    lease.min(Duration::from_secs(30))
}

/// The worker of a range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Claim {
    /// Identifies the worker.
    pub(crate) nonce: ObjectId,
    pub(crate) host: String,
    pub(crate) pid: i64,
    /// The session of its transactions.
    pub(crate) session: Document,
    /// Why it works slowly, or not at all for the moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) throttled: Option<Throttle>,
}

/// What was done with the documents of a range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Documents passed, whether they match or not.
    pub(crate) scanned: i64,
    /// Documents that match.
    pub(crate) matched: i64,
    /// Documents changed or deleted.
    pub(crate) changed: i64,
    pub(crate) batches: i64,
    /// How many documents per second its worker has passed lately, rests included.
    #[serde(default)]
    pub(crate) rate: f64,
}

/// Why a range cannot be completed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RangeFailure {
    pub(crate) message: String,
    pub(crate) stack: Vec<String>,
    pub(crate) host: String,
}

/// A stretch of a range with one document, which was skipped because its change failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Skipped {
    /// The number of the range that the stretch becomes when it is tried again.
    pub(crate) n: i64,
    /// The `_id` of the document.
    pub(crate) id: Bson,
    pub(crate) from: Bson,
    /// The end. It belongs to the stretch if it is the `last` of the collection.
    pub(crate) to: Bson,
    pub(crate) last: bool,
    pub(crate) message: String,
    /// By the clock of the worker.
    pub(crate) at: DateTime,
}

impl Skipped {
    /// Returns the stretch as a range of the same run.
    pub(super) fn as_range(&self, of: Range) -> Range {
        let id = RangeId { n: self.n, ..of.id };
        of.again(id, self.from.clone(), self.to.clone(), self.last)
    }

    pub(super) fn to_document(&self) -> Document {
        let Self { n, id, from, to, last, message, at } = self;
        doc! { "n": n, "id": id, "from": from, "to": to, "last": last, "message": message, "at": at }
    }
}

/// What a worker looks at before it claims a range.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Seen {
    #[serde(rename = "_id")]
    pub(crate) id: RangeId,
    pub(crate) state: RangeState,
    pub(crate) token: i64,
    pub(crate) claim: Option<Claim>,
    /// Whether the worker of the claim has shown itself within the time of a claim, by the server's clock.
    pub(crate) live: bool,
    pub(crate) counts: Counts,
    pub(crate) failure: Option<RangeFailure>,
    /// Number of documents that were skipped.
    pub(crate) skipped: u32,
}

/// The end of a batch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bound {
    /// The first `_id` behind the batch, or the end of the range.
    pub(crate) to: Bson,
    /// Number of documents up to it.
    pub(crate) scanned: u64,
    /// Whether the batch ends the range.
    pub(crate) ends: bool,
}

/// The stored ranges of a backfill and its collection. Each method is one command.
pub(crate) trait RangeStore: Send + Sync + 'static {
    /// A session, which runs one transaction at a time.
    type Session: Send;

    fn session_id<'s>(&self, session: &'s Self::Session) -> &'s Document;

    /// Reads all ranges, in order.
    fn look(&self) -> impl Future<Output = Result<Vec<Seen>>> + Send;

    /// Reads a range as a majority has it.
    fn read(&self, n: i64) -> impl Future<Output = Result<Option<Range>>> + Send;

    /// Claims an open range under a new token, if it still has the token that was seen.
    fn claim(&self, seen: &Seen, claim: &Claim) -> impl Future<Output = Result<Option<Range>>> + Send;

    /// How long a worker that does not show itself keeps its claim.
    fn claim_time(&self) -> Duration;

    /// Keeps the claim of a range without a batch, and stores why, with the rate. Returns false if the stored range is another one.
    fn renew(&self, range: &Range, throttle: &Throttle) -> impl Future<Output = Result<bool>> + Send;

    /// Gives a claimed range back.
    fn release(&self, range: &Range) -> impl Future<Output = Result<()>> + Send;

    /// Marks a claimed range as failed. Returns false if the claim is lost.
    fn fail(&self, range: &Range, failure: &RangeFailure) -> impl Future<Output = Result<bool>> + Send;

    /// Stores `after` in place of `range`, and what was skipped. Does nothing if the stored range is another one.
    fn skip(&self, range: &Range, after: &Range, skipped: &Skipped) -> impl Future<Output = Result<()>> + Send;

    /// Finds the end of a batch of this size.
    fn bound(&self, range: &Range, size: u64) -> impl Future<Output = Result<Bound>> + Send;

    /// Changes the documents of a batch, in a new transaction if the server has them. Returns the numbers of documents that
    /// matched and that changed.
    fn change(
        &self,
        range: &Range,
        bound: &Bound,
        session: &mut Self::Session,
    ) -> impl Future<Output = Result<(u64, u64)>> + Send;

    /// Returns whether the transaction still sees documents of the batch that match `remaining`.
    fn leaves_remaining(
        &self,
        range: &Range,
        bound: &Bound,
        session: &mut Self::Session,
    ) -> impl Future<Output = Result<bool>> + Send;

    /// Stores `after` in place of `range`, in the same transaction. Returns false if the stored range is another one.
    fn checkpoint(
        &self,
        range: &Range,
        after: &Range,
        session: &mut Self::Session,
    ) -> impl Future<Output = Result<bool>> + Send;

    fn commit(&self, session: &mut Self::Session) -> impl Future<Output = Result<()>> + Send;

    fn abort(&self, session: &mut Self::Session) -> impl Future<Output = Result<()>> + Send;

    /// Ends the open transaction of a session. Best effort.
    fn kill(&self, session: &Document) -> impl Future<Output = ()> + Send;
}
