//! A call of `Schema` that only reads, as a value.

use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};

use super::effect::print;
use super::failure::Failure;
use crate::context::catalog::Index;
use crate::context::catalog::same::NOT_COMPARED;

/// Maximum size of an answer in bytes, because the record of a migration keeps it.
const MOST_BYTES: usize = 64 << 10;

/// The names of the methods.
const KINDS: [&str; 6] = ["collection_exists", "index_exists", "indexes", "options", "find_one", "count"];

/// A call of `Schema` that only reads. Names are those in the database, so a plugin's are prefixed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Query {
    CollectionExists { name: String },
    IndexExists { on: String, name: String },
    Indexes { on: String },
    Options { on: String },
    FindOne { on: String, filter: Document },
    Count { on: String, filter: Document },
}

/// Returns whether an operation of `Schema` with this name only reads.
pub(crate) fn is_query(kind: &str) -> bool {
    KINDS.contains(&kind)
}

impl Query {
    /// Returns the name of the method.
    pub(crate) fn kind(&self) -> &'static str {
        let [collection_exists, index_exists, indexes, options, find_one, count] = KINDS;
        match self {
            Self::CollectionExists { .. } => collection_exists,
            Self::IndexExists { .. } => index_exists,
            Self::Indexes { .. } => indexes,
            Self::Options { .. } => options,
            Self::FindOne { .. } => find_one,
            Self::Count { .. } => count,
        }
    }

    /// Returns the name of the collection or view.
    pub(super) fn on(&self) -> &str {
        match self {
            Self::CollectionExists { name: on }
            | Self::IndexExists { on, .. }
            | Self::Indexes { on }
            | Self::Options { on }
            | Self::FindOne { on, .. }
            | Self::Count { on, .. } => on,
        }
    }

    /// Describes the call for messages: `count documents in 'users'`.
    pub(super) fn described(&self) -> String {
        let on = self.on();
        match self {
            Self::CollectionExists { .. } => format!("look for collection '{on}'"),
            Self::IndexExists { name, .. } => format!("look for index '{name}' on '{on}'"),
            Self::Indexes { .. } => format!("list indexes of '{on}'"),
            Self::Options { .. } => format!("read options of '{on}'"),
            Self::FindOne { .. } => format!("find a document in '{on}'"),
            Self::Count { .. } => format!("count documents in '{on}'"),
        }
    }

    /// Returns the hash of the call with its filter, but without its time limit.
    pub(super) fn print(&self) -> String {
        let mut document = doc! { "op": self.kind(), "on": self.on() };
        match self {
            Self::IndexExists { name, .. } => document.insert("index", name),
            Self::FindOne { filter, .. } | Self::Count { filter, .. } => document.insert("filter", filter.clone()),
            Self::CollectionExists { .. } | Self::Indexes { .. } | Self::Options { .. } => None,
        };
        print(&document)
    }

    /// Returns the command that reads documents, from the collection that is stored under this name. `None` if the call reads none.
    pub(super) fn command(&self, stored: &str) -> Option<Document> {
        let majority = doc! { "level": "majority" };
        match self {
            Self::FindOne { filter, .. } => Some(doc! {
                "find": stored, "filter": filter.clone(), "limit": 1, "singleBatch": true, "readConcern": majority,
            }),
            Self::Count { filter, .. } => {
                let pipeline = [doc! { "$match": filter.clone() }, doc! { "$count": "count" }];
                let pipeline = pipeline.to_vec();
                Some(doc! { "aggregate": stored, "pipeline": pipeline, "cursor": {}, "readConcern": majority })
            }
            Self::CollectionExists { .. } | Self::IndexExists { .. } | Self::Indexes { .. } | Self::Options { .. } => {
                None
            }
        }
    }

    /// Returns the answer of the server to [`command`](Self::command); without documents, the answer for a missing collection.
    pub(super) fn answered(&self, documents: Vec<Document>) -> Bson {
        let first = documents.into_iter().next();
        match self {
            Self::Count { .. } => {
                let count = first.and_then(|first| first.get("count").cloned());
                // The server returns the smallest type that holds it.
                Bson::Int64(count.map_or(0, |count| count.as_i64().or(count.as_i32().map(i64::from)).unwrap_or(0)))
            }
            _ => first.map_or(Bson::Null, Bson::Document),
        }
    }

    /// Returns the answer from the indexes of a collection. One that is still being built does not exist yet.
    pub(super) fn answered_by(&self, indexes: Vec<Index>) -> Bson {
        let mut complete = indexes.into_iter().filter(|index| !index.is_building);
        match self {
            Self::IndexExists { name, .. } => complete.any(|index| index.is_named(name)).into(),
            _ => Bson::Array(complete.map(|index| Bson::Document(shown_index(index.spec))).collect()),
        }
    }

    /// Fails if an answer is too large to be kept.
    pub(super) fn check_size(&self, answer: &Bson) -> Result<(), Failure> {
        let encoded = RawDocumentBuf::try_from(&doc! { "answer": answer.clone() });
        let size = encoded.map_or(0, |encoded| encoded.as_bytes().len());
        if size <= MOST_BYTES {
            return Ok(());
        }
        Err(Failure::Refused(format!(
            "could not {}: the answer has {} kB, and a body that resumes keeps at most {} kB of an answer. Ask for a count, or \
             choose another filter",
            self.described(),
            size.div_ceil(1 << 10),
            MOST_BYTES >> 10,
        )))
    }
}

/// Returns an index as a body sees it: without fields that differ between server versions.
fn shown_index(mut spec: Document) -> Document {
    for field in NOT_COMPARED {
        spec.remove(field);
    }
    spec
}

/// Returns the options of a collection as a body sees them: without defaults, which the server lists only after a `collMod`.
pub(super) fn shown_options(options: &Document) -> Document {
    let is_default = |(key, value): &(&String, &Bson)| match key.as_str() {
        "validationLevel" => value.as_str() == Some("strict"),
        "validationAction" => value.as_str() == Some("error"),
        "validator" => value.as_document().is_some_and(Document::is_empty),
        _ => false,
    };
    let shown = options.iter().filter(|option| !is_default(option));
    shown.map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_not_shown() {
        let options = doc! { "validator": {}, "validationLevel": "strict", "validationAction": "warn", "capped": true };
        assert_eq!(shown_options(&options), doc! { "validationAction": "warn", "capped": true });
    }

    #[test]
    fn fingerprints_of_different_queries_differ() {
        let (on, name) = (|| "users".to_owned(), || "a_1".to_owned());
        let queries = [
            Query::CollectionExists { name: on() },
            Query::IndexExists { on: on(), name: name() },
            Query::Indexes { on: on() },
            Query::Options { on: on() },
            Query::FindOne { on: on(), filter: doc! {} },
            Query::Count { on: on(), filter: doc! {} },
            Query::Count { on: on(), filter: doc! { "a": 1 } },
        ];
        let prints: std::collections::HashSet<_> = queries.iter().map(Query::print).collect();
        assert_eq!(prints.len(), queries.len());
        assert!(queries.iter().all(|query| is_query(query.kind())));
    }

    #[test]
    fn an_answer_has_a_limited_size() {
        let query = Query::FindOne { on: "users".to_owned(), filter: doc! {} };
        let answer = |bytes: usize| Bson::Document(doc! { "text": "x".repeat(bytes) });
        assert!(query.check_size(&answer(65_000)).is_ok());
        let refused = query.check_size(&answer(65_536)).unwrap_err();
        assert!(matches!(refused, Failure::Refused(why) if why.contains("Ask for a count")));
    }
}
