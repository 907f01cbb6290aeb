//! Commands as they are sent.

use std::time::Duration;

use mongodb::bson::Document;

/// The command that goes to the database `admin`.
pub(super) const RENAME: &str = "renameCollection";

/// A command with a time limit.
pub(super) fn limited(mut command: Document, limit: Duration) -> Document {
    command.insert("maxTimeMS", i64::try_from(limit.as_millis()).unwrap_or(i64::MAX));
    command
}
