//! Predicts the result of a `Schema` operation for a dry run, by reading, and by trying it in a transaction that is rolled back.

mod answer;
mod collection;
mod documents;
mod index;
mod projection;
mod scratch;
mod suspects;
mod unique;
mod view;

use std::fmt;
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

/// Number of examples in a finding.
const EXAMPLES: i64 = 3;

/// The check of one operation on one collection.
#[derive(Debug)]
pub(super) struct Check<'s> {
    database: &'s Database,
    collection: &'s str,
    max_time: Duration,
    projection: &'s Projection,
    /// One of several indexes, which notes are about: `'email_1': `.
    about: String,
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
        Self { database, collection, max_time, projection, about: String::new(), found }
    }

    /// Runs the check. A read that fails does not mean that the operation would fail.
    pub(super) async fn run(mut self, effect: &Effect) -> Found {
        let checked = match effect {
            Effect::CreateIndexes { specs, .. } => self.create_indexes(specs).await,
            Effect::DropIndex { name, .. } => self.drop_index(name).await,
            Effect::DropIndexes { .. } => self.drop_indexes().await,
            Effect::CreateCollection { options, .. } => self.create_collection(options).await,
            Effect::Drop { .. } => self.drop_collection().await,
            Effect::Modify { fields, .. } => self.modify(fields).await,
            Effect::CreateView { on, pipeline, .. } => self.create_view(on, pipeline).await,
            Effect::Rename { to, replacing, .. } => self.rename(to, *replacing).await,
        };
        if let Err(error) = checked {
            self.cannot_tell(format!("the check failed: {}", Readable(&error)));
        }
        self.found
    }

    fn note(&mut self, note: impl fmt::Display) {
        self.found.notes.push(format!("{}{note}", self.about));
    }

    fn nothing(&mut self, why: impl fmt::Display) {
        self.found.prediction = self.found.prediction.min(Prediction::NothingToDo);
        self.note(why);
    }

    fn obstacle(&mut self, why: impl fmt::Display) {
        self.found.prediction = Prediction::WouldFail;
        self.found.notes.push(format!("would fail: {}{why}", self.about));
    }

    /// Records that the server rejects the operation.
    fn answered(&mut self, error: &Error) {
        let message = scratch::with_real_name(self.collection, &Readable(error).to_string());
        self.obstacle(message);
    }

    fn cannot_tell(&mut self, why: impl fmt::Display) {
        self.found.prediction = self.found.prediction.max(Prediction::CannotTell);
        self.found.notes.push(format!("cannot tell: {}{why}", self.about));
    }

    /// Returns whether the server rejects the name for a new collection, and records it.
    fn is_no_name(&mut self, name: &str, code: i32) -> bool {
        let is_no_name = name.is_empty() || name.starts_with('.') || name.contains(['$', '\0']);
        if is_no_name {
            self.obstacle(format!("'{name}' is not a valid collection name (code {code})"));
        } else if name.starts_with("system.") {
            self.cannot_tell(format!("'{name}' is reserved for the server"));
        }
        is_no_name
    }

    /// Returns the collection or view with a name, including the effects of earlier operations.
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
