//! The builder of a collection.

use std::future::IntoFuture;

use mongodb::BoxFuture;
use mongodb::bson::Document;

use super::{Effect, Schema};
use crate::error::Error;

/// A collection that is about to be created: set its options, then await it.
#[must_use = "a collection is created when this is awaited"]
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

    /// What its documents must match: `{ "$jsonSchema": { .. } }` or any query.
    pub fn validator(mut self, validator: Document) -> Self {
        self.validator = Some(validator);
        self
    }

    /// Any other fields of the server's `create` command (`capped`, `collation`, `timeseries`). They count only when
    /// the collection is not there yet.
    pub fn options(mut self, fields: Document) -> Self {
        self.options = fields;
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
            // Whatever the options say: a plugin's are for its own collections.
            options.remove("create");
            if let Some(validator) = validator {
                options.insert("validator", validator);
            }
            schema.run(Effect::CreateCollection { name: collection, options }).await
        })
    }
}
