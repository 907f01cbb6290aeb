//! The builder of an index.

use std::future::IntoFuture;
use std::time::Duration;

use mongodb::bson::Document;
use mongodb::options::{IndexOptions, WriteConcern};
use mongodb::{BoxFuture, IndexModel};
use tokio::time::sleep;

use super::{Intent, MAX_TIME_MS_EXPIRED, Schema};
use crate::Error;
use crate::error::code;
use crate::lock::backoff;

/// How much of its time each attempt has, in tenths. While one waits for an open transaction that has touched the collection,
/// the application's writes wait behind it, so the first ones are short; the last one is for the build.
const TRIES: [u32; 3] = [1, 1, 8];

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
            if let Some(projection) = &schema.dry_run {
                let intent = Intent::CreateIndex { keys: &keys, options: &options };
                return schema.check(projection, "create_index", &collection, intent).await;
            }
            let model = IndexModel::builder().keys(keys).options(options).build();
            let indexed = schema.database.collection::<Document>(&collection);
            let (mut tries, mut created) = (0, Ok(()));
            for tenths in TRIES {
                schema.enter()?;
                tries += 1;
                let limit = schema.max_time * tenths / 10;
                created = indexed.create_index(model.clone()).max_time(limit).await.map(drop);
                match &created {
                    Err(error) if code(error) == Some(MAX_TIME_MS_EXPIRED) => sleep(backoff(tries)).await,
                    _ => break,
                }
            }
            schema.note("create_index", &collection, created, &[])?;
            Ok(())
        })
    }
}
