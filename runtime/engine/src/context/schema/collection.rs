//! The builder returned by `Schema::create_collection`.

use std::future::IntoFuture;

use mongodb::BoxFuture;
use mongodb::bson::Document;

use super::{Effect, Schema};
use crate::error::Error;

/// Builder of a collection: set its options, then `.await` it.
#[must_use = "the collection is not created until this is awaited"]
#[derive(Debug)]
pub struct CreateCollection<'s> {
    schema: &'s mut Schema,
    collection: String,
    validator: Option<Document>,
    options: Document,
}

impl<'s> CreateCollection<'s> {
    pub(super) fn new(schema: &'s mut Schema, name: &str) -> Self {
        let collection = schema.scope.collection(name);
        Self { schema, collection, validator: None, options: Document::new() }
    }

    /// Sets the validator: `{ "$jsonSchema": { .. } }` or any other query that documents must match.
    pub fn validator(mut self, validator: Document) -> Self {
        self.validator = Some(validator);
        self
    }

    /// Adds other fields of the server's `create` command, such as `capped`, `collation` or `timeseries`.
    ///
    /// They have no effect on a collection that exists already, except for those of its validation. Can be called more
    /// than once. A validator set with [`validator`](Self::validator) takes precedence.
    pub fn options(mut self, fields: Document) -> Self {
        self.options.extend(fields);
        self
    }
}

impl<'s> IntoFuture for CreateCollection<'s> {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'s, Result<(), Error>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { schema, collection, validator, options } = self;
            let mut options = schema.scope.fields(options)?;
            // The name is not an option: a plugin must not create somebody else's collection.
            options.remove("create");
            if let Some(validator) = validator {
                options.insert("validator", validator);
            }
            schema.run(Effect::CreateCollection { name: collection, options }).await
        })
    }
}
