//! Indexes: whether one is there already, and in the way.

use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result;
use mongodb::options::{Collation, CollationStrength, IndexOptions};

use super::super::first_batch;
use super::{Check, Described};
use crate::error::codes::{INDEX_KEY_SPECS_CONFLICT, INDEX_OPTIONS_CONFLICT};
use crate::grouped::counted;
use crate::json::JsonDocument;

impl Check<'_> {
    pub(super) async fn create_index(&mut self, keys: &Document, options: &IndexOptions) -> Result<()> {
        let collection = match self.described(self.collection).await? {
            None => {
                self.note(format!("'{}' is not there: it would be created with the index", self.collection));
                self.projection.create(self.collection, false, Document::new());
                self.projection.create_index(self.collection, projected(keys, options));
                return Ok(());
            }
            Some(there) if there.is_view => {
                self.obstacle(format!("'{}' is a view", self.collection));
                return Ok(());
            }
            Some(there) => there,
        };
        let there = self.indexes(&collection).await?;
        let name = options.name.clone().unwrap_or_else(|| default_name(keys));
        let same_name = there.iter().find(|index| is_named(index, &name));
        let conflict = match same_name {
            Some(index) if !same_signature(index, keys, options) => Some((INDEX_KEY_SPECS_CONFLICT, index)),
            Some(index) if !same_age(index, options) => Some((INDEX_OPTIONS_CONFLICT, index)),
            Some(_) => {
                self.note("the same index is there already: nothing would be done");
                return Ok(());
            }
            // Indexes on the same keys may differ in their options, but then they need different names.
            None => {
                there.iter().find(|index| same_signature(index, keys, options)).map(|i| (INDEX_OPTIONS_CONFLICT, i))
            }
        };
        if let Some((code, index)) = conflict {
            let mut index = index.clone();
            index.remove("v");
            self.obstacle(format!("another index is in the way (code {code}): {}", JsonDocument(&index)));
            return Ok(());
        }
        let count = self.estimated_count(&collection).await?;
        self.note(format!("{} would be scanned", counted(count, "document")));
        if let (Some(true), Some(stored)) = (options.unique, &collection.stored)
            && count > 0
        {
            self.duplicates(stored, keys, options).await?;
        }
        self.projection.create_index(self.collection, projected(keys, options));
        Ok(())
    }

    pub(super) async fn drop_index(&mut self, name: &str) -> Result<()> {
        let there = match self.described(self.collection).await? {
            Some(collection) => self.indexes(&collection).await?,
            None => Vec::new(),
        };
        match there.iter().find(|index| is_named(index, name)) {
            _ if name == "_id_" => self.obstacle("the index on `_id` cannot be dropped"),
            _ if name == "*" => {
                let count = there.len().saturating_sub(1) as u64;
                let indexes = if count == 1 { "1 index".to_owned() } else { format!("{count} indexes") };
                self.note(format!("{indexes} would be dropped"));
            }
            Some(index) => {
                let keys = index.get_document("key").cloned().unwrap_or_default();
                self.note(format!("the index '{name}' on {} would be dropped", JsonDocument(&keys)));
            }
            None => self.note(format!("there is no index '{name}': nothing would be done")),
        }
        self.projection.drop_index(self.collection, name);
        Ok(())
    }

    /// As the server has them, with what earlier operations would have done.
    async fn indexes(&self, there: &Described) -> Result<Vec<Document>> {
        let stored = match &there.stored {
            Some(stored) => {
                let reply = self.database.run_command(self.bounded(doc! { "listIndexes": stored })).await?;
                first_batch(&reply).cloned().collect()
            }
            None => Vec::new(),
        };
        Ok(self.projection.indexes(self.collection, stored))
    }
}

fn is_named(index: &Document, name: &str) -> bool {
    index.get_str("name").is_ok_and(|there| there == name)
}

/// An index as the server would have it, as far as it is compared.
fn projected(keys: &Document, options: &IndexOptions) -> Document {
    let name = options.name.clone().unwrap_or_else(|| default_name(keys));
    let mut index = doc! { "key": keys.clone(), "name": name };
    for (flag, set) in [("unique", options.unique), ("sparse", options.sparse)] {
        if set == Some(true) {
            index.insert(flag, true);
        }
    }
    if let Some(filter) = &options.partial_filter_expression {
        index.insert("partialFilterExpression", filter.clone());
    }
    if let Some(collation) = &options.collation {
        index.insert("collation", doc! { "locale": &collation.locale, "strength": strength(collation) });
    }
    if let Some(age) = options.expire_after {
        index.insert("expireAfterSeconds", i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
    }
    index
}

/// The name that the driver gives.
pub(in crate::context::schema) fn default_name(keys: &Document) -> String {
    let parts = keys.iter().map(|(field, direction)| match direction {
        Bson::String(kind) => format!("{field}_{kind}"),
        other => format!("{field}_{other}"),
    });
    parts.collect::<Vec<_>>().join("_")
}

/// What tells indexes on the same keys apart for the server.
fn same_signature(index: &Document, keys: &Document, options: &IndexOptions) -> bool {
    let flag = |name| index.get_bool(name).unwrap_or(false);
    index.get_document("key").is_ok_and(|there| same_keys(there, keys))
        && flag("unique") == options.unique.unwrap_or(false)
        && flag("sparse") == options.sparse.unwrap_or(false)
        && index.get_document("partialFilterExpression").ok() == options.partial_filter_expression.as_ref()
        && match (index.get_document("collation"), &options.collation) {
            (Ok(there), Some(wanted)) => same_collation(there, wanted),
            // Without one it gets the collection's.
            (_, None) => true,
            (Err(_), Some(wanted)) => wanted.locale == "simple",
        }
}

/// In the same order. The server keeps the fields of a text index in another form, by which they cannot be compared.
fn same_keys(there: &Document, wanted: &Document) -> bool {
    let is_text = there.contains_key("_fts") && wanted.values().any(|kind| kind.as_str() == Some("text"));
    let same = |(there, wanted): ((&String, &Bson), (&String, &Bson))| {
        there.0 == wanted.0 && (there.1 == wanted.1 || number(there.1).is_some_and(|n| Some(n) == number(wanted.1)))
    };
    is_text || there.len() == wanted.len() && there.iter().zip(wanted).all(same)
}

/// A collation as the server has it says everything; one that is asked for says what is not the default.
fn same_collation(there: &Document, wanted: &Collation) -> bool {
    there.get_str("locale").is_ok_and(|locale| locale == wanted.locale)
        && there.get_i32("strength").is_ok_and(|there| there == strength(wanted))
}

fn strength(collation: &Collation) -> i32 {
    match collation.strength {
        Some(CollationStrength::Primary) => 1,
        Some(CollationStrength::Secondary) => 2,
        Some(CollationStrength::Quaternary) => 4,
        Some(CollationStrength::Identical) => 5,
        _ => 3,
    }
}

fn same_age(index: &Document, options: &IndexOptions) -> bool {
    #[allow(clippy::cast_precision_loss, reason = "seconds that a double cannot tell apart are the same to a person")]
    let wanted = options.expire_after.map(|age| age.as_secs() as f64);
    index.get("expireAfterSeconds").and_then(number) == wanted
}

fn number(value: &Bson) -> Option<f64> {
    match value {
        Bson::Int32(value) => Some((*value).into()),
        #[allow(clippy::cast_precision_loss, reason = "a direction or an age is small")]
        Bson::Int64(value) => Some(*value as f64),
        Bson::Double(value) => Some(*value),
        _ => None,
    }
}
