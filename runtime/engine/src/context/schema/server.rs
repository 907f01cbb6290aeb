//! All that the operations of a body ask of the server and of the executor, so that a model can answer in their place.

use std::fmt;

use mongodb::bson::Document;
use mongodb::error::Result;

use super::patience::Patience;
use crate::store::LogUpdate;

/// The server behind a body, and the log in the record of its migration.
pub(crate) trait Server: fmt::Debug + Send + Sync {
    /// The name of the body's database.
    fn database(&self) -> &str;

    /// A read, which a fail-over can undo.
    fn read(&self, command: Document) -> impl Future<Output = Result<Document>> + Send;

    /// Sends a command once in the run's session, with the time that is left and a durable write concern.
    fn attempt(&mut self, command: Document, patience: &mut Patience) -> impl Future<Output = Result<()>> + Send;

    /// Stores what the record lacks of the log, under the fence. False when it is not stored.
    fn store(&mut self, update: LogUpdate) -> impl Future<Output = bool> + Send;
}
