//! A collection in a transaction: the driver's operations, with the session attached.

use std::borrow::Borrow;
use std::sync::Arc;

use mongodb::Collection;
use mongodb::action::{
    Aggregate, CountDocuments, Delete, Distinct, Find, FindOne, FindOneAndDelete, FindOneAndReplace, FindOneAndUpdate,
    InsertMany, InsertOne, ReplaceOne, Update,
};
use mongodb::bson::{Document, RawDocumentBuf};
use mongodb::error::{Error as DriverError, Result};
use mongodb::options::UpdateModifications;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::action::boxed;
use super::each::{Change, Pair};
use super::probe::{Affected, Target};
use super::raw::Replaced;
use super::{Mode, Shared, Transactional, TxAction, UpdateEach};
use crate::context::encoding::raw;
use crate::error::Error;

/// A collection whose operations are part of a transaction.
///
/// The methods are those of [`mongodb::Collection`], with the same arguments and results, and [`update_each`](Self::update_each)
/// and [`replace_each`](Self::replace_each) in place of `bulk_write`. Options are set with [`TxAction::with`]. Operations that
/// the server does not support in a transaction are missing: indexes, `drop`, `estimated_document_count` and `watch`.
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
    /// Why its operations fail.
    refusal: Option<DriverError>,
}

impl<T: Send + Sync> TxCollection<T> {
    pub(super) fn new(tx: Arc<Shared>, name: &str) -> Self {
        let collection = tx.database.collection(&tx.scope.collection(name));
        Self { tx, collection, refusal: None }
    }

    /// Returns a collection of another database.
    pub(super) fn elsewhere(tx: Arc<Shared>, collection: Collection<T>, refusal: Option<DriverError>) -> Self {
        Self { tx, collection, refusal }
    }

    /// Returns the collection of the key-value store, which is shared by all sources.
    pub(super) fn kv(tx: Arc<Shared>) -> Self {
        let collection = tx.database.collection(&tx.kv);
        Self { tx, collection, refusal: None }
    }

    /// Returns the name in its database, including the prefix of a plugin.
    #[must_use]
    pub fn name(&self) -> &str {
        self.collection.name()
    }

    /// Creates an operation.
    fn action<A: Transactional>(
        &self,
        kind: &'static str,
        affected: Affected,
        build: impl for<'c> FnOnce(&'c Collection<A::Item>) -> A::Action<'c> + Send + 'static,
    ) -> TxAction<A> {
        self.try_action(kind, affected, Ok(()), |()| build)
    }

    /// Creates an operation from a value. An error is returned when the operation is awaited.
    fn try_action<A: Transactional, V, B>(
        &self,
        kind: &'static str,
        affected: Affected,
        value: Result<V>,
        build: impl FnOnce(V) -> B,
    ) -> TxAction<A>
    where
        B: for<'c> FnOnce(&'c Collection<A::Item>) -> A::Action<'c> + Send + 'static,
    {
        let allowed = self.refusal.clone().map_or(Ok(()), Err);
        let build = allowed.and(value).map(|value| boxed::<A>(build(value)));
        TxAction::new(self.tx.clone(), kind, self.collection.clone_with_type(), affected, build)
    }

    /// Returns which documents a write affects, for a dry run.
    fn affected(&self, filter: &Document) -> Affected {
        if self.tx.mode != Mode::DryRun {
            return Affected::Nothing;
        }
        Affected::Matches(Target::of(filter.clone()))
    }

    /// Creates an operation that changes one document for each pair.
    fn each(&self, kind: &'static str, pairs: Result<Vec<Pair>>) -> TxAction<UpdateEach<'static>> {
        let affected = match &pairs {
            Ok(pairs) if self.tx.mode == Mode::DryRun => {
                Affected::Matches(Target::of_pairs(pairs.iter().map(|pair| &pair.filter)))
            }
            _ => Affected::Nothing,
        };
        let tx = self.tx.clone();
        self.try_action(kind, affected, pairs, |pairs| {
            move |collection: &Collection<Document>| UpdateEach::new(tx, collection, pairs)
        })
    }

    /// See [`Collection::aggregate`]. In a plugin's migration, the pipeline names the plugin's own collections. `$out` and `$merge`
    /// are rejected: the server does not support them in a transaction.
    ///
    /// [`with_type`](TxAction::with_type) sets the type of the results.
    pub fn aggregate(&self, pipeline: impl IntoIterator<Item = Document>) -> TxAction<Aggregate<'static>> {
        let stages = self.tx.scope.pipeline(pipeline).map_err(Error::into_driver);
        self.try_action("aggregate", Affected::Nothing, stages, |stages| {
            move |collection: &Collection<Document>| collection.aggregate(stages)
        })
    }

    /// See [`Collection::count_documents`].
    pub fn count_documents(&self, filter: Document) -> TxAction<CountDocuments<'static>> {
        self.action("count_documents", Affected::Nothing, move |collection| collection.count_documents(filter))
    }

    /// See [`Collection::distinct`].
    pub fn distinct(&self, field: impl AsRef<str>, filter: Document) -> TxAction<Distinct<'static>> {
        let field = field.as_ref().to_owned();
        self.action("distinct", Affected::Nothing, move |collection| collection.distinct(field, filter))
    }

    /// See [`Collection::update_one`].
    pub fn update_one(&self, filter: Document, update: impl Into<UpdateModifications>) -> TxAction<Update<'static>> {
        let (affected, update) = (self.affected(&filter), update.into());
        self.action("update_one", affected, move |collection| collection.update_one(filter, update))
    }

    /// See [`Collection::update_many`].
    pub fn update_many(&self, filter: Document, update: impl Into<UpdateModifications>) -> TxAction<Update<'static>> {
        let (affected, update) = (self.affected(&filter), update.into());
        self.action("update_many", affected, move |collection| collection.update_many(filter, update))
    }

    /// Updates the first document that matches each filter, in the order of the pairs.
    ///
    /// A command has up to 1,000 updates, so that this takes a fraction of the time of as many `update_one`. Use it for documents
    /// that each need a value of their own; for the same change to many documents, use `update_many`. Returns the sums of all
    /// counts. An error names the pair, from 0, and its filter.
    ///
    /// ```
    /// # use mongodb::bson::{Document, doc};
    /// # async fn body(tx: &mut mongrate::Tx) -> Result<(), mongodb::error::Error> {
    /// let pages = tx.collection::<Document>("pages");
    /// let mut slugs = Vec::new();
    /// for page in pages.find(doc! { "slug": null }).await?.collect().await? {
    ///     let slug = page.get_str("title").unwrap_or_default().to_lowercase().replace(' ', "-");
    ///     slugs.push((doc! { "_id": page.get("_id") }, doc! { "$set": { "slug": slug } }));
    /// }
    /// pages.update_each(slugs).await?;
    /// # Ok(()) }
    /// ```
    pub fn update_each(
        &self,
        pairs: impl IntoIterator<Item = (Document, impl Into<UpdateModifications>)>,
    ) -> TxAction<UpdateEach<'static>> {
        let pairs =
            pairs.into_iter().map(|(filter, update)| Ok(Pair { filter, change: Change::update(update.into())? }));
        self.each("update_each", pairs.collect())
    }

    /// See [`Collection::delete_one`].
    pub fn delete_one(&self, filter: Document) -> TxAction<Delete<'static>> {
        self.action("delete_one", self.affected(&filter), move |collection| collection.delete_one(filter))
    }

    /// See [`Collection::delete_many`].
    pub fn delete_many(&self, filter: Document) -> TxAction<Delete<'static>> {
        self.action("delete_many", self.affected(&filter), move |collection| collection.delete_many(filter))
    }
}

impl<T: Serialize + Send + Sync> TxCollection<T> {
    /// See [`Collection::insert_one`].
    pub fn insert_one(&self, document: impl Borrow<T>) -> TxAction<InsertOne<'static>> {
        self.try_action("insert_one", Affected::New, raw(document.borrow()), |document| {
            move |collection: &Collection<RawDocumentBuf>| collection.insert_one(document)
        })
    }

    /// See [`Collection::insert_many`].
    pub fn insert_many(&self, documents: impl IntoIterator<Item = impl Borrow<T>>) -> TxAction<InsertMany<'static>> {
        let documents = documents.into_iter().map(|document| raw(document.borrow())).collect::<Result<Vec<_>>>();
        self.try_action("insert_many", Affected::New, documents, |documents| {
            move |collection: &Collection<RawDocumentBuf>| collection.insert_many(documents)
        })
    }

    /// See [`Collection::replace_one`].
    pub fn replace_one(&self, filter: Document, replacement: impl Borrow<T>) -> TxAction<ReplaceOne<'static>> {
        self.try_action("replace_one", self.affected(&filter), raw(replacement.borrow()), |replacement| {
            move |collection: &Collection<RawDocumentBuf>| collection.replace_one(filter, replacement)
        })
    }

    /// Replaces the first document that matches each filter, in the order of the pairs. See [`update_each`](Self::update_each).
    pub fn replace_each(
        &self,
        pairs: impl IntoIterator<Item = (Document, impl Borrow<T>)>,
    ) -> TxAction<UpdateEach<'static>> {
        let pairs = pairs
            .into_iter()
            .map(|(filter, replacement)| Ok(Pair { filter, change: Change::replacement(raw(replacement.borrow())?)? }));
        self.each("replace_each", pairs.collect())
    }
}

impl<T: DeserializeOwned + Send + Sync + 'static> TxCollection<T> {
    /// See [`Collection::find`].
    pub fn find(&self, filter: Document) -> TxAction<Find<'static, T>> {
        self.action("find", Affected::Nothing, move |collection| collection.find(filter))
    }

    /// See [`Collection::find_one`].
    pub fn find_one(&self, filter: Document) -> TxAction<FindOne<'static, T>> {
        self.action("find_one", Affected::Nothing, move |collection| collection.find_one(filter))
    }

    /// See [`Collection::find_one_and_update`].
    pub fn find_one_and_update(
        &self,
        filter: Document,
        update: impl Into<UpdateModifications>,
    ) -> TxAction<FindOneAndUpdate<'static, T>> {
        let (affected, update) = (self.affected(&filter), update.into());
        self.action("find_one_and_update", affected, move |collection| collection.find_one_and_update(filter, update))
    }

    /// See [`Collection::find_one_and_delete`].
    pub fn find_one_and_delete(&self, filter: Document) -> TxAction<FindOneAndDelete<'static, T>> {
        self.action("find_one_and_delete", self.affected(&filter), move |collection| {
            collection.find_one_and_delete(filter)
        })
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> TxCollection<T> {
    /// See [`Collection::find_one_and_replace`].
    pub fn find_one_and_replace(
        &self,
        filter: Document,
        replacement: impl Borrow<T>,
    ) -> TxAction<FindOneAndReplace<'static, Replaced<T>>> {
        self.try_action("find_one_and_replace", self.affected(&filter), raw(replacement.borrow()), |replacement| {
            move |collection: &Collection<Replaced<T>>| {
                collection.find_one_and_replace(filter, Replaced::With(replacement))
            }
        })
    }
}
