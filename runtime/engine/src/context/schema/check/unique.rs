//! Finds duplicates that a unique index would reject.
//!
//! The server indexes each element of an array, a missing field like null, and an empty array as a value of its own. One document
//! may have the same key twice.

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result;

use super::{Check, EXAMPLES};
use crate::context::schema::command::limited;
use crate::display::{Count, JsonDocument, plural, shorten_document};
use crate::error::codes::DUPLICATE_KEY;

impl Check<'_> {
    /// Searches for duplicates. Returns whether all documents could be searched.
    pub(super) async fn duplicates(&mut self, stored: &str, keys: &Document, spec: &Document) -> Result<bool> {
        let ordered = keys.iter().all(|(field, kind)| kind.as_str().is_none() && !field.contains('$'));
        let positional =
            |path: &str| path.split('.').skip(1).any(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        if !ordered || keys.keys().any(|path| positional(path)) {
            return Ok(false);
        }
        let arrays = self.arrays_on_the_way(stored, keys).await?;
        let stages = duplicates(keys, spec, &arrays);
        let mut aggregate = doc! { "aggregate": stored, "pipeline": stages, "cursor": {}, "allowDiskUse": true };
        if let Some(collation) = spec.get("collation") {
            aggregate.insert("collation", collation.clone());
        }
        let mut found = self.database.run_cursor_command(limited(aggregate, self.max_time)).await?;
        let Some(found) = found.try_next().await? else { return Ok(arrays.is_empty()) };
        let documents_in = |name: &str| found.get_array(name).map(|values| values.iter().filter_map(Bson::as_document));
        let Some(all) = documents_in("all").ok().and_then(|mut all| all.next()) else {
            self.note(if arrays.is_empty() { "no duplicates" } else { "no duplicates among the others" });
            return Ok(arrays.is_empty());
        };
        let (values, times) = (number(all, "values"), number(all, "times"));
        let examples: Vec<_> = documents_in("examples")
            .into_iter()
            .flatten()
            .map(|example| {
                let parts = example.get_document("_id").cloned().unwrap_or_default();
                let named: Document =
                    keys.keys().cloned().zip(parts.into_iter().map(|(_, value)| shown(value))).collect();
                let named = shorten_document(named);
                format!("{} ({})", JsonDocument(&named), plural(number(example, "documents"), "document"))
            })
            .collect();
        let more = if values > examples.len() as u64 { ", .." } else { "" };
        let occur = if values == 1 { "1 value occurs".to_owned() } else { format!("{} values occur", Count(values)) };
        self.obstacle(format!(
            "{occur} more than once, {} times in total: {}{more} (code {DUPLICATE_KEY})",
            Count(times),
            examples.join(", ")
        ));
        Ok(true)
    }

    /// Returns the parents of indexed fields that are arrays in some documents. These documents are not searched.
    async fn arrays_on_the_way<'k>(&mut self, stored: &str, keys: &'k Document) -> Result<Vec<&'k str>> {
        let mut above: Vec<&str> =
            keys.keys().flat_map(|field| field.match_indices('.').map(move |(dot, _)| &field[..dot])).collect();
        above.sort_unstable();
        above.dedup();
        let mut arrays = Vec::new();
        for field in above {
            let is_array = doc! { field: { "$type": "array" } };
            let documents = self.database.collection::<Document>(stored);
            if documents.find_one(is_array).max_time(self.max_time).await?.is_some() {
                self.note(format!("documents in which '{field}' is an array were not searched for duplicates"));
                arrays.push(field);
            }
        }
        Ok(arrays)
    }
}

/// Returns a pipeline with one result: `all` has the number of duplicate values and of their occurrences, `examples` has some of
/// them.
fn duplicates(keys: &Document, spec: &Document, left_out: &[&str]) -> Vec<Document> {
    let mut stages: Vec<_> =
        left_out.iter().map(|field| doc! { "$match": { *field: { "$not": { "$type": "array" } } } }).collect();
    if let Ok(filter) = spec.get_document("partialFilterExpression") {
        stages.push(doc! { "$match": filter.clone() });
    }
    if spec.get_bool("sparse").unwrap_or(false) {
        let exist: Vec<_> = keys.keys().map(|field| doc! { field: { "$exists": true } }).collect();
        stages.push(doc! { "$match": { "$or": exist } });
    }
    let (mut entries, mut group) = (doc! { "_id": 0 }, Document::new());
    for (index, field) in keys.keys().enumerate() {
        let (name, value) = (format!("k{index}"), format!("${field}"));
        let elements = doc! {
            "$cond": [{ "$eq": [&value, []] }, [{ "$literal": Bson::Undefined }], { "$setUnion": [&value, []] }],
        };
        let scalar = vec![doc! { "$cond": [{ "$eq": [{ "$type": &value }, "missing"] }, null, &value] }];
        entries.insert(&name, doc! { "$cond": [{ "$isArray": &value }, elements, scalar] });
        group.insert(&name, format!("${name}"));
    }
    let unwind: Vec<_> = group.keys().map(|name| doc! { "$unwind": format!("${name}") }).collect();
    stages.push(doc! { "$project": entries });
    stages.extend(unwind);
    stages.push(doc! { "$group": { "_id": group, "documents": { "$sum": 1 } } });
    stages.push(doc! { "$match": { "documents": { "$gt": 1 } } });
    let all = doc! { "$group": { "_id": null, "values": { "$sum": 1 }, "times": { "$sum": "$documents" } } };
    let examples = [doc! { "$sort": { "documents": -1, "_id": 1 } }, doc! { "$limit": EXAMPLES }];
    stages.push(doc! { "$facet": { "all": [all], "examples": examples.to_vec() } });
    stages
}

/// Shows an indexed value. The server indexes an empty array as undefined.
fn shown(value: Bson) -> Bson {
    if value == Bson::Undefined { Bson::Array(Vec::new()) } else { value }
}

/// Reads a count, which the server returns in the smallest type that holds it.
fn number(document: &Document, name: &str) -> u64 {
    let count = document.get_i32(name).map(i64::from).or_else(|_| document.get_i64(name));
    count.ok().and_then(|count| count.try_into().ok()).unwrap_or(0)
}
