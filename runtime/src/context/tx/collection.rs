//! A collection in a transaction: the driver's operations, with the session attached.

use std::borrow::Borrow;
use std::sync::Arc;

use mongodb::Collection;
use mongodb::action::{
    Aggregate, CountDocuments, Delete, Distinct, Find, FindOne, FindOneAndDelete, FindOneAndReplace, FindOneAndUpdate,
    InsertMany, InsertOne, ReplaceOne, Update,
};
use mongodb::bson::Document;
use mongodb::options::UpdateModifications;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::probe::Aim;
use super::{Pending, Shared};
use crate::Error;

/// A collection whose operations all belong to one transaction.
///
/// The methods are those of [`mongodb::Collection`], with the same arguments and results; their options are set
/// through [`Pending::with`]. What is not here (indexes, `drop`, `estimated_document_count`, `watch`) the server does not
/// have in a transaction.
///
/// ```
/// # use mongodb::bson::{Document, doc};
/// # async fn body(tx: &mut mongrate::Tx) -> Result<(), mongodb::error::Error> {
/// let orders = tx.collection::<Document>("orders");
/// let mut unpaid = orders.find(doc! { "paid": false }).with(|find| find.sort(doc! { "_id": 1 })).await?;
/// while let Some(order) = unpaid.next().await {
///     orders.update_one(doc! { "_id": order?.get("_id") }, doc! { "$set": { "state": "open" } }).await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct TxCollection<T: Send + Sync> {
    tx: Arc<Shared>,
    collection: Collection<T>,
}

impl<T: Send + Sync> TxCollection<T> {
    pub(super) fn new(tx: Arc<Shared>, name: &str) -> Self {
        let collection = tx.database.collection(&tx.scope.collection(name));
        Self { tx, collection }
    }

    /// The key-value store's own collection, which is not the plugin's.
    pub(super) fn kv(tx: Arc<Shared>) -> Self {
        let collection = tx.database.collection(&tx.kv);
        Self { tx, collection }
    }

    /// The collection's name in the database, with the prefix of a plugin.
    #[must_use]
    pub fn name(&self) -> &str {
        self.collection.name()
    }

    fn pending<A>(&self, kind: &'static str, action: A) -> Pending<'_, A> {
        Pending::new(self.tx.clone(), kind, self.collection.name(), Aim::Nothing, Ok(action))
    }

    fn inserting<A>(&self, kind: &'static str, action: A) -> Pending<'_, A> {
        Pending::new(self.tx.clone(), kind, self.collection.name(), Aim::New, Ok(action))
    }

    fn changing<A>(&self, kind: &'static str, filter: Option<Document>, action: A) -> Pending<'_, A> {
        let aim = filter.map_or(Aim::Nothing, Aim::Matches);
        Pending::new(self.tx.clone(), kind, self.collection.name(), aim, Ok(action))
    }

    /// A dry run looks at what a write is about to change.
    fn aim(&self, filter: &Document) -> Option<Document> {
        self.tx.dry_run.then(|| filter.clone())
    }

    /// See [`Collection::find`].
    pub fn find(&self, filter: Document) -> Pending<'_, Find<'_, T>> {
        self.pending("find", self.collection.find(filter))
    }

    /// See [`Collection::aggregate`]. For a plugin, collections that the pipeline names are its own. `$out` and
    /// `$merge` are refused: the server does not have them in a transaction.
    pub fn aggregate(&self, pipeline: impl IntoIterator<Item = Document>) -> Pending<'_, Aggregate<'_>> {
        let action = self.tx.scope.pipeline(pipeline).map(|stages| self.collection.aggregate(stages));
        Pending::new(
            self.tx.clone(),
            "aggregate",
            self.collection.name(),
            Aim::Nothing,
            action.map_err(Error::into_driver),
        )
    }

    /// See [`Collection::count_documents`].
    pub fn count_documents(&self, filter: Document) -> Pending<'_, CountDocuments<'_>> {
        self.pending("count_documents", self.collection.count_documents(filter))
    }

    /// See [`Collection::distinct`].
    pub fn distinct(&self, field: impl AsRef<str>, filter: Document) -> Pending<'_, Distinct<'_>> {
        self.pending("distinct", self.collection.distinct(field, filter))
    }

    /// See [`Collection::update_one`].
    pub fn update_one(&self, filter: Document, update: impl Into<UpdateModifications>) -> Pending<'_, Update<'_>> {
        self.changing("update_one", self.aim(&filter), self.collection.update_one(filter, update))
    }

    /// See [`Collection::update_many`].
    pub fn update_many(&self, filter: Document, update: impl Into<UpdateModifications>) -> Pending<'_, Update<'_>> {
        self.changing("update_many", self.aim(&filter), self.collection.update_many(filter, update))
    }

    /// See [`Collection::delete_one`].
    pub fn delete_one(&self, filter: Document) -> Pending<'_, Delete<'_>> {
        self.changing("delete_one", self.aim(&filter), self.collection.delete_one(filter))
    }

    /// See [`Collection::delete_many`].
    pub fn delete_many(&self, filter: Document) -> Pending<'_, Delete<'_>> {
        self.changing("delete_many", self.aim(&filter), self.collection.delete_many(filter))
    }
}

impl<T: Serialize + Send + Sync> TxCollection<T> {
    /// See [`Collection::insert_one`].
    pub fn insert_one(&self, document: impl Borrow<T>) -> Pending<'_, InsertOne<'_>> {
        self.inserting("insert_one", self.collection.insert_one(document))
    }

    /// See [`Collection::insert_many`].
    pub fn insert_many(&self, documents: impl IntoIterator<Item = impl Borrow<T>>) -> Pending<'_, InsertMany<'_>> {
        self.inserting("insert_many", self.collection.insert_many(documents))
    }

    /// See [`Collection::replace_one`].
    pub fn replace_one(&self, filter: Document, replacement: impl Borrow<T>) -> Pending<'_, ReplaceOne<'_>> {
        self.changing("replace_one", self.aim(&filter), self.collection.replace_one(filter, replacement))
    }
}

impl<T: DeserializeOwned + Send + Sync> TxCollection<T> {
    /// See [`Collection::find_one`].
    pub fn find_one(&self, filter: Document) -> Pending<'_, FindOne<'_, T>> {
        self.pending("find_one", self.collection.find_one(filter))
    }

    /// See [`Collection::find_one_and_update`].
    pub fn find_one_and_update(
        &self,
        filter: Document,
        update: impl Into<UpdateModifications>,
    ) -> Pending<'_, FindOneAndUpdate<'_, T>> {
        self.changing("find_one_and_update", self.aim(&filter), self.collection.find_one_and_update(filter, update))
    }

    /// See [`Collection::find_one_and_delete`].
    pub fn find_one_and_delete(&self, filter: Document) -> Pending<'_, FindOneAndDelete<'_, T>> {
        self.changing("find_one_and_delete", self.aim(&filter), self.collection.find_one_and_delete(filter))
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync> TxCollection<T> {
    /// See [`Collection::find_one_and_replace`].
    pub fn find_one_and_replace(
        &self,
        filter: Document,
        replacement: impl Borrow<T>,
    ) -> Pending<'_, FindOneAndReplace<'_, T>> {
        self.changing(
            "find_one_and_replace",
            self.aim(&filter),
            self.collection.find_one_and_replace(filter, replacement),
        )
    }
}
