//! Collections, views and indexes as the server lists them.

pub(crate) mod same;

use std::collections::HashMap;
use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result;
use mongodb::options::{ReadPreference, SelectionCriteria};

use crate::error::code;
use crate::error::codes::{API_STRICT_ERROR, NAMESPACE_NOT_FOUND};

/// Large enough that one batch has all entries. The server ends a batch at 16 MB anyway.
const ONE_BATCH: i32 = 1_000_000;

/// An entry of `listCollections`.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) kind: ListedKind,
    /// Identifies a collection across renames and recreation. A view has none.
    pub(crate) uuid: Option<Bson>,
    pub(crate) options: Document,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListedKind {
    Collection,
    View,
    TimeSeries,
}

/// An entry of `listIndexes`: name, keys and options.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    pub(crate) spec: Document,
    pub(crate) is_building: bool,
}

/// Lists the collections and views with these names: one command. A fail-over can undo what it shows.
pub(crate) async fn collections<'n>(
    database: &Database,
    names: impl IntoIterator<Item = &'n str>,
    limit: Duration,
) -> Result<HashMap<String, Listed>> {
    Ok(parse_collections(&list(database, list_collections(names), limit).await?))
}

/// Lists the indexes of a collection, including those that are still being built. Empty if the collection does not exist.
pub(crate) async fn indexes(database: &Database, collection: &str, limit: Duration) -> Result<Vec<Index>> {
    let mut listed = list(database, list_indexes(collection, true), limit).await;
    if is_beyond_the_stable_api(&listed) {
        listed = list(database, list_indexes(collection, false), limit).await;
    }
    parse_indexes(listed)
}

pub(crate) fn list_collections<'n>(names: impl IntoIterator<Item = &'n str>) -> Document {
    let names = names.into_iter().flat_map(|name| [name.to_owned(), buckets(name)]);
    let names: Vec<_> = names.map(Bson::String).collect();
    doc! { "listCollections": 1, "filter": { "name": { "$in": names } }, "cursor": { "batchSize": ONE_BATCH } }
}

/// Parses the reply to [`list_collections`].
pub(crate) fn parse_collections(listed: &[Document]) -> HashMap<String, Listed> {
    let mut found: HashMap<_, _> = listed.iter().filter_map(Listed::parse).collect();
    let series: Vec<_> =
        found.iter().filter(|(_, there)| there.kind == ListedKind::TimeSeries).map(|(name, _)| name.clone()).collect();
    for name in series {
        // A time series is a view of its buckets.
        let uuid = found.get(&buckets(&name)).and_then(|buckets| buckets.uuid.clone());
        if let Some(series) = found.get_mut(&name) {
            series.uuid = uuid;
        }
    }
    found
}

/// Without `includeBuildUUIDs`, an index that is still being built cannot be told from a complete one.
pub(crate) fn list_indexes(collection: &str, with_builds: bool) -> Document {
    let mut command = doc! { "listIndexes": collection, "cursor": { "batchSize": ONE_BATCH } };
    if with_builds {
        command.insert("includeBuildUUIDs", true);
    }
    command
}

pub(crate) fn is_beyond_the_stable_api<T>(listed: &Result<T>) -> bool {
    matches!(listed, Err(error) if code(error) == Some(API_STRICT_ERROR))
}

/// Parses the reply to [`list_indexes`]. Empty if the collection does not exist.
pub(crate) fn parse_indexes(listed: Result<Vec<Document>>) -> Result<Vec<Index>> {
    match listed {
        Ok(listed) => Ok(listed.into_iter().map(Index::parse).collect()),
        Err(error) if code(&error) == Some(NAMESPACE_NOT_FOUND) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

impl Listed {
    pub(crate) fn parse(listed: &Document) -> Option<(String, Self)> {
        let kind = match listed.get_str("type") {
            Ok("view") => ListedKind::View,
            Ok("timeseries") => ListedKind::TimeSeries,
            _ => ListedKind::Collection,
        };
        let uuid = listed.get_document("info").ok().and_then(|info| info.get("uuid")).cloned();
        let options = listed.get_document("options").cloned().unwrap_or_default();
        Some((listed.get_str("name").ok()?.to_owned(), Self { kind, uuid, options }))
    }
}

impl Index {
    pub(crate) fn parse(listed: Document) -> Self {
        match listed.get_document("spec") {
            Ok(spec) => Self { spec: spec.clone(), is_building: listed.contains_key("buildUUID") },
            Err(_) => Self { spec: listed, is_building: false },
        }
    }

    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.spec.get_str("name").is_ok_and(|there| there == name)
    }
}

fn buckets(name: &str) -> String {
    format!("system.buckets.{name}")
}

/// Runs a cursor command on the primary and collects all documents.
async fn list(database: &Database, mut command: Document, limit: Duration) -> Result<Vec<Document>> {
    command.insert("maxTimeMS", i64::try_from(limit.as_millis()).unwrap_or(i64::MAX).max(1));
    let primary = SelectionCriteria::ReadPreference(ReadPreference::Primary);
    database.run_cursor_command(command).selection_criteria(primary).await?.try_collect().await
}
