//! What a body did, noted as it happens: progress, reports and the check for ignored errors read the same notes.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use mongodb::bson::Document;

use super::schema::Found;
use crate::error::code;
use crate::error::codes::NO_SUCH_TRANSACTION;
use crate::events::{Audience, Event};
use crate::grouped::Grouped;
use crate::migration::Migration;

/// So many operations of a body are shown one by one, and looked at closely in a dry run. A body that loops over its
/// documents may make thousands.
pub(crate) const LISTED: usize = 20;

/// One operation of a body.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Operation {
    /// What was called: `update_many`, `create_index`.
    pub kind: &'static str,
    /// The collection's name in the database.
    pub collection: String,
    /// How many documents it touched.
    pub counts: Counts,
    /// In a dry run: up to three of the documents that it changed. Only the first 20 operations of a body have some.
    pub samples: Vec<Sample>,
    /// In a dry run: what was found out about an operation of `Schema` that was not executed, and what cannot be shown of one
    /// of `Tx`.
    pub notes: Vec<String>,
    /// In a dry run: what an operation of `Schema` would do; the notes say why. `None` for one that was executed.
    pub prediction: Option<Prediction>,
}

/// What an operation of `Schema` would do, with names, indexes and documents as they are now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Prediction {
    /// What it asks for is there already.
    NothingToDo,
    /// It would succeed, and change the database.
    WouldChange,
    /// Nobody but the server knows, and it cannot be asked without doing it.
    CannotTell,
    /// It would fail.
    WouldFail,
}

/// A document that an operation of a dry run changed, as long as its transaction lasted. A document of more than 16 kB is
/// shortened: long texts end with their length, and a field or element `…` counts those that are left out.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sample {
    /// Before the operation; `None` when it inserted the document.
    pub before: Option<Document>,
    /// After it; `None` when it deleted the document.
    pub after: Option<Document>,
}

impl Operation {
    fn new(kind: &'static str, collection: &str) -> Self {
        Self {
            kind,
            collection: collection.to_owned(),
            counts: Counts::default(),
            samples: Vec::new(),
            notes: Vec::new(),
            prediction: None,
        }
    }
}

/// How many documents an operation touched; what does not apply is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Matched by an update, or found.
    pub matched: u64,
    /// Changed by an update or a replacement.
    pub modified: u64,
    /// Inserted, by an upsert too.
    pub inserted: u64,
    /// Deleted.
    pub deleted: u64,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}{}", self.collection, self.kind, self.counts)
    }
}

/// As the end of a line: `, 4,812 matched, 4,812 modified`.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.matched, "matched"),
            (self.modified, "modified"),
            (self.inserted, "inserted"),
            (self.deleted, "deleted"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {} {what}", Grouped(count))?;
        }
        Ok(())
    }
}

impl Counts {
    pub(crate) fn has_changed(self) -> bool {
        self.modified + self.inserted + self.deleted > 0
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.matched += other.matched;
        self.modified += other.modified;
        self.inserted += other.inserted;
        self.deleted += other.deleted;
    }
}

/// The notes of one attempt.
#[derive(Debug)]
pub(crate) struct Journal {
    migration: Migration,
    audience: Audience,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    operations: Vec<Operation>,
    first_error: Option<(String, mongodb::error::Error)>,
    /// The server refused a later operation because of the first error.
    went_on: bool,
}

impl Journal {
    pub(crate) fn new(migration: Migration, audience: Audience) -> Self {
        Self { migration, audience, notes: Mutex::default() }
    }

    /// Gives the operation's place among the notes.
    pub(crate) fn succeeded(
        &self,
        kind: &'static str,
        collection: &str,
        counts: Counts,
        samples: Vec<Sample>,
    ) -> usize {
        self.rehearsed(kind, collection, counts, samples, Vec::new())
    }

    /// With what a dry run shows of it, and what it cannot.
    pub(crate) fn rehearsed(
        &self,
        kind: &'static str,
        collection: &str,
        counts: Counts,
        samples: Vec<Sample>,
        notes: Vec<String>,
    ) -> usize {
        tracing::debug!(kind, collection, ?counts, "operation");
        self.note(Operation { counts, samples, notes, ..Operation::new(kind, collection) })
    }

    /// Notes what was found out about an operation that is not executed.
    pub(crate) fn checked(&self, kind: &'static str, collection: &str, found: Found) {
        let Found { notes, prediction } = found;
        self.note(Operation { notes, prediction: Some(prediction), ..Operation::new(kind, collection) });
    }

    fn note(&self, operation: Operation) -> usize {
        let migration = self.migration;
        self.audience.tell(|| Event::Operation { migration, operation: operation.clone() });
        let mut notes = self.notes();
        notes.operations.push(operation);
        notes.operations.len() - 1
    }

    /// Counts a document that was read from the cursor of an operation.
    pub(crate) fn read(&self, place: usize) {
        if let Some(operation) = self.notes().operations.get_mut(place) {
            operation.counts.matched += 1;
        }
    }

    /// Whether the next operation is one that is shown by itself.
    pub(crate) fn lists(&self) -> bool {
        self.notes().operations.len() < LISTED
    }

    /// Keeps the first one: on the server it has ended the transaction, later ones only follow from it.
    pub(crate) fn failed(&self, kind: &'static str, collection: &str, error: &mongodb::error::Error) {
        tracing::debug!(kind, collection, code = code(error), "operation failed");
        let mut notes = self.notes();
        // The transaction is gone because an operation of it has failed before.
        notes.went_on |= notes.first_error.is_some() && code(error) == Some(NO_SUCH_TRANSACTION);
        notes.first_error.get_or_insert_with(|| (format!("{kind} on {collection}"), error.clone()));
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        self.notes().operations.clone()
    }

    pub(crate) fn first_error(&self) -> Option<(String, mongodb::error::Error)> {
        self.notes().first_error.clone()
    }

    /// The first error, if the body ignored it until the server refused something else because of it.
    pub(crate) fn cause_of_refusal(&self) -> Option<(String, mongodb::error::Error)> {
        let notes = self.notes();
        notes.first_error.clone().filter(|_| notes.went_on)
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
