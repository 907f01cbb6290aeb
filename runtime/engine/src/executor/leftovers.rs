//! Operations that a body with a raw handle leaves running at the server.
//!
//! Such a body is ended by aborting its task. The server does not notice and continues, say, an `updateMany`. No other process
//! may migrate meanwhile, so the operations are ended, or else the lease is not released.

use std::time::Duration;

use mongodb::Client;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result;
use tokio::time::{Instant, sleep, timeout};

use super::Executor;
use crate::error::Readable;

/// How long to wait for killed operations to end.
const LIMIT: Duration = Duration::from_secs(2);

/// How much longer to wait for the server to respond. A run that must stop ends within four and a half seconds.
const RESPONSE_LIMIT: Duration = Duration::from_secs(1);

/// The pause between two polls.
const PAUSE: Duration = Duration::from_millis(50);

/// The number of consecutive polls that must find nothing: a request may still be in transit when its connection is closed.
const EMPTY_POLLS: u32 = 3;

/// Excludes the poll from its own result.
const COMMENT: &str = "mongrate looks for what a migration left running";

/// Identifies the operations of a run's bodies at the server.
#[derive(Clone, Debug)]
pub(crate) struct Bodies {
    /// The application name of their client.
    pub(crate) app_name: String,
    /// The database, if other databases are migrated through the same client.
    pub(crate) database: Option<String>,
}

/// The end of a body with a raw handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raw {
    /// It returned an error, perhaps without waiting for all of its calls.
    Failed,
    /// Its task was aborted.
    Aborted,
    /// Its task does not end.
    Running,
}

impl Executor<'_> {
    /// Ends the operations that a body left running, or reports those that may still run.
    pub(super) async fn end_leftovers(&mut self, id: &str, raw: Raw) {
        let running = match (&self.bodies, raw) {
            (_, Raw::Running) => format!("the function of '{id}' blocks its thread and is still running"),
            (Some(bodies), _) => match end_operations_in_time(self.database.client(), bodies).await {
                Ok(()) => return,
                Err(running) => format!("the server may still be executing operations of '{id}': {running}"),
            },
            (None, Raw::Aborted) => format!(
                "'{id}' was stopped in a `&Database` body, and the server may still be executing its last operation. \
                 Mongrate can end such operations only with `Migrator::connect`"
            ),
            (None, Raw::Failed) => return,
        };
        tracing::warn!(id, "{running}");
        self.left_running.push(running);
    }
}

/// Like [`end_operations`], with a time limit. Uses a task, because the driver's futures must not be dropped midway.
async fn end_operations_in_time(client: &Client, bodies: &Bodies) -> std::result::Result<(), String> {
    let (client, bodies) = (client.clone(), bodies.clone());
    let ending = tokio::spawn(async move { end_operations(&client, &bodies).await });
    match timeout(LIMIT + RESPONSE_LIMIT, ending).await {
        Ok(Ok(ended)) => ended,
        _ => Err("they cannot be listed, because the server does not respond".to_owned()),
    }
}

/// Ends the operations of bodies. Fails with a list of those that do not end.
pub(crate) async fn end_operations(client: &Client, bodies: &Bodies) -> std::result::Result<(), String> {
    let (began, mut empty_polls) = (Instant::now(), 0);
    loop {
        let found = operations(client, bodies).await;
        let running = match found {
            Ok(found) if found.is_empty() => {
                empty_polls += 1;
                if empty_polls == EMPTY_POLLS {
                    return Ok(());
                }
                None
            }
            Ok(found) => {
                empty_polls = 0;
                for operation in &found {
                    end(client, operation).await;
                }
                Some(found.iter().map(described).collect::<Vec<_>>().join(", "))
            }
            Err(error) => Some(format!("they cannot be listed ({})", Readable(&error))),
        };
        if let Some(running) = running
            && began.elapsed() >= LIMIT
        {
            return Err(running);
        }
        sleep(PAUSE).await;
    }
}

/// Lists the running operations of a client, except for its monitors. A user may list its own operations without a privilege.
async fn operations(client: &Client, bodies: &Bodies) -> Result<Vec<Document>> {
    let all = doc! { "$currentOp": { "allUsers": false, "idleSessions": false } };
    let mut ours = doc! {
        "appName": &bodies.app_name,
        "active": true,
        "command.hello": { "$exists": false },
        "command.isMaster": { "$exists": false },
        "command.ismaster": { "$exists": false },
        "command.comment": { "$ne": COMMENT },
    };
    if let Some(database) = &bodies.database {
        // Not `command.$db`, which a running update or delete lacks.
        let of = doc! { "$arrayElemAt": [{ "$split": ["$ns", "."] }, 0] };
        ours.insert("$expr", doc! { "$eq": [of, { "$literal": database }] });
    }
    let ours = doc! { "$match": ours };
    // As a command, because the stage rejects the concerns that a handle may have.
    let command = doc! { "aggregate": 1, "pipeline": [all, ours], "cursor": { "batchSize": 1000 }, "comment": COMMENT };
    let reply = client.database("admin").run_command(command).await?;
    let batch = reply.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch"));
    Ok(batch.into_iter().flatten().filter_map(Bson::as_document).cloned().collect())
}

async fn end(client: &Client, operation: &Document) {
    let Some(id) = operation.get("opid") else { return };
    if let Err(error) = client.database("admin").run_command(doc! { "killOp": 1, "op": id }).await {
        tracing::debug!(error = %Readable(&error), "could not end an operation");
    }
}

/// `update on shop.orders`.
fn described(operation: &Document) -> String {
    let command = operation.get_document("command").ok().and_then(|command| command.keys().next());
    let name = operation.get_str("op").ok().filter(|op| *op != "command");
    let name = name.or(command.map(String::as_str)).unwrap_or("an operation");
    format!("{name} on {}", operation.get_str("ns").unwrap_or("an unknown collection"))
}
