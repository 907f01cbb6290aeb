//! Answers to queries, as after the earlier operations of a dry run.

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result;

use super::super::perform::VALIDATION;
use super::super::query::{Query, shown_options};
use super::{Check, Described};
use crate::context::catalog::{Index, ListedKind};
use crate::context::schema::command::limited;
use crate::context::schema::effect::index_name;
use crate::error::Readable;

/// The answer, or the reason why it is unknown.
type Answer = std::result::Result<Bson, String>;

/// The fields of an index that the server lists as they were given.
const AS_GIVEN: [&str; 5] = ["key", "name", "unique", "sparse", "hidden"];

impl Check<'_> {
    /// Answers a query. A read that fails does not mean that it would fail after the earlier operations.
    pub(in super::super) async fn answer(&self, query: &Query) -> Answer {
        if self.projection.is_doubtful(self.collection) {
            return Err(format!("an earlier operation on '{}' cannot be predicted", self.collection));
        }
        self.look(query).await.unwrap_or_else(|error| Err(Readable(&error).to_string()))
    }

    async fn look(&self, query: &Query) -> Result<Answer> {
        let there = self.described(self.collection).await?;
        Ok(match (query, there) {
            (Query::CollectionExists { .. }, there) => Ok(there.is_some().into()),
            (Query::Options { .. }, None) => Ok(Bson::Null),
            (Query::Options { .. }, Some(there)) => options(&there),
            (Query::FindOne { .. } | Query::Count { .. }, Some(there)) => {
                return self.documents_in(query, &there).await;
            }
            (Query::FindOne { .. } | Query::Count { .. }, None) => Ok(query.answered(Vec::new())),
            (Query::IndexExists { .. } | Query::Indexes { .. }, Some(there)) if there.kind != ListedKind::View => {
                self.indexes_of(query, &there).await?
            }
            (Query::IndexExists { .. } | Query::Indexes { .. }, _) => Ok(query.answered_by(Vec::new())),
        })
    }

    async fn documents_in(&self, query: &Query, there: &Described) -> Result<Answer> {
        let stored = match there {
            Described { kind: ListedKind::View, .. } => {
                return Ok(Err(format!("'{}' is a view, whose collections may have changed", self.collection)));
            }
            Described { stored: None, .. } => return Ok(Ok(query.answered(Vec::new()))),
            Described { stored: Some(stored), .. } => stored,
        };
        let command = query.command(stored).unwrap_or_default();
        let found = self.database.run_cursor_command(limited(command, self.max_time)).await?;
        let found: Vec<Document> = found.try_collect().await?;
        Ok(Ok(query.answered(found)))
    }

    async fn indexes_of(&self, query: &Query, there: &Described) -> Result<Answer> {
        let mut indexes = self.indexes(there).await?;
        if there.stored.is_none() {
            if there.kind == ListedKind::TimeSeries || there.options.contains_key("clusteredIndex") {
                return Ok(Err("the server decides which indexes a new collection of this kind has".to_owned()));
            }
            let primary = doc! { "key": { "_id": 1 }, "name": "_id_" };
            indexes.insert(0, Index { spec: primary, is_building: false });
        }
        let inherits = there.options.contains_key("collation");
        // The server lists the version of an index that exists.
        let is_new = |index: &&Index| !index.spec.contains_key("v");
        let completed = indexes.iter().filter(is_new).find(|index| inherits || !is_as_given(&index.spec));
        if let (Query::Indexes { .. }, Some(index)) = (query, completed) {
            return Ok(Err(format!("the server would add details to the index '{}'", index_name(&index.spec))));
        }
        Ok(Ok(query.answered_by(indexes)))
    }
}

/// Returns the options of a collection, unless the server would list others than were given.
fn options(there: &Described) -> Answer {
    let kept = |key: &String| VALIDATION.contains(&key.as_str()) || ["viewOn", "pipeline"].contains(&key.as_str());
    let is_known = match &there.stored {
        Some(_) => !there.options.contains_key("changeStreamPreAndPostImages"),
        None => there.options.keys().all(kept),
    };
    if is_known {
        Ok(shown_options(&there.options).into())
    } else {
        Err("the server would complete its options".to_owned())
    }
}

/// Returns whether the server lists an index as it was given.
fn is_as_given(spec: &Document) -> bool {
    let plain = |kind: &Bson| matches!(kind, Bson::Int32(_)) || kind.as_str() == Some("hashed");
    spec.keys().all(|field| AS_GIVEN.contains(&field.as_str()))
        && spec.get_document("key").is_ok_and(|keys| keys.values().all(plain))
        && spec.values().all(|value| value.as_bool() != Some(false))
}
