//! Stretches of `_id`, bounded by counting keys.

use mongodb::bson::{Bson, Document, doc};
use mongodb::{Collection, Database};
use tokio::sync::Mutex;

use crate::Result;
use crate::orders::{by_id, orders};

/// Returns the key `count` documents after `from`, if there is one.
pub(crate) async fn bound(orders: &Collection<Document>, from: Document, count: u32) -> Result<Option<Bson>> {
    let keys = orders.find(from).projection(doc! { "_id": 1 }).hint(by_id()).sort(doc! { "_id": 1 });
    let mut found = keys.skip(count.into()).limit(1).await?;
    if !found.advance().await? {
        return Ok(None);
    }
    Ok(found.deserialize_current()?.remove("_id"))
}

/// Hands out the stretches of a collection, as a loop written by hand would.
pub(crate) struct Keys {
    orders: Collection<Document>,
    batch: u32,
    /// Where the next stretch begins; `None` when nothing is left.
    next: Mutex<Option<Bson>>,
}

impl Keys {
    pub(crate) fn new(database: &Database, batch: u32) -> Self {
        Self { orders: orders(database), batch, next: Mutex::new(Some(Bson::MinKey)) }
    }

    /// Returns the filter of the next stretch.
    pub(crate) async fn next(&self) -> Result<Option<Document>> {
        let mut next = self.next.lock().await;
        let Some(from) = next.take() else { return Ok(None) };
        // The type of every key is known here, so that the comparison need not be an `$expr`.
        let mut filter = if matches!(from, Bson::MinKey) {
            doc! {}
        } else {
            doc! { "$gte": from }
        };
        let beginning = if filter.is_empty() {
            doc! {}
        } else {
            doc! { "_id": filter.clone() }
        };
        *next = bound(&self.orders, beginning, self.batch).await?;
        if let Some(to) = &*next {
            filter.insert("$lt", to);
        }
        Ok(Some(if filter.is_empty() {
            doc! {}
        } else {
            doc! { "_id": filter }
        }))
    }
}
