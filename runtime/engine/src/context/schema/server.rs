//! The interface between the operations of a body and the server. The simulation implements it, too.

use std::fmt;

use mongodb::bson::Document;
use mongodb::error::Result;

use super::retry::Retry;
use crate::store::LogUpdate;

/// The server of a body, and the log in the record of its migration.
pub(crate) trait Server: fmt::Debug + Send + Sync {
    /// Returns the name of the body's database.
    fn database(&self) -> &str;

    /// Runs a read command. A fail-over can undo what it shows.
    fn read(&self, command: Document) -> impl Future<Output = Result<Document>> + Send;

    /// Sends a command once in the session of the run, with the remaining time and a durable write concern.
    fn attempt(&mut self, command: Document, retry: &mut Retry) -> impl Future<Output = Result<()>> + Send;

    /// Stores changes of the log under the fence. Returns whether they are stored.
    fn store(&mut self, update: LogUpdate) -> impl Future<Output = bool> + Send;
}
