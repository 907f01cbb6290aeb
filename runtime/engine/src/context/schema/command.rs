//! Helpers to build commands.

use std::time::Duration;

use mongodb::bson::Document;

/// The command that is sent to the database `admin`.
pub(super) const RENAME: &str = "renameCollection";

/// Adds a time limit to a command.
pub(super) fn limited(mut command: Document, limit: Duration) -> Document {
    command.insert("maxTimeMS", i64::try_from(limit.as_millis()).unwrap_or(i64::MAX));
    command
}
