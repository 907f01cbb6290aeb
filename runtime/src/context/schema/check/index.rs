//! Indexes: whether one is there already, and in the way.

use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result;
use mongodb::options::{Collation, CollationStrength, IndexOptions};

use super::{Check, NAMESPACE_NOT_FOUND, first_batch};
use crate::error::code;
use crate::grouped::counted;
use crate::json::JsonDocument;

/// Server codes, from its `error_codes.yml`.
const INDEX_OPTIONS_CONFLICT: i32 = 85;
const INDEX_KEY_SPECS_CONFLICT: i32 = 86;

impl Check<'_> {
    pub(super) async fn create_index(&mut self, keys: &Document, options: &IndexOptions) -> Result<()> {
        match self.described(self.collection).await? {
            None => {
                self.note(format!("'{}' is not there: it would be created with the index", self.collection));
                return Ok(());
            }
            Some(there) if there.is_view => {
                self.obstacle(format!("'{}' is a view", self.collection));
                return Ok(());
            }
            Some(_) => {}
        }
        let there = self.indexes().await?;
        let name = options.name.clone().unwrap_or_else(|| default_name(keys));
        let same_name = there.iter().find(|index| index.get_str("name") == Ok(&name));
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
        let count = self.estimated_count().await?;
        self.note(format!("{} would be scanned", counted(count, "document")));
        if options.unique == Some(true) && count > 0 {
            self.duplicates(keys, options).await?;
        }
        Ok(())
    }

    pub(super) async fn drop_index(&mut self, name: &str) -> Result<()> {
        let there = self.indexes().await?;
        let named = |index: &&Document| index.get_str("name") == Ok(name);
        match there.iter().find(named) {
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
        Ok(())
    }

    /// As the server has them; none when there is no collection.
    async fn indexes(&self) -> Result<Vec<Document>> {
        match self.database.run_command(self.bounded(doc! { "listIndexes": self.collection })).await {
            Ok(reply) => Ok(first_batch(&reply).cloned().collect()),
            Err(error) if code(&error) == Some(NAMESPACE_NOT_FOUND) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// The name that the driver gives.
fn default_name(keys: &Document) -> String {
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
    let strength = match wanted.strength {
        Some(CollationStrength::Primary) => 1,
        Some(CollationStrength::Secondary) => 2,
        Some(CollationStrength::Quaternary) => 4,
        Some(CollationStrength::Identical) => 5,
        _ => 3,
    };
    there.get_str("locale") == Ok(&wanted.locale) && there.get_i32("strength") == Ok(strength)
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
