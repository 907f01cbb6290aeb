//! What a body has under way at the server, for whoever has to end it.

use std::sync::{Arc, Mutex, PoisonError};

use mongodb::Client;
use mongodb::bson::Document;

/// Shared between a body and what supervises it.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) client: Client,
    /// The session in which the body's commands go out.
    pub(crate) session: Document,
    operation: Arc<Mutex<Option<&'static str>>>,
}

impl Activity {
    pub(crate) fn new(client: Client, session: Document) -> Self {
        Self { client, session, operation: Arc::default() }
    }

    /// The method that was called and has not returned.
    pub(crate) fn operation(&self) -> Option<&'static str> {
        *self.operation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, operation: &'static str) {
        *self.operation.lock().unwrap_or_else(PoisonError::into_inner) = Some(operation);
    }

    pub(super) fn end(&self) {
        *self.operation.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
