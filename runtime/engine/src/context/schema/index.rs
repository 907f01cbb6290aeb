//! Builders of indexes.

use std::future::IntoFuture;
use std::time::Duration;

use mongodb::bson::{Bson, Document, Serializer};
use mongodb::error::Error as DriverError;
use mongodb::options::{Collation, IndexOptions};
use mongodb::{BoxFuture, IndexModel};
use serde::Serialize;

use super::{Effect, Schema};
use crate::error::Error;

/// An index to create with [`Schema::create_indexes`]. Set its options after [`new`](Self::new).
///
/// Each method sets one option and keeps all others. An option that is set twice has the last value.
///
/// ```
/// use mongodb::bson::doc;
/// use mongrate::context::Index;
///
/// let by_reference = Index::new(doc! { "reference": 1 }).unique().named("by_reference");
/// ```
#[must_use = "an index is only created if it is passed to `create_indexes`"]
#[derive(Clone, Debug)]
pub struct Index {
    keys: Document,
    options: IndexOptions,
}

/// Builder of an index: set its options, then `.await` it.
///
/// Each method sets one option and keeps all others. An option that is set twice has the last value.
#[must_use = "the index is not created until this is awaited"]
#[derive(Debug)]
pub struct CreateIndex<'s> {
    schema: &'s mut Schema,
    collection: String,
    index: Index,
}

/// The setters of both.
macro_rules! setters {
    () => {
        /// Rejects documents whose key is in the index already.
        pub fn unique(mut self) -> Self {
            self.options_mut().unique = Some(true);
            self
        }

        /// Indexes only documents that have the indexed fields.
        pub fn sparse(mut self) -> Self {
            self.options_mut().sparse = Some(true);
            self
        }

        /// Indexes only documents that match `filter`.
        pub fn partial(mut self, filter: Document) -> Self {
            self.options_mut().partial_filter_expression = Some(filter);
            self
        }

        /// Deletes documents once the date in the indexed field is older than `age` (a TTL index). The server counts whole seconds.
        pub fn expire_after(mut self, age: Duration) -> Self {
            self.options_mut().expire_after = Some(age);
            self
        }

        /// Sets the name. The default is derived from the keys: `email_1`.
        pub fn named(mut self, name: impl Into<String>) -> Self {
            self.options_mut().name = Some(name.into());
            self
        }

        /// Sets the rules by which strings are compared. The default is the collation of the collection.
        pub fn collation(mut self, collation: Collation) -> Self {
            self.options_mut().collation = Some(collation);
            self
        }

        /// Hides the index from the query planner. The server still maintains it.
        pub fn hidden(mut self) -> Self {
            self.options_mut().hidden = Some(true);
            self
        }

        /// Sets the weights of a text index: `{ "title": 10, "body": 1 }`. A field without a weight has 1.
        pub fn weights(mut self, weights: Document) -> Self {
            self.options_mut().weights = Some(weights);
            self
        }

        /// Sets any other options of the driver. `set` gets the options as they are so far.
        ///
        /// ```
        /// # use mongodb::bson::doc;
        /// # async fn body(schema: &mut mongrate::Schema) -> Result<(), mongrate::Error> {
        /// schema.create_index("shops", doc! { "at": "2d" }).with(|options| options.bits = Some(20)).await
        /// # }
        /// ```
        pub fn with(mut self, set: impl FnOnce(&mut IndexOptions)) -> Self {
            set(self.options_mut());
            self
        }
    };
}

impl Index {
    /// Creates an index on these keys, without options.
    pub fn new(keys: Document) -> Self {
        Self { keys, options: IndexOptions::default() }
    }

    setters!();

    fn options_mut(&mut self) -> &mut IndexOptions {
        &mut self.options
    }

    /// Returns the index as `createIndexes` expects it.
    pub(super) fn spec(self) -> Result<Document, Error> {
        let model = IndexModel::builder().keys(self.keys.clone()).options(self.options).build();
        let spec = match model.serialize(Serializer::new()) {
            Ok(Bson::Document(spec)) => Ok(spec),
            Ok(other) => Err(format!("it is {other}")),
            Err(error) => Err(error.to_string()),
        };
        let mut spec = spec.map_err(|why| Error::server("serialize an index", DriverError::custom(why)))?;
        if !spec.contains_key("name") {
            spec.insert("name", default_name(&self.keys));
        }
        Ok(spec)
    }
}

impl From<Document> for Index {
    /// Creates an index on these keys, without options.
    fn from(keys: Document) -> Self {
        Self::new(keys)
    }
}

impl<'s> CreateIndex<'s> {
    pub(super) fn new(schema: &'s mut Schema, collection: &str, keys: Document) -> Self {
        let collection = schema.scope.collection(collection);
        Self { schema, collection, index: Index::new(keys) }
    }

    setters!();

    fn options_mut(&mut self) -> &mut IndexOptions {
        &mut self.index.options
    }
}

impl<'s> IntoFuture for CreateIndex<'s> {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'s, Result<(), Error>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { schema, collection, index } = self;
            let specs = vec![index.spec()?];
            schema.run(Effect::CreateIndexes { on: collection, specs }).await
        })
    }
}

/// Returns the driver's default name.
fn default_name(keys: &Document) -> String {
    let parts = keys.iter().map(|(field, direction)| match direction {
        Bson::String(kind) => format!("{field}_{kind}"),
        other => format!("{field}_{other}"),
    });
    parts.collect::<Vec<_>>().join("_")
}
