//! What holders that did not release the lease have under way at the server.

use std::collections::HashMap;

use mongodb::Client;
use mongodb::bson::Document;

use crate::Error;
use crate::context::Log;
use crate::lock::{end, under_way};
use crate::tracker::{Records, Tracker};

/// Ends it, and waits until it has ended. Returns the sessions that were spared, because they build an index.
///
/// The fence is raised already, so nothing that they still have open can commit. But the transaction of a holder that
/// died in a body has not passed the fence, so it did not block it either, and it locks the documents that it wrote for
/// up to 90 seconds. This comes after the records are read, and not with the raise: only records that were read behind
/// the fence tell what a former holder has under way outside of transactions. An index build is left alone, because it would
/// have to begin again: the migration that resumes joins it.
pub(super) async fn end_former_holders(
    client: &Client,
    tracker: &Tracker,
    records: &Records,
    sessions: Vec<Document>,
) -> Result<Vec<Document>, Error> {
    if sessions.is_empty() {
        return Ok(sessions);
    }
    let ids = records.half_way();
    let logs = if ids.is_empty() { HashMap::new() } else { tracker.logs(&ids).await? };
    let builds = logs.values().filter_map(Log::parse).any(|log| log.builds_an_index());
    let mut spared = Vec::new();
    for session in sessions {
        if builds && builds_an_index(client, &session).await {
            tracing::info!("a former holder's index build goes on; it is joined");
            spared.push(session);
        } else if !end(client, &session).await {
            tracing::warn!("a former holder's command may still be under way");
        }
    }
    Ok(spared)
}

/// Whether that is what a session has under way, as far as the server tells.
async fn builds_an_index(client: &Client, session: &Document) -> bool {
    let operations = under_way(client, session).await;
    let creates = |operation: &Document| {
        operation.get_document("command").is_ok_and(|command| command.contains_key("createIndexes"))
    };
    // In doubt it is left: all that it may cost is time.
    operations.map_or(true, |operations| operations.iter().any(creates))
}
