//! What is in the database.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::{ReadPreference, SelectionCriteria};

use super::same::same;
use crate::Error;
use crate::error::code;

/// Server codes, from its `error_codes.yml`.
const NAMESPACE_NOT_FOUND: i32 = 26;
const API_STRICT_ERROR: i32 = 323;

/// How many collections are asked for their indexes at a time.
const AT_A_TIME: usize = 8;

/// How long one command may take. It waits while another one has the collection to itself.
const LIMIT: Duration = Duration::from_secs(10);

/// A batch has everything: a server ends one at 16 MB anyway.
const ONE_BATCH: i32 = 1_000_000;

/// What a look at some names has seen.
#[derive(Debug, Default)]
pub(crate) struct Look {
    named: HashMap<String, There>,
    indexes: HashMap<String, Vec<Index>>,
}

/// A collection or a view.
#[derive(Debug)]
pub(super) struct There {
    pub(super) is_view: bool,
    pub(super) options: Document,
}

#[derive(Debug)]
pub(super) struct Index {
    pub(super) spec: Document,
    pub(super) is_building: bool,
}

impl Look {
    /// Looks at these collections and views, and at the indexes of some of them. Reads that are not of a majority: a fail-over
    /// can undo what they show.
    pub(crate) async fn at(
        database: &Database,
        of: BTreeSet<String>,
        with_indexes: BTreeSet<String>,
    ) -> Result<Self, Error> {
        if of.is_empty() {
            return Ok(Self::default());
        }
        let of: Vec<_> = of.into_iter().map(Bson::from).collect();
        let command = doc! { "listCollections": 1, "filter": { "name": { "$in": of } } };
        let replied = list(database, command).await;
        let replied =
            replied.map_err(|error| Error::server("list the collections that migrations have left", error))?;
        let named: HashMap<_, _> = replied.iter().filter_map(There::parse).collect();
        let asked = with_indexes.into_iter().filter(|name| named.get(name).is_some_and(|there| !there.is_view));
        let indexes = stream::iter(asked).map(|name| async move {
            let indexes = indexes(database, &name).await;
            let indexes = indexes.map_err(|error| Error::server(format!("list the indexes of '{name}'"), error))?;
            Ok::<_, Error>((name, indexes))
        });
        // To the end of all of them: a call of the driver must not be dropped under way.
        let indexes: Vec<_> = indexes.buffer_unordered(AT_A_TIME).collect().await;
        Ok(Self { named, indexes: indexes.into_iter().collect::<Result<_, _>>()? })
    }

    /// One that has seen this.
    #[cfg(test)]
    pub(crate) fn of<N: Into<String>>(
        listed: &[Document],
        indexes: impl IntoIterator<Item = (N, Vec<Document>)>,
    ) -> Self {
        let indexes = indexes.into_iter();
        Self {
            named: listed.iter().filter_map(There::parse).collect(),
            indexes: indexes.map(|(on, listed)| (on.into(), listed.into_iter().map(Index::parse).collect())).collect(),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&There> {
        self.named.get(name)
    }

    pub(super) fn index(&self, on: &str, name: &str) -> Option<&Index> {
        self.indexes.get(on)?.iter().find(|index| index.spec.get_str("name").is_ok_and(|there| there == name))
    }

    pub(super) fn index_by_keys(&self, on: &str, keys: &Bson) -> Option<&Index> {
        self.indexes.get(on)?.iter().find(|index| index.spec.get("key").is_some_and(|there| same(there, keys)))
    }
}

impl There {
    fn parse(listed: &Document) -> Option<(String, Self)> {
        let is_view = listed.get_str("type").is_ok_and(|kind| kind == "view");
        let options = listed.get_document("options").cloned().unwrap_or_default();
        Some((listed.get_str("name").ok()?.to_owned(), Self { is_view, options }))
    }
}

async fn indexes(database: &Database, collection: &str) -> mongodb::error::Result<Vec<Index>> {
    let command = doc! { "listIndexes": collection };
    // Without this, one that is still being built looks as if it were there.
    let mut with_builds = command.clone();
    with_builds.insert("includeBuildUUIDs", true);
    let mut listed = list(database, with_builds).await;
    if matches!(&listed, Err(error) if code(error) == Some(API_STRICT_ERROR)) {
        listed = list(database, command).await;
    }
    match listed {
        Ok(listed) => Ok(listed.into_iter().map(Index::parse).collect()),
        Err(error) if code(&error) == Some(NAMESPACE_NOT_FOUND) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

impl Index {
    fn parse(listed: Document) -> Self {
        match listed.get_document("spec") {
            Ok(spec) => Self { spec: spec.clone(), is_building: listed.contains_key("buildUUID") },
            Err(_) => Self { spec: listed, is_building: false },
        }
    }
}

/// Everything that a command lists, from the primary.
async fn list(database: &Database, mut command: Document) -> mongodb::error::Result<Vec<Document>> {
    command.insert("cursor", doc! { "batchSize": ONE_BATCH });
    command.insert("maxTimeMS", i64::try_from(LIMIT.as_millis()).unwrap_or(i64::MAX));
    let primary = SelectionCriteria::ReadPreference(ReadPreference::Primary);
    database.run_cursor_command(command).selection_criteria(primary).await?.try_collect().await
}
