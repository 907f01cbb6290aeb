//! What an operation of `Schema` would meet, found out by reading: for a dry run, which does not execute it.

mod documents;
mod index;
mod projection;
mod unique;

use std::time::Duration;

use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result;
use mongodb::options::IndexOptions;

pub(super) use self::index::default_name;
use self::projection::Place;
pub(crate) use self::projection::Projection;
use super::{first_batch, limited};
use crate::error::Readable;
use crate::error::codes::{NAMESPACE_EXISTS, NAMESPACE_NOT_FOUND};
use crate::grouped::counted;

/// How many examples are given of what is found.
const EXAMPLES: i64 = 3;

/// An operation that is not to be executed.
#[derive(Debug)]
pub(super) enum Intent<'o> {
    CreateIndex { keys: &'o Document, options: &'o IndexOptions },
    DropIndex { name: &'o str },
    CreateCollection { validator: Option<&'o Document> },
    DropCollection,
    Modify { fields: &'o Document },
    CreateView { on: &'o str, pipeline: &'o [Document] },
    Rename { to: &'o str },
}

/// The check of one operation on one collection.
#[derive(Debug)]
pub(super) struct Check<'s> {
    database: &'s Database,
    collection: &'s str,
    max_time: Duration,
    projection: &'s Projection,
    found: Found,
}

/// What a check has found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) notes: Vec<String>,
    /// Something stands in the way.
    pub(crate) would_fail: bool,
    /// The check could not be completed.
    pub(crate) in_doubt: bool,
}

/// A collection or a view, as `listCollections` has it.
#[derive(Debug)]
struct Described {
    is_view: bool,
    options: Document,
    /// The name under which the server has it; `None` for one that would have been created.
    stored: Option<String>,
}

impl<'s> Check<'s> {
    pub(super) fn new(
        database: &'s Database,
        collection: &'s str,
        max_time: Duration,
        projection: &'s Projection,
    ) -> Self {
        Self { database, collection, max_time, projection, found: Found::default() }
    }

    /// Finds out what the operation would meet. A read that fails is no failure of the operation.
    pub(super) async fn run(mut self, intent: &Intent<'_>) -> Found {
        let checked = match *intent {
            Intent::CreateIndex { keys, options } => self.create_index(keys, options).await,
            Intent::DropIndex { name } => self.drop_index(name).await,
            Intent::CreateCollection { validator } => self.create_collection(validator).await,
            Intent::DropCollection => self.drop_collection().await,
            Intent::Modify { fields } => self.modify(fields).await,
            Intent::CreateView { on, pipeline } => self.create_view(on, pipeline).await,
            Intent::Rename { to } => self.rename(to).await,
        };
        if let Err(error) = checked {
            self.note(format!("could not be checked any further: {}", Readable(&error)));
            self.found.in_doubt = true;
        }
        self.found
    }

    fn note(&mut self, note: impl Into<String>) {
        self.found.notes.push(note.into());
    }

    fn obstacle(&mut self, why: impl std::fmt::Display) {
        self.found.would_fail = true;
        self.found.notes.push(format!("would fail: {why}"));
    }

    async fn create_collection(&mut self, validator: Option<&Document>) -> Result<()> {
        match (self.described(self.collection).await?, validator) {
            (None, _) => {
                self.note("would be created");
                self.projection.create(self.collection, false, Document::new());
            }
            (Some(there), Some(_)) if there.is_view => self.obstacle("a view has this name, and can have no validator"),
            (Some(there), None) if there.is_view => self.note("a view has this name, and would be left as it is"),
            (Some(_), None) => self.note("is there already, and would be left as it is"),
            (Some(there), Some(validator)) if there.options.get_document("validator").ok() == Some(validator) => {
                self.note("is there already, with this validator");
            }
            (Some(there), Some(validator)) => {
                self.note("is there already, and would get this validator");
                self.violations(&there, validator).await?;
            }
        }
        Ok(())
    }

    async fn drop_collection(&mut self) -> Result<()> {
        match self.described(self.collection).await? {
            None => {
                self.note("is not there: nothing would be done");
                return Ok(());
            }
            Some(there) if there.is_view => self.note("is a view, and would be dropped"),
            Some(there) => {
                let count = self.estimated_count(&there).await?;
                self.note(format!("would be dropped, and {} lost", counted(count, "document")));
            }
        }
        self.projection.drop(self.collection);
        Ok(())
    }

    async fn modify(&mut self, fields: &Document) -> Result<()> {
        let Some(there) = self.described(self.collection).await? else {
            self.obstacle(format!("it is not there (code {NAMESPACE_NOT_FOUND})"));
            return Ok(());
        };
        let validator = fields.get_document("validator").ok();
        if there.is_view && validator.is_some() {
            self.obstacle("it is a view, and can have no validator");
        } else if let Some(validator) = validator.filter(|validator| !validator.is_empty()) {
            self.violations(&there, validator).await?;
        }
        let unchecked: Vec<_> = fields.keys().filter(|key| !key.starts_with("validat") && *key != "collMod").collect();
        if !unchecked.is_empty() {
            let unchecked: Vec<_> = unchecked.into_iter().map(String::as_str).collect();
            self.note(format!("the server was not asked whether it would accept: {}", unchecked.join(", ")));
        }
        Ok(())
    }

    async fn create_view(&mut self, on: &str, pipeline: &[Document]) -> Result<()> {
        let stages: Vec<_> = pipeline.iter().cloned().map(Bson::Document).collect();
        match self.described(self.collection).await? {
            None => {
                self.note("would be created");
                let options = doc! { "viewOn": on, "pipeline": stages };
                self.projection.create(self.collection, true, options);
            }
            Some(there) if !there.is_view => {
                self.obstacle("a collection has this name");
                return Ok(());
            }
            Some(Described { options, .. })
                if options.get_str("viewOn").is_ok_and(|there| there == on)
                    && options.get_array("pipeline").is_ok_and(|there| *there == stages) =>
            {
                self.note("the same view is there already: nothing would be done");
            }
            Some(_) => self.note("is there already, and would get this definition"),
        }
        if self.described(on).await?.is_none() {
            self.note(format!("'{on}' is not there, so that the view would be empty"));
        }
        Ok(())
    }

    async fn rename(&mut self, to: &str) -> Result<()> {
        let (from, to) = (self.described(self.collection).await?, self.described(to).await?.map(|_| to).ok_or(to));
        match (from, to) {
            (None, Ok(to)) => self.note(format!("has been renamed to '{to}' already: nothing would be done")),
            (None, Err(to)) => {
                self.obstacle(format!("neither it nor '{to}' is there (code {NAMESPACE_NOT_FOUND})"));
            }
            (Some(_), Ok(to)) => self.obstacle(format!("'{to}' is there already (code {NAMESPACE_EXISTS})")),
            (Some(there), Err(_)) if there.is_view => self.obstacle("it is a view, and cannot be renamed"),
            (Some(_), Err(to)) => {
                self.note(format!("would be renamed to '{to}'"));
                self.projection.rename(self.collection, to);
            }
        }
        Ok(())
    }

    /// What is there under a name, with what earlier operations would have done. As a command, because the driver's action has
    /// no time limit.
    async fn described(&self, name: &str) -> Result<Option<Described>> {
        let stored = match self.projection.place(name) {
            Place::Gone => return Ok(None),
            Place::New { is_view, options } => return Ok(Some(Described { is_view, options, stored: None })),
            Place::Stored(name) => name,
        };
        let list = self.bounded(doc! { "listCollections": 1, "filter": { "name": &stored } });
        let listed = self.database.run_command(list).await?;
        Ok(first_batch(&listed).next().map(|described| Described {
            is_view: described.get_str("type").is_ok_and(|kind| kind == "view"),
            options: described.get_document("options").cloned().unwrap_or_default(),
            stored: Some(stored),
        }))
    }

    async fn estimated_count(&self, there: &Described) -> Result<u64> {
        let Some(stored) = &there.stored else { return Ok(0) };
        let documents = self.database.collection::<Document>(stored);
        documents.estimated_document_count().max_time(self.max_time).await
    }

    fn bounded(&self, command: Document) -> Document {
        limited(command, self.max_time)
    }
}
