//! The ranges of the protocol: planned once, claimed by a worker, and their bounds.

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc, oid::ObjectId};
use mongodb::options::ReturnDocument;
use mongodb::{Collection, Database};

use crate::Result;
use crate::orders::orders;

/// A range `[next, hi)`; the last one includes `hi`.
pub(crate) struct Range {
    pub(crate) id: Bson,
    pub(crate) token: Bson,
    pub(crate) next: Bson,
    pub(crate) hi: Bson,
    pub(crate) last: bool,
}

impl Range {
    /// The filter from a key to the end of the range.
    pub(crate) fn rest(&self, from: &Bson) -> Document {
        between(from, &self.hi, self.last)
    }

    /// The filter from `next` to a bound inside of the range, or to its end.
    pub(crate) fn up_to(&self, bound: Option<&Bson>) -> Document {
        bound.map_or_else(|| self.rest(&self.next), |bound| between(&self.next, bound, false))
    }
}

/// Compares across BSON types, unlike a plain `$gte`.
fn between(from: &Bson, to: &Bson, inclusive: bool) -> Document {
    let compare = |operator: &str, key: &Bson| doc! { "$expr": { operator: ["$_id", { "$literal": key }] } };
    doc! { "$and": [compare("$gte", from), compare(if inclusive { "$lte" } else { "$lt" }, to)] }
}

pub(crate) fn ranges(database: &Database) -> Collection<Document> {
    database.collection("migrations_backfill_ranges")
}

/// Plans the ranges from a sample of the keys, more than there are workers.
pub(crate) async fn plan(database: &Database, workers: usize) -> Result<()> {
    let count = i32::try_from((8 * workers).clamp(16, 256))?;
    let orders = orders::<Document>(database);
    let end = async |direction: i32| -> Result<Bson> {
        let document = orders.find_one(doc! {}).sort(doc! { "_id": direction }).await?;
        Ok(document.and_then(|mut document| document.remove("_id")).ok_or("there are no orders")?)
    };
    let (first, top) = (end(1).await?, end(-1).await?);
    let sample = [
        doc! { "$sample": { "size": 10 * count } },
        doc! { "$project": { "_id": 1 } },
        doc! { "$bucketAuto": { "groupBy": "$_id", "buckets": count } },
    ];
    let buckets: Vec<Document> = orders.aggregate(sample).await?.try_collect().await?;
    let mut bounds = vec![first];
    for bucket in buckets.iter().skip(1) {
        bounds.push(bucket.get_document("_id")?.get("min").ok_or("a bucket has a lower bound")?.clone());
    }
    let number = bounds.len();
    bounds.push(top);
    let planned = bounds.windows(2).enumerate().map(|(n, bounds)| {
        let (lo, hi) = (&bounds[0], &bounds[1]);
        let last = n + 1 == number;
        doc! {
            "_id": { "n": i64::try_from(n).unwrap_or_default() }, "lo": lo, "next": lo, "hi": hi, "last": last,
            "state": "open", "token": 0_i64, "claim": null, "scanned": 0_i64, "batches": 0_i64,
        }
    });
    ranges(database).drop().await?;
    ranges(database).insert_many(planned).await?;
    Ok(())
}

/// Claims a free range.
pub(crate) async fn claim(ranges: &Collection<Document>) -> Result<Option<Range>> {
    let until = doc! { "$add": ["$$NOW", 90_000] };
    let claim = doc! { "nonce": ObjectId::new(), "since": "$$NOW", "until": until };
    let claim = vec![doc! { "$set": { "token": { "$add": ["$token", 1] }, "claim": claim } }];
    let free = ranges.find_one_and_update(doc! { "state": "open", "claim": null }, claim).sort(doc! { "_id.n": 1 });
    let Some(mut claimed) = free.return_document(ReturnDocument::After).await? else { return Ok(None) };
    let last = claimed.get_bool("last")?;
    let mut take = |key: &str| claimed.remove(key).ok_or_else(|| format!("a range has no {key}"));
    Ok(Some(Range { id: take("_id")?, token: take("token")?, next: take("next")?, hi: take("hi")?, last }))
}
