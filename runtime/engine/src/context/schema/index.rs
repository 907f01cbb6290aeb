//! The builder of an index.

use std::future::IntoFuture;
use std::time::Duration;

use mongodb::bson::{Bson, Document, Serializer};
use mongodb::error::Error as DriverError;
use mongodb::options::IndexOptions;
use mongodb::{BoxFuture, IndexModel};
use serde::Serialize;

use super::{Effect, Schema};
use crate::error::Error;

/// An index that is about to be created: set its options, then await it.
#[must_use = "an index is created when this is awaited"]
#[derive(Debug)]
pub struct CreateIndex<'s> {
    schema: &'s mut Schema,
    collection: String,
    keys: Document,
    options: IndexOptions,
}

impl<'s> CreateIndex<'s> {
    pub(super) fn new(schema: &'s mut Schema, collection: &str, keys: Document) -> Self {
        let collection = schema.scope.collection(collection);
        Self { schema, collection, keys, options: IndexOptions::default() }
    }

    /// No two documents may have the same key.
    pub fn unique(mut self) -> Self {
        self.options.unique = Some(true);
        self
    }

    /// Only documents that have the fields.
    pub fn sparse(mut self) -> Self {
        self.options.sparse = Some(true);
        self
    }

    /// Only documents that match.
    pub fn partial(mut self, filter: Document) -> Self {
        self.options.partial_filter_expression = Some(filter);
        self
    }

    /// Documents are deleted so long after the date in the field (a TTL index). Whole seconds count.
    pub fn expire_after(mut self, age: Duration) -> Self {
        self.options.expire_after = Some(age);
        self
    }

    /// The index's name; the driver's default is made of its keys, `email_1`.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// Any other options of the driver, in place of all that were set so far.
    pub fn options(mut self, options: IndexOptions) -> Self {
        self.options = options;
        self
    }
}

impl<'s> IntoFuture for CreateIndex<'s> {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'s, Result<(), Error>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { schema, collection, keys, options } = self;
            let spec = spec(&keys, &options)?;
            schema.run(Effect::CreateIndex { on: collection, spec }).await
        })
    }
}

/// An index as `createIndexes` takes it.
fn spec(keys: &Document, options: &IndexOptions) -> Result<Document, Error> {
    let model = IndexModel::builder().keys(keys.clone()).options(options.clone()).build();
    let spec = match model.serialize(Serializer::new()) {
        Ok(Bson::Document(spec)) => Ok(spec),
        Ok(other) => Err(format!("it is {other}")),
        Err(error) => Err(error.to_string()),
    };
    let mut spec = spec.map_err(|why| Error::server("write an index down", DriverError::custom(why)))?;
    if !spec.contains_key("name") {
        spec.insert("name", default_name(keys));
    }
    Ok(spec)
}

/// The name that the driver gives.
fn default_name(keys: &Document) -> String {
    let parts = keys.iter().map(|(field, direction)| match direction {
        Bson::String(kind) => format!("{field}_{kind}"),
        other => format!("{field}_{other}"),
    });
    parts.collect::<Vec<_>>().join("_")
}
