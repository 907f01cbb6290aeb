//! A function of the program that says whether a backfill should wait.

use std::fmt;
use std::sync::Arc;

use mongodb::{BoxFuture, Database};

use crate::migration::registration::BoxError;

/// Returns why no batch should start.
#[derive(Clone)]
pub(crate) struct Ask(Arc<Function>);

type Function = dyn Fn(Database) -> BoxFuture<'static, Result<Option<String>, BoxError>> + Send + Sync;

impl Ask {
    pub(super) fn new(
        ask: impl Fn(Database) -> BoxFuture<'static, Result<Option<String>, BoxError>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(ask))
    }

    pub(crate) fn ask(&self, database: Database) -> BoxFuture<'static, Result<Option<String>, BoxError>> {
        (self.0)(database)
    }
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ask")
    }
}
