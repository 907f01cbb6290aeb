//! Divides a collection into ranges.

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc, oid::ObjectId};
use mongodb::error::Result;
use mongodb::results::CollectionSpecification;
use mongodb::{Collection, Database};

use super::filter::by_id;
use super::range::{Counts, Range, RangeId, RangeState};
use crate::context::Description;
use crate::error::Error;
use crate::store::{now, unsuitable};

/// Up to this many documents are changed at once, under the lease.
const SMALL: u64 = 10_000;

/// Up to this many documents, ranges are counted. A sample of a collection of a few pages can leave out most of it, and the worker
/// of the largest range would be the last by far.
const COUNTED: u32 = 50_000;

/// Fewest and most ranges of a larger collection.
const RANGES: (u32, u32) = (16, 256);

/// Number of ranges per worker, so that no worker is left with a large one at the end.
const PER_WORKER: u32 = 8;

/// Number of sampled documents per range.
const SAMPLES: u32 = 10;

/// A planned backfill.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) run: ObjectId,
    pub(crate) ranges: Vec<Range>,
    /// Estimated number of documents in the collection.
    pub(crate) documents: u64,
    /// The identity of the collection, which it loses if it is dropped and created again.
    pub(crate) uuid: Bson,
    /// Whether it is small enough to be done at once.
    pub(crate) is_small: bool,
}

/// Plans a backfill of all documents that the collection has now.
pub(crate) async fn plan(
    database: &Database,
    description: &Description,
    migration: &str,
    lease: i64,
) -> std::result::Result<Planned, Error> {
    let name = &description.collection;
    let failed = |error| Error::server(format!("divide '{name}' into ranges"), error);
    let listed = suitable(database, name).await?;
    let (run, uuid) = (ObjectId::new(), listed.as_ref().map_or(Bson::Null, identity));
    let documents = database.collection::<Document>(name);
    let count = documents.estimated_document_count().await.map_err(failed)?;
    let is_small = count <= SMALL;
    let ends = ends(&documents).await.map_err(failed)?;
    let Some((first, top)) = ends else {
        return Ok(Planned { run, ranges: Vec::new(), documents: 0, uuid, is_small: true });
    };
    let number = if is_small { 1 } else { PER_WORKER.saturating_mul(description.workers).clamp(RANGES.0, RANGES.1) };
    let starts = if is_small {
        Ok(Vec::new())
    } else if count <= COUNTED.into() {
        counted(&documents, count.div_ceil(number.into())).await
    } else {
        sampled(&documents, number).await
    };
    let mut starts = starts.map_err(failed)?;
    starts.insert(0, first);
    let ranges = (0_i64..).zip(starts.iter().enumerate()).map(|(n, (index, start))| {
        let next = starts.get(index + 1);
        Range {
            id: RangeId { run, n },
            migration: migration.to_owned(),
            lease,
            from: start.clone(),
            next: start.clone(),
            end: next.unwrap_or(&top).clone(),
            last: next.is_none(),
            state: RangeState::Open,
            token: 0,
            claim: None,
            active: now(),
            counts: Counts::default(),
            failure: None,
        }
    });
    Ok(Planned { run, ranges: ranges.collect(), documents: count, uuid, is_small })
}

/// Returns a collection as the server lists it. Fails if a backfill cannot change it.
pub(crate) async fn suitable(
    database: &Database,
    name: &str,
) -> std::result::Result<Option<CollectionSpecification>, Error> {
    let listed = listed(database, name).await;
    let listed = listed.map_err(|error| Error::server(format!("look for the collection '{name}'"), error))?;
    if let Some(kind) = listed.as_ref().and_then(unsuitable) {
        return Err(Error::Refused(format!(
            "'{name}' is {kind}, which a backfill cannot rewrite in transactions by `_id`; take `&Database`"
        )));
    }
    Ok(listed)
}

/// Returns a collection as the server lists it.
pub(crate) async fn listed(database: &Database, name: &str) -> Result<Option<CollectionSpecification>> {
    database.list_collections().filter(doc! { "name": name }).await?.try_next().await
}

/// Identifies a collection.
pub(crate) fn identity(listed: &CollectionSpecification) -> Bson {
    listed.info.uuid.clone().map_or(Bson::Null, Bson::Binary)
}

/// Returns the first and the last `_id`.
pub(super) async fn ends(documents: &Collection<Document>) -> Result<Option<(Bson, Bson)>> {
    let end = async |order: i32| {
        let ids = documents.find_one(doc! {}).projection(doc! { "_id": 1 }).sort(doc! { "_id": order }).hint(by_id());
        Ok::<_, mongodb::error::Error>(ids.await?.and_then(|mut found| found.remove("_id")))
    };
    Ok(end(1).await?.zip(end(-1).await?))
}

/// Returns where the second range and the later ones start, each after this many documents.
async fn counted(documents: &Collection<Document>, size: u64) -> Result<Vec<Bson>> {
    let ids = documents.find(doc! {}).projection(doc! { "_id": 1 }).sort(doc! { "_id": 1 }).hint(by_id());
    // The number of documents is an estimate, which can be wrong after a crash of the server.
    let limit = 2 * COUNTED;
    let mut ids = ids.limit(limit.into()).batch_size(limit).await?;
    let (mut passed, mut starts) = (0_u64, Vec::new());
    while ids.advance().await? {
        if passed > 0 && passed.is_multiple_of(size) {
            starts.extend(ids.deserialize_current()?.remove("_id"));
        }
        passed += 1;
    }
    Ok(starts)
}

/// Returns where the second range and the later ones start, from a sample. The server compares them, because the order of `_id`
/// is its own.
async fn sampled(documents: &Collection<Document>, ranges: u32) -> Result<Vec<Bson>> {
    let pipeline = [
        doc! { "$sample": { "size": i64::from(ranges * SAMPLES) } },
        doc! { "$project": { "_id": 1 } },
        doc! { "$bucketAuto": { "groupBy": "$_id", "buckets": i64::from(ranges) } },
    ];
    let buckets: Vec<Document> = documents.aggregate(pipeline).await?.try_collect().await?;
    let starts = buckets.into_iter().skip(1).filter_map(|mut bucket| match bucket.remove("_id") {
        Some(Bson::Document(mut bounds)) => bounds.remove("min"),
        _ => None,
    });
    Ok(starts.collect())
}
