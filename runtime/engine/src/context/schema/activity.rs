//! The current operation of a body, and the session that it runs in.

use std::sync::{Arc, Mutex, PoisonError};

use mongodb::Client;
use mongodb::bson::Document;

use super::effect::{CREATE_INDEX, CREATE_INDEXES};

/// Shared between a body and its supervisor, which ends the operation if it has to.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) client: Client,
    /// The session of the body's commands.
    pub(crate) session: Document,
    operation: Arc<Mutex<Option<&'static str>>>,
}

impl Activity {
    pub(crate) fn new(client: Client, session: Document) -> Self {
        Self { client, session, operation: Arc::default() }
    }

    /// Returns the name of the method that was called and has not returned.
    pub(crate) fn operation(&self) -> Option<&'static str> {
        *self.operation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether the operation continues at the server without a client.
    pub(crate) fn builds_an_index(&self) -> bool {
        self.operation().is_some_and(|operation| [CREATE_INDEX, CREATE_INDEXES].contains(&operation))
    }

    pub(super) fn begin(&self, operation: &'static str) {
        *self.operation.lock().unwrap_or_else(PoisonError::into_inner) = Some(operation);
    }

    pub(super) fn end(&self) {
        *self.operation.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
