//! The actual state of the database.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use mongodb::Database;
use mongodb::bson::Bson;
#[cfg(test)]
use mongodb::bson::Document;

use crate::context::catalog;
use crate::context::catalog::same::same;
use crate::context::catalog::{Index, Listed, ListedKind};
use crate::error::Error;

/// Number of concurrent `listIndexes` commands.
const AT_A_TIME: usize = 8;

/// Time limit of one command, which waits while another one holds an exclusive lock on the collection.
const LIMIT: Duration = Duration::from_secs(10);

/// The collections, views and indexes with some names, as they were read.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    named: HashMap<String, Listed>,
    indexes: HashMap<String, Vec<Index>>,
}

impl Snapshot {
    /// Reads these collections and views, and the indexes of some of them. The reads are not majority reads: a fail-over can undo
    /// what they show.
    pub(crate) async fn at(
        database: &Database,
        of: BTreeSet<String>,
        with_indexes: BTreeSet<String>,
    ) -> Result<Self, Error> {
        if of.is_empty() {
            return Ok(Self::default());
        }
        let named = catalog::collections(database, of.iter().map(String::as_str), LIMIT).await;
        let named = named.map_err(|error| Error::server("list the collections that migrations have left", error))?;
        let is_view = |name: &String| named.get(name).is_none_or(|there| there.kind == ListedKind::View);
        let asked = with_indexes.into_iter().filter(|name| !is_view(name));
        let indexes = stream::iter(asked).map(|name| async move {
            let indexes = catalog::indexes(database, &name, LIMIT).await;
            let indexes = indexes.map_err(|error| Error::server(format!("list the indexes of '{name}'"), error))?;
            Ok::<_, Error>((name, indexes))
        });
        // Collects all results before failing, since a driver future must not be dropped before it completes.
        let indexes: Vec<_> = indexes.buffer_unordered(AT_A_TIME).collect().await;
        Ok(Self { named, indexes: indexes.into_iter().collect::<Result<_, _>>()? })
    }

    /// Creates one from the server's replies.
    #[cfg(test)]
    pub(crate) fn of<N: Into<String>>(
        listed: &[Document],
        indexes: impl IntoIterator<Item = (N, Vec<Document>)>,
    ) -> Self {
        let indexes = indexes.into_iter();
        Self {
            named: listed.iter().filter_map(Listed::parse).collect(),
            indexes: indexes.map(|(on, listed)| (on.into(), listed.into_iter().map(Index::parse).collect())).collect(),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Listed> {
        self.named.get(name)
    }

    pub(super) fn index(&self, on: &str, name: &str) -> Option<&Index> {
        self.indexes.get(on)?.iter().find(|index| index.is_named(name))
    }

    pub(super) fn index_by_keys(&self, on: &str, keys: &Bson) -> Option<&Index> {
        self.indexes.get(on)?.iter().find(|index| index.spec.get("key").is_some_and(|there| same(there, keys)))
    }
}
