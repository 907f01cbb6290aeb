//! The builder returned by `Schema::rename_collection`.

use std::future::IntoFuture;

use mongodb::BoxFuture;

use super::{Effect, Schema};
use crate::error::Error;

/// Builder of a rename: set its option, then `.await` it.
#[must_use = "the collection is not renamed until this is awaited"]
#[derive(Debug)]
pub struct RenameCollection<'s> {
    schema: &'s mut Schema,
    from: String,
    to: String,
    replacing: bool,
}

impl<'s> RenameCollection<'s> {
    pub(super) fn new(schema: &'s mut Schema, from: &str, to: &str) -> Self {
        let (from, to) = (schema.scope.collection(from), schema.scope.collection(to));
        Self { schema, from, to, replacing: false }
    }

    /// Drops the collection with the new name, if there is one, with all its documents. Fails if the new name is a view or a time
    /// series.
    ///
    /// Only the collection that exists when the operation starts is dropped. If somebody replaces it meanwhile, the operation fails
    /// with [`Error::InDoubt`] and changes nothing. Before MongoDB 6.0, it is read right before the rename instead.
    pub fn replacing(mut self) -> Self {
        self.replacing = true;
        self
    }
}

impl<'s> IntoFuture for RenameCollection<'s> {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'s, Result<(), Error>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { schema, from, to, replacing } = self;
        Box::pin(schema.run(Effect::Rename { from, to, replacing }))
    }
}
