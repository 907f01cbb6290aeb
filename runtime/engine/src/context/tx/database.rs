//! Another database of the same server in a transaction.

use std::sync::Arc;

use mongodb::Database;
use mongodb::options::DatabaseOptions;

use super::{Shared, TxCollection};
use crate::error::Error;
use crate::migration::Source;

/// Another database, whose operations are part of a transaction. See [`Tx::database`](crate::context::Tx::database).
#[derive(Clone, Debug)]
pub struct TxDatabase {
    tx: Arc<Shared>,
    database: Database,
}

impl TxDatabase {
    pub(super) fn new(tx: Arc<Shared>, name: &str) -> Self {
        let own = &tx.database;
        let options = DatabaseOptions::builder()
            .read_concern(own.read_concern().cloned())
            .write_concern(own.write_concern().cloned())
            .selection_criteria(own.selection_criteria().cloned())
            .build();
        let database = own.client().database_with_options(name, options);
        Self { tx, database }
    }

    /// Returns a collection whose operations are part of the transaction.
    #[must_use]
    pub fn collection<T: Send + Sync>(&self, name: &str) -> TxCollection<T> {
        let refusal = match self.tx.scope.source() {
            Source::Plugin(plugin) => {
                let database = self.database.name();
                Some(Error::Refused(format!(
                    "a migration of the plugin '{plugin}' reaches only its own collections, not the database '{database}'; move \
                     this change into a migration of the application"
                )))
            }
            Source::System | Source::Module(_) => None,
        };
        TxCollection::elsewhere(self.tx.clone(), self.database.collection(name), refusal.map(Error::into_driver))
    }
}
