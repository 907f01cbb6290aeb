//! What a body did, noted as it happens: progress, reports and the check for ignored errors read the same notes.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::events::{Audience, Event};
use crate::migration::Migration;

/// One operation of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// What was called: `update_many`, `create_index`.
    pub kind: &'static str,
    /// The collection's name in the database.
    pub collection: String,
    /// How many documents it touched.
    pub counts: Counts,
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
        write!(f, "{}: {}", self.collection, self.kind)?;
        let counts = [
            (self.counts.matched, "matched"),
            (self.counts.modified, "modified"),
            (self.counts.inserted, "inserted"),
            (self.counts.deleted, "deleted"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        Ok(())
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

/// Server code: the transaction is gone, here because an operation of it has failed before.
const NO_SUCH_TRANSACTION: i32 = 251;

impl Journal {
    pub(crate) fn new(migration: Migration, audience: Audience) -> Self {
        Self { migration, audience, notes: Mutex::default() }
    }

    pub(crate) fn succeeded(&self, kind: &'static str, collection: &str, counts: Counts) {
        tracing::debug!(kind, collection, ?counts, "operation");
        let operation = Operation { kind, collection: collection.to_owned(), counts };
        let migration = self.migration;
        self.audience.tell(|| Event::Operation { migration, operation: operation.clone() });
        self.notes().operations.push(operation);
    }

    /// Keeps the first one: on the server it has ended the transaction, later ones only follow from it.
    pub(crate) fn failed(&self, kind: &'static str, collection: &str, error: &mongodb::error::Error) {
        tracing::debug!(kind, collection, code = crate::error::code(error), "operation failed");
        let mut notes = self.notes();
        notes.went_on |= notes.first_error.is_some() && crate::error::code(error) == Some(NO_SUCH_TRANSACTION);
        notes.first_error.get_or_insert_with(|| (format!("{kind} on {collection}"), error.clone()));
    }

    /// Notes that a call begins. Dropped before [`UnderWay::ended`], it is an error: nobody knows what the server has
    /// done of it, so the transaction must not commit.
    pub(crate) fn begins<'j>(&'j self, kind: &'static str, collection: &'j str) -> UnderWay<'j> {
        UnderWay { journal: self, kind, collection, ended: false }
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

/// A call that the server has not answered yet.
#[derive(Debug)]
pub(crate) struct UnderWay<'j> {
    journal: &'j Journal,
    kind: &'static str,
    collection: &'j str,
    ended: bool,
}

impl UnderWay<'_> {
    pub(crate) fn ended(mut self) {
        self.ended = true;
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let error = mongodb::error::Error::custom("it was dropped before the server had answered".to_owned());
            self.journal.failed(self.kind, self.collection, &error);
        }
    }
}
