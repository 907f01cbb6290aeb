//! Operations of former holders that did not release the lease.

use std::collections::HashMap;

use mongodb::bson::Document;

use crate::context::Log;
use crate::error::Error;
use crate::lock::Lock;
use crate::store::{Records, Tracker};

/// Ends the operations of former holders, except for recorded index builds. `records` were read after raising the fence. Returns
/// the sessions that were spared.
pub(super) async fn end_former_holders(
    lock: &Lock,
    tracker: &Tracker,
    records: &Records,
    sessions: Vec<Document>,
) -> Result<Vec<Document>, Error> {
    if sessions.is_empty() {
        return Ok(sessions);
    }
    let ids = records.unfinished();
    let logs = if ids.is_empty() { HashMap::new() } else { tracker.logs(&ids).await? };
    let builds = logs.values().filter_map(Log::parse).any(|log| log.builds_an_index());
    Ok(lock.end_former_holders(sessions, builds).await)
}
