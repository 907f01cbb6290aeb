//! Commands on sessions.

use mongodb::action::StartTransaction;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result;
use mongodb::options::ReadConcern;
use mongodb::{Client, ClientSession};

use crate::error::code;
use crate::store::{primary, write_concern};

/// Starts a transaction that reads from one snapshot, and is durable once its commit is acknowledged.
pub(crate) async fn start(session: &mut ClientSession) -> Result<()> {
    let transaction: StartTransaction<&mut ClientSession> = session.start_transaction();
    transaction.read_concern(ReadConcern::snapshot()).write_concern(write_concern()).selection_criteria(primary()).await
}

/// Ends the open transactions of these sessions on the server. The reply proves nothing: for the sessions of another user, the
/// server replies ok and does nothing.
pub(crate) async fn kill(client: &Client, sessions: &[Document]) {
    if sessions.is_empty() {
        return;
    }
    let command = doc! { "killSessions": sessions };
    if let Err(error) = client.database("admin").run_command(command).await {
        tracing::warn!(code = code(&error), "could not end an abandoned transaction; the server will abort it");
    }
}

/// Lists the operations that run in this session, as in `$currentOp`. A user needs no privilege to see its own.
pub(crate) async fn under_way(client: &Client, session: &Document) -> Result<Vec<Document>> {
    let Some(id) = session.get("id") else { return Ok(Vec::new()) };
    let operations = doc! { "$currentOp": { "allUsers": false, "idleConnections": false } };
    let pipeline = [operations, doc! { "$match": { "lsid.id": id.clone() } }];
    let command = doc! { "aggregate": 1, "pipeline": pipeline.to_vec(), "cursor": {} };
    let reply = client.database("admin").run_command(command).await?;
    let batch = reply.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch"));
    Ok(batch.map_or_else(|_| Vec::new(), |batch| batch.iter().filter_map(Bson::as_document).cloned().collect()))
}
