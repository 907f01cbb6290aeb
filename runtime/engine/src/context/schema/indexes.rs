//! The methods of `Schema` for indexes.

use std::collections::HashSet;

use mongodb::bson::Document;

use super::Schema;
use super::effect::{ALL_INDEXES, Effect, index_name};
use super::failure::Failure;
use super::index::{CreateIndex, Index};
use crate::error::Error;

impl Schema {
    /// Creates an index, unless the same one exists, and its collection if that is missing. Fails if an index with the same name or
    /// keys differs. Set its options before awaiting it:
    ///
    /// ```
    /// # use mongrate::{Schema, migration};
    /// # use mongodb::bson::doc;
    /// # async fn body(schema: &mut Schema) -> Result<(), mongrate::Error> {
    /// schema.create_index("users", doc! { "email": 1 }).unique().partial(doc! { "email": { "$exists": true } }).await
    /// # }
    /// ```
    pub fn create_index(&mut self, collection: &str, keys: Document) -> CreateIndex<'_> {
        CreateIndex::new(self, collection, keys)
    }

    /// Creates several indexes with one command, which scans the collection once: all of them, or none if one fails. Indexes that
    /// exist already stay. An empty list does nothing.
    ///
    /// Each item is an [`Index`], or just the keys:
    ///
    /// ```
    /// # use mongrate::Schema;
    /// # use mongodb::bson::doc;
    /// use mongrate::context::Index;
    ///
    /// # async fn body(schema: &mut Schema) -> Result<(), mongrate::Error> {
    /// let by_customer = Index::new(doc! { "customer": 1, "placedAt": -1 });
    /// let by_reference = Index::new(doc! { "reference": 1 }).unique().named("by_reference");
    /// schema.create_indexes("orders", [by_customer, by_reference]).await
    /// # }
    /// ```
    pub async fn create_indexes(
        &mut self,
        collection: &str,
        indexes: impl IntoIterator<Item: Into<Index>>,
    ) -> Result<(), Error> {
        let on = self.scope.collection(collection);
        let specs = indexes.into_iter().map(|index| index.into().spec()).collect::<Result<Vec<_>, _>>()?;
        let mut names = HashSet::new();
        if let Some(twice) = specs.iter().map(index_name).find(|name| !names.insert(*name)) {
            let why = format!("could not create indexes on '{on}': the name '{twice}' is listed twice");
            self.performer.refuse(Failure::Refused(why));
        }
        if specs.is_empty() {
            return self.performer.enter();
        }
        self.run(Effect::CreateIndexes { on, specs }).await
    }

    /// Drops an index by name. Does nothing if the index or its collection is missing.
    pub async fn drop_index(&mut self, collection: &str, name: &str) -> Result<(), Error> {
        if name == ALL_INDEXES {
            return self.drop_indexes(collection).await;
        }
        let on = self.scope.collection(collection);
        self.run(Effect::DropIndex { on, name: name.to_owned() }).await
    }

    /// Drops all indexes of a collection that exist when the operation starts, except the one on `_id`. Does nothing if there are
    /// none, or if the collection is missing.
    pub async fn drop_indexes(&mut self, collection: &str) -> Result<(), Error> {
        let on = self.scope.collection(collection);
        self.run(Effect::DropIndexes { on }).await
    }
}
