//! A journal of the operations of a body. Progress events, reports and the check for ignored errors all use it.

use std::any::{Any, type_name};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::error::codes::NO_SUCH_TRANSACTION;
use crate::error::{Error, code};
use crate::events::{Event, EventSender};
use crate::migration::{Migration, Provided};
use crate::report::{Counts, LISTED, Operation, Prediction, Sample};

/// The journal of one attempt.
#[derive(Debug)]
pub(crate) struct Journal {
    migration: Migration,
    events: EventSender,
    notes: Mutex<Notes>,
    /// The first type without a value that the body asked for.
    missing_value: OnceLock<&'static str>,
}

#[derive(Debug, Default)]
struct Notes {
    operations: Vec<Operation>,
    first_error: Option<(String, mongodb::error::Error)>,
    /// The server rejected a later operation because the first error had aborted the transaction.
    continued: bool,
}

impl Journal {
    pub(crate) fn new(migration: Migration, events: EventSender) -> Self {
        Self { migration, events, notes: Mutex::default(), missing_value: OnceLock::new() }
    }

    /// Returns the value of a type, and notes it if it is missing.
    pub(crate) fn provided<T: Any + Send + Sync>(&self, provided: &Provided) -> Result<Arc<T>, Error> {
        provided.get().ok_or_else(|| {
            let name = type_name::<T>();
            self.missing_value.get_or_init(|| name);
            Error::NotProvided { id: self.migration.id(), name }
        })
    }

    pub(crate) fn missing_value(&self) -> Option<&'static str> {
        self.missing_value.get().copied()
    }

    /// Adds a successful operation and returns its index.
    pub(crate) fn succeeded(
        &self,
        kind: &'static str,
        collection: &str,
        counts: Counts,
        samples: Vec<Sample>,
    ) -> usize {
        self.rehearsed(kind, collection, counts, samples, Vec::new())
    }

    /// Adds a successful operation of a dry run, with notes on what could not be shown, and returns its index.
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

    /// Adds an operation that a dry run checked without executing it.
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

    /// Counts a document that was read from the cursor of the operation at `index`.
    pub(crate) fn read(&self, index: usize) {
        if let Some(operation) = self.notes().operations.get_mut(index) {
            operation.counts.matched += 1;
        }
    }

    /// Returns whether reports list the next operation individually.
    pub(crate) fn lists_next(&self) -> bool {
        self.notes().operations.len() < LISTED
    }

    /// Records an error. Only the first one is kept: it has aborted the transaction, and later ones follow from it.
    pub(crate) fn failed(&self, kind: &'static str, collection: &str, error: &mongodb::error::Error) {
        tracing::debug!(kind, collection, code = code(error), "operation failed");
        let mut notes = self.notes();
        // The earlier error has aborted the transaction.
        notes.continued |= notes.first_error.is_some() && code(error) == Some(NO_SUCH_TRANSACTION);
        notes.first_error.get_or_insert_with(|| (format!("{kind} on {collection}"), error.clone()));
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        self.notes().operations.clone()
    }

    pub(crate) fn first_error(&self) -> Option<(String, mongodb::error::Error)> {
        self.notes().first_error.clone()
    }

    /// Returns the first error if the body ignored it and the server then rejected another operation because of it.
    pub(crate) fn cause_of_refusal(&self) -> Option<(String, mongodb::error::Error)> {
        let notes = self.notes();
        notes.first_error.clone().filter(|_| notes.continued)
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The result of a dry-run check.
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
