//! What a session has under way at the server, and its end.

use std::time::Duration;

use mongodb::Client;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result;
use tokio::time::{Instant, sleep};

use super::kill;

/// How long a command that was killed may take to end. An index build takes 2 to 4 seconds, everything else ends at once.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The pause between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// The operations that run in this session, as `$currentOp` has them. One's own are shown without any privilege.
pub(crate) async fn under_way(client: &Client, session: &Document) -> Result<Vec<Document>> {
    let Some(id) = session.get("id") else { return Ok(Vec::new()) };
    let operations = doc! { "$currentOp": { "allUsers": false, "idleConnections": false } };
    let pipeline = [operations, doc! { "$match": { "lsid.id": id.clone() } }];
    let command = doc! { "aggregate": 1, "pipeline": pipeline.to_vec(), "cursor": {} };
    let reply = client.database("admin").run_command(command).await?;
    let batch = reply.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch"));
    Ok(batch.map_or_else(|_| Vec::new(), |batch| batch.iter().filter_map(Bson::as_document).cloned().collect()))
}

/// Ends what a session has under way, and waits until the server shows nothing of it. False when it still does after five
/// seconds, or cannot be asked.
pub(crate) async fn end(client: &Client, session: &Document) -> bool {
    kill(client, std::slice::from_ref(session)).await;
    let until = Instant::now() + LAST_WORDS;
    loop {
        match under_way(client, session).await {
            Ok(operations) if operations.is_empty() => return true,
            Err(error) if !crate::error::passes(&error) => return false,
            _ if Instant::now() >= until => return false,
            _ => sleep(BETWEEN_LOOKS).await,
        }
    }
}
