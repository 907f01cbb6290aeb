//! What an operation of `Schema` would meet, for a dry run, which does not execute it: found out by reading, and by asking the
//! server in a transaction that is rolled back.

mod collection;
mod documents;
mod index;
mod projection;
mod scratch;
mod suspects;
mod unique;
mod view;

use std::time::Duration;

use mongodb::Database;
use mongodb::error::{Error, Result};

pub(crate) use self::projection::Projection;
use self::projection::{Described, Place};
use super::effect::Effect;
use crate::context::catalog;
use crate::context::journal::Found;
use crate::error::Readable;
use crate::report::Prediction;

/// How many examples are given of what is found.
const EXAMPLES: i64 = 3;

/// The check of one operation on one collection.
#[derive(Debug)]
pub(super) struct Check<'s> {
    database: &'s Database,
    collection: &'s str,
    max_time: Duration,
    projection: &'s Projection,
    found: Found,
}

impl<'s> Check<'s> {
    pub(super) fn new(
        database: &'s Database,
        collection: &'s str,
        max_time: Duration,
        projection: &'s Projection,
    ) -> Self {
        let found = Found { notes: Vec::new(), prediction: Prediction::WouldChange };
        Self { database, collection, max_time, projection, found }
    }

    /// Finds out what the operation would meet. A read that fails is no failure of the operation.
    pub(super) async fn run(mut self, effect: &Effect) -> Found {
        let checked = match effect {
            Effect::CreateIndex { spec, .. } => self.create_index(spec).await,
            Effect::DropIndex { name, .. } => self.drop_index(name).await,
            Effect::CreateCollection { options, .. } => self.create_collection(options).await,
            Effect::Drop { .. } => self.drop_collection().await,
            Effect::Modify { fields, .. } => self.modify(fields).await,
            Effect::CreateView { on, pipeline, .. } => self.create_view(on, pipeline).await,
            Effect::Rename { to, .. } => self.rename(to).await,
        };
        if let Err(error) = checked {
            self.cannot_tell(format!("the check failed: {}", Readable(&error)));
        }
        self.found
    }

    fn note(&mut self, note: impl Into<String>) {
        self.found.notes.push(note.into());
    }

    fn nothing(&mut self, why: impl Into<String>) {
        self.found.prediction = self.found.prediction.min(Prediction::NothingToDo);
        self.note(why);
    }

    fn obstacle(&mut self, why: impl std::fmt::Display) {
        self.found.prediction = Prediction::WouldFail;
        self.note(format!("would fail: {why}"));
    }

    /// The server has said no.
    fn answered(&mut self, error: &Error) {
        let answer = scratch::in_the_name_of(self.collection, &Readable(error).to_string());
        self.obstacle(answer);
    }

    fn cannot_tell(&mut self, why: impl std::fmt::Display) {
        self.found.prediction = self.found.prediction.max(Prediction::CannotTell);
        self.note(format!("cannot tell: {why}"));
    }

    /// Whether the server takes no such name for a new collection.
    fn is_no_name(&mut self, name: &str, code: i32) -> bool {
        let is_no_name = name.is_empty() || name.starts_with('.') || name.contains(['$', '\0']);
        if is_no_name {
            self.obstacle(format!("'{name}' is no name for a collection (code {code})"));
        } else if name.starts_with("system.") {
            self.cannot_tell(format!("'{name}' is a name of the server's own"));
        }
        is_no_name
    }

    /// What is there under a name, with what earlier operations would have done.
    async fn described(&self, name: &str) -> Result<Option<Described>> {
        match self.projection.place(name) {
            Place::Gone => return Ok(None),
            Place::Changed(described) => return Ok(Some(described)),
            Place::Untouched => {}
        }
        let there = catalog::collections(self.database, [name], self.max_time).await?.remove(name);
        let stored = Some(name.to_owned());
        Ok(there.map(|there| Described { kind: there.kind, options: there.options, stored }))
    }

    async fn estimated_count(&self, stored: &str) -> Result<u64> {
        let documents = self.database.collection::<mongodb::bson::Document>(stored);
        documents.estimated_document_count().max_time(self.max_time).await
    }
}
