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

    pub(crate) fn migrator(&self) -> &Migrator {
        &self.0.migrator
    }
}
