//! What a backfill does with one document.

use std::fmt;
use std::sync::Arc;

use mongodb::BoxFuture;
use mongodb::bson::{Document, RawDocument, RawDocumentBuf};
use mongodb::options::UpdateModifications;

use crate::context::Tx;
use crate::migration::registration::BoxError;

/// What a backfill does with one document; returned by the closure of [`Documents::each`](super::Documents::each).
#[derive(Clone, Debug)]
pub struct Change(pub(crate) Deed);

#[derive(Clone, Debug)]
pub(crate) enum Deed {
    None,
    Update(UpdateModifications),
    Replace(Document),
    Delete,
}

impl Change {
    /// Leaves the document as it is.
    #[must_use]
    pub fn none() -> Self {
        Self(Deed::None)
    }

    /// Sets these fields.
    #[must_use]
    pub fn set(fields: Document) -> Self {
        Self::update(mongodb::bson::doc! { "$set": fields })
    }

    /// Updates the document with operators or a pipeline.
    #[must_use]
    pub fn update(update: impl Into<UpdateModifications>) -> Self {
        Self(Deed::Update(update.into()))
    }

    /// Replaces the document, except its `_id`.
    #[must_use]
    pub fn replace(replacement: Document) -> Self {
        Self(Deed::Replace(replacement))
    }

    /// Deletes the document.
    #[must_use]
    pub fn delete() -> Self {
        Self(Deed::Delete)
    }
}

/// A function that changes a batch of documents in its transaction.
#[derive(Clone)]
pub(crate) struct Work(Arc<Batch>);

type Batch = dyn Fn(Vec<RawDocumentBuf>, Tx) -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync;

impl Work {
    pub(super) fn new(
        work: impl Fn(Vec<RawDocumentBuf>, Tx) -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(work))
    }

    pub(crate) fn change(&self, documents: Vec<RawDocumentBuf>, tx: Tx) -> BoxFuture<'static, Result<(), BoxError>> {
        (self.0)(documents, tx)
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Work")
    }
}

/// A function that computes the change of a document.
#[derive(Clone)]
pub(crate) struct Compute(Arc<Function>);

type Function = dyn Fn(&RawDocument) -> Result<Change, BoxError> + Send + Sync;

impl Compute {
    pub(super) fn new(compute: impl Fn(&RawDocument) -> Result<Change, BoxError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(compute))
    }

    pub(crate) fn change(&self, document: &RawDocument) -> Result<Change, BoxError> {
        (self.0)(document)
    }
}

impl fmt::Debug for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compute")
    }
}
