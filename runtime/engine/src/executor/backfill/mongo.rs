//! The implementation of `RangeStore` for MongoDB.

use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc, oid::ObjectId};
use mongodb::error::Result;
use mongodb::options::{Acknowledgment, ReturnDocument, WriteConcern};
use mongodb::{Collection, Database};

use super::each::Batch;
use super::filter::{by_id, span};
use super::in_batches::InBatches;
use super::range::{Bound, Claim, Range, RangeFailure, RangeState, RangeStore, Seen, Skipped, claim_time};
use super::throttle::Throttle;
use crate::context::{Action, Description};
use crate::lock::{Session, kill, millis, start};
use crate::options::Options;

/// The ranges of a run in the database, and the collection that they divide.
#[derive(Clone, Debug)]
pub(crate) struct Mongo {
    run: ObjectId,
    database: Database,
    description: Description,
    options: Options,
    ranges: Collection<Range>,
    pub(crate) documents: Collection<Document>,
    /// How long a worker that does not show itself keeps its claim.
    claim: Duration,
    /// Whether the server has transactions.
    transactional: bool,
}

impl Mongo {
    /// `database` is [durable](crate::store::durable).
    pub(crate) fn new(
        database: &Database,
        options: &Options,
        run: ObjectId,
        description: &Description,
        transactional: bool,
    ) -> Self {
        Self {
            run,
            database: database.clone(),
            description: description.clone(),
            options: options.clone(),
            ranges: database.collection(&options.names.ranges),
            documents: database.collection(&description.collection),
            claim: claim_time(options.lease),
            transactional,
        }
    }

    /// The condition that the stored range is the one that the worker knows.
    fn same(range: &Range) -> Document {
        doc! { "_id": { "run": range.id.run, "n": range.id.n }, "token": range.token, "state": "open" }
    }

    /// The condition that it has also come as far as the worker knows.
    fn here(range: &Range) -> Document {
        let mut same = Self::same(range);
        same.insert("next", doc! { "$eq": range.next.clone() });
        same
    }

    /// The update that moves a range on.
    fn moved(after: &Range) -> Document {
        let state = if after.state == RangeState::Done { "done" } else { "open" };
        let counts = &after.counts;
        let counts = doc! {
            "scanned": counts.scanned, "matched": counts.matched, "changed": counts.changed, "batches": counts.batches,
            "rate": counts.rate,
        };
        let mut set = doc! { "next": after.next.clone(), "state": state, "counts": counts };
        let mut update = doc! { "$currentDate": { "active": true } };
        match after.claim.as_ref().map(|claim| claim.throttled.as_ref()) {
            None => drop(set.insert("claim", Bson::Null)),
            Some(Some(throttle)) => drop(set.insert("claim.throttled", stored(throttle))),
            Some(None) => drop(update.insert("$unset", doc! { "claim.throttled": "" })),
        }
        update.insert("$set", set);
        update
    }

    /// The filter of the documents of a batch that are left to do.
    fn left(&self, range: &Range, bound: &Bound) -> Document {
        self.matching(span(range, &bound.to, bound.ends && range.last).to_vec())
    }

    /// The filter of the documents that match these conditions and are left to do.
    pub(crate) fn matching(&self, mut all: Vec<Document>) -> Document {
        let Description { filter, remaining, .. } = &self.description;
        all.push(filter.clone());
        all.extend(remaining.clone());
        all.retain(|condition| !condition.is_empty());
        if all.is_empty() {
            Document::new()
        } else {
            doc! { "$and": all }
        }
    }

    pub(crate) fn has_remaining(&self) -> bool {
        self.description.remaining.is_some()
    }

    /// Changes the documents that match, about `size`. Returns how many matched, and how many changed.
    pub(crate) async fn apply(&self, matching: Document, size: u64, session: &mut Session) -> Result<(u64, u64)> {
        let transactional = self.transactional;
        match &self.description.action {
            Action::Each(compute) => {
                let (documents, project) = (&self.documents.clone_with_type(), self.description.project.as_ref());
                Batch { documents, project, compute, size, transactional }.change(matching, session).await
            }
            Action::Batches(work) => {
                let Self { database, description, options, .. } = self;
                let batch = InBatches { database, description, options, work, transactional, limit: self.claim / 2 };
                batch.change(matching, size, session).await
            }
            Action::Update(update) => {
                let updated = self.documents.update_many(matching, update.clone()).hint(by_id());
                let updated = updated.session(&mut **session).await?;
                Ok((updated.matched_count, updated.modified_count))
            }
            Action::Delete => {
                let deleted = self.documents.delete_many(matching).hint(by_id()).session(&mut **session).await?;
                Ok((deleted.deleted_count, deleted.deleted_count))
            }
        }
    }
}

impl RangeStore for Mongo {
    type Session = Session;

    fn session_id<'s>(&self, session: &'s Session) -> &'s Document {
        session.id()
    }

    async fn look(&self) -> Result<Vec<Seen>> {
        seen(&self.ranges.clone_with_type(), self.run, self.claim).await
    }

    async fn read(&self, n: i64) -> Result<Option<Range>> {
        self.ranges.find_one(doc! { "_id": { "run": self.run, "n": n } }).await
    }

    async fn claim(&self, seen: &Seen, claim: &Claim) -> Result<Option<Range>> {
        let same = doc! { "_id": { "run": self.run, "n": seen.id.n }, "token": seen.token, "state": "open" };
        let session = &claim.session;
        let throttled = claim.throttled.as_ref().map(stored);
        let mut claim = doc! { "nonce": claim.nonce, "host": &claim.host, "pid": claim.pid, "session": session };
        claim.extend(throttled.map(|throttled| ("throttled".to_owned(), throttled.into())));
        let update =
            doc! { "$set": { "claim": claim }, "$inc": { "token": 1_i64 }, "$currentDate": { "active": true } };
        self.ranges.find_one_and_update(same, update).return_document(ReturnDocument::After).await
    }

    fn claim_time(&self) -> Duration {
        self.claim
    }

    /// Does not wait for a majority, which may be what is slow. A renewal that a fail-over undoes makes the claim expire earlier.
    async fn renew(&self, range: &Range, throttle: &Throttle) -> Result<bool> {
        let shown = doc! { "claim.throttled": stored(throttle), "counts.rate": range.counts.rate };
        let update = doc! { "$set": shown, "$currentDate": { "active": true } };
        let renewal = self.ranges.update_one(Self::same(range), update);
        let write_concern = WriteConcern::builder().w(Acknowledgment::Nodes(1)).build();
        Ok(renewal.write_concern(write_concern).await?.matched_count == 1)
    }

    async fn release(&self, range: &Range) -> Result<()> {
        self.ranges.update_one(Self::same(range), doc! { "$set": { "claim": null } }).await?;
        Ok(())
    }

    async fn fail(&self, range: &Range, failure: &RangeFailure) -> Result<bool> {
        let RangeFailure { message, stack, host } = failure;
        let failure = doc! { "message": message, "stack": stack, "host": host };
        let failed = doc! { "$set": { "state": "failed", "failure": failure, "claim": null } };
        Ok(self.ranges.update_one(Self::here(range), failed).await?.matched_count == 1)
    }

    async fn skip(&self, range: &Range, after: &Range, skipped: &Skipped) -> Result<()> {
        let mut update = Self::moved(after);
        update.insert("$push", doc! { "skipped": skipped.to_document() });
        self.ranges.update_one(Self::here(range), update).await?;
        Ok(())
    }

    async fn bound(&self, range: &Range, size: u64) -> Result<Bound> {
        let inside = doc! { "$and": span(range, &range.end, range.last).to_vec() };
        let ids = &self.documents;
        let next = ids.find_one(inside.clone()).projection(doc! { "_id": 1 }).sort(doc! { "_id": 1 }).hint(by_id());
        if let Some(mut next) = next.skip(size).await? {
            let to = next.remove("_id").unwrap_or(Bson::Null);
            return Ok(Bound { to, scanned: size, ends: false });
        }
        let scanned = ids.count_documents(inside).hint(by_id()).await?;
        Ok(Bound { to: range.end.clone(), scanned, ends: true })
    }

    async fn change(&self, range: &Range, bound: &Bound, session: &mut Session) -> Result<(u64, u64)> {
        if self.transactional {
            start(session).await?;
        }
        self.apply(self.left(range, bound), bound.scanned, session).await
    }

    async fn leaves_remaining(&self, range: &Range, bound: &Bound, session: &mut Session) -> Result<bool> {
        if !self.has_remaining() {
            return Ok(false);
        }
        let left = self.documents.find_one(self.left(range, bound)).projection(doc! { "_id": 1 });
        Ok(left.session(&mut **session).await?.is_some())
    }

    async fn checkpoint(&self, range: &Range, after: &Range, session: &mut Session) -> Result<bool> {
        let moved = self.ranges.update_one(Self::here(range), Self::moved(after)).session(&mut **session).await?;
        Ok(moved.matched_count == 1)
    }

    async fn commit(&self, session: &mut Session) -> Result<()> {
        if self.transactional { session.commit_transaction().await } else { Ok(()) }
    }

    async fn abort(&self, session: &mut Session) -> Result<()> {
        if self.transactional { session.abort_transaction().await } else { Ok(()) }
    }

    async fn kill(&self, session: &Document) {
        kill(self.ranges.client(), std::slice::from_ref(session)).await;
    }
}

fn stored(throttle: &Throttle) -> Document {
    doc! { "stopped": throttle.stopped, "reason": &throttle.reason }
}

/// Reads all ranges of a run, in order.
pub(crate) async fn look(database: &Database, ranges: &str, run: ObjectId, lease: Duration) -> Result<Vec<Seen>> {
    seen(&database.collection(ranges), run, claim_time(lease)).await
}

async fn seen(ranges: &Collection<Seen>, run: ObjectId, claim: Duration) -> Result<Vec<Seen>> {
    let found = ranges.find(doc! { "_id.run": run }).sort(doc! { "_id.n": 1 }).projection(fields(claim));
    found.await?.try_collect().await
}

/// The pipeline that reads all ranges of a run, in order.
pub(crate) fn reading_ranges(run: ObjectId, lease: Duration) -> Vec<Document> {
    let project = doc! { "$project": fields(claim_time(lease)) };
    vec![doc! { "$match": { "_id.run": run } }, doc! { "$sort": { "_id.n": 1 } }, project]
}

/// The projection to [`Seen`].
fn fields(claim: Duration) -> Document {
    let expires = doc! { "$add": ["$active", millis(claim)] };
    doc! {
        "state": 1, "token": 1, "claim": 1, "counts": 1, "failure": 1, "live": { "$lt": ["$$NOW", expires] },
        "skipped": { "$size": { "$ifNull": ["$skipped", []] } },
    }
}
