//! One database that is administered, and what this process knows about it.

use std::sync::Arc;

use mongrate::Migrator;

/// A database with its migrator. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Site(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    migrator: Migrator,
}

impl Site {
    pub(crate) fn new(migrator: Migrator) -> Self {
        Self(Arc::new(Inner { migrator }))
    }

    /// The name of the database that a request has to say, or `None` for the application's own.
    #[expect(clippy::unused_self, reason = "there is one database so far")]
    pub(crate) fn tenant(&self) -> Option<&str> {
        None
    }

    pub(crate) fn migrator(&self) -> &Migrator {
        &self.0.migrator
    }
}
