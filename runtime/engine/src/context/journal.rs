//! What a body did, noted as it happens: progress, reports and the check for ignored errors read the same notes.

use std::sync::{Mutex, PoisonError};

use crate::error::code;
use crate::error::codes::NO_SUCH_TRANSACTION;
use crate::events::{Event, EventSender};
use crate::migration::Migration;
use crate::report::{Counts, LISTED, Operation, Prediction, Sample};

/// The notes of one attempt.
#[derive(Debug)]
pub(crate) struct Journal {
    migration: Migration,
    events: EventSender,
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
    pub(crate) fn new(migration: Migration, events: EventSender) -> Self {
        Self { migration, events, notes: Mutex::default() }
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
        self.events.emit(|| Event::Operation { migration, operation: operation.clone() });
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

/// What a check has found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) notes: Vec<String>,
    pub(crate) prediction: Prediction,
}

impl Found {
    pub(crate) fn is_obstacle(&self) -> bool {
        self.prediction == Prediction::WouldFail
    }
}
