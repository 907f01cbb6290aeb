//! Reads of the database before an effect, and of an effect in doubt.

use mongodb::bson::{Bson, Document};
use mongodb::error::Result as DriverResult;

use super::command::limited;
use super::effect::Effect;
use super::log::Entry;
use super::perform::Performer;
use super::seen::{Seen, Settled, indexes_there, settled, still_there};
use super::server::Server;
use crate::context::catalog;
use crate::context::catalog::Index;

impl<S: Server> Performer<S> {
    /// Reads the collections and views with these names: one command. A fail-over can undo what it shows.
    pub(super) async fn read_once(&self, names: &[&str]) -> DriverResult<Seen> {
        let asked = names.iter().copied().chain([self.home.as_str()]);
        let found = catalog::parse_collections(&self.list(catalog::list_collections(asked)).await?);
        let home = found.get(&self.home).and_then(|home| home.uuid.clone());
        Ok(Seen { named: found, home })
    }

    pub(super) async fn indexes(&self, collection: &str) -> DriverResult<Vec<Index>> {
        let mut listed = self.list(catalog::list_indexes(collection, true)).await;
        if catalog::is_beyond_the_stable_api(&listed) {
            listed = self.list(catalog::list_indexes(collection, false)).await;
        }
        catalog::parse_indexes(listed)
    }

    pub(super) async fn list(&self, command: Document) -> DriverResult<Vec<Document>> {
        let reply = self.server.read(limited(command, self.max_time)).await?;
        let batch = reply.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch"));
        Ok(batch.into_iter().flatten().filter_map(Bson::as_document).cloned().collect())
    }

    /// Reads whether an effect in doubt has taken effect.
    pub(super) async fn is_in_effect(&self, entry: &Entry) -> DriverResult<Settled> {
        let before = &entry.before;
        Ok(match &entry.effect {
            Effect::Drop { name } => self.read_once(&[name]).await?.dropped(name, before),
            Effect::Rename { from, to, .. } => self.read_once(&[from, to]).await?.renamed(from, to, before),
            Effect::CreateCollection { name, options } => self.read_once(&[name]).await?.created(name, options, before),
            Effect::CreateView { name, on, pipeline } => {
                settled(self.read_once(&[name]).await?.get(name).is_some_and(|there| there.is_the_view(on, pipeline)))
            }
            Effect::CreateIndexes { on, specs } => indexes_there(&self.indexes(on).await?, specs),
            Effect::DropIndex { on, name } => {
                settled(!self.indexes(on).await?.iter().any(|index| index.is_dropped_by(name)))
            }
            Effect::DropIndexes { on } => settled(still_there(&self.indexes(on).await?, before).is_empty()),
            Effect::Modify { on, fields } => {
                let indexes = if fields.contains_key("index") { self.indexes(on).await? } else { Vec::new() };
                self.read_once(&[on]).await?.modified(on, fields, &indexes)
            }
        })
    }
}
