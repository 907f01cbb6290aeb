//! A key-value store for each source.

use std::sync::Arc;

use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result;

use super::{Shared, TxCollection};

/// A key-value store of the migration's source. Values are stored in the collection `migrations_kv` as
/// `{ _id: { source, key }, value }`, with a `source` such as `plugin:whale-alerts`.
///
/// ```
/// # async fn body(tx: &mut mongrate::Tx) -> Result<(), mongodb::error::Error> {
/// let kv = tx.kv();
/// kv.set("threshold", 1_000_000_i64).await?;
/// let threshold = kv.get("threshold").await?.and_then(|value| value.as_i64());
/// assert_eq!(threshold, Some(1_000_000));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Kv {
    entries: TxCollection<Document>,
    source: String,
}

impl Kv {
    pub(super) fn new(tx: Arc<Shared>) -> Self {
        let source = tx.scope.source().to_string();
        Self { entries: TxCollection::kv(tx), source }
    }

    /// Sets the value of a key.
    pub async fn set(&self, key: &str, value: impl Into<Bson> + Send) -> Result<()> {
        let set = doc! { "$set": { "value": value.into() } };
        self.entries.update_one(self.entry(key), set).with(|action| action.upsert(true)).await?;
        Ok(())
    }

    /// Returns the value of a key, or `None` if it is not set.
    pub async fn get(&self, key: &str) -> Result<Option<Bson>> {
        let found = self.entries.find_one(self.entry(key)).await?;
        Ok(found.and_then(|mut entry| entry.remove("value")))
    }

    /// Removes a key. Returns whether it was set.
    pub async fn delete(&self, key: &str) -> Result<bool> {
        Ok(self.entries.delete_one(self.entry(key)).await?.deleted_count > 0)
    }

    fn entry(&self, key: &str) -> Document {
        doc! { "_id": { "source": &self.source, "key": key } }
    }
}
