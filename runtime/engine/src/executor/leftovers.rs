//! What a body with a raw handle leaves behind at the server.
//!
//! Such a body is ended by aborting its task. The server does not notice: it goes on with an `updateMany` until that is
//! done. As long as it may do so, nobody else must migrate, so the operations are ended, or the lease is not released.

use std::time::Duration;

use mongodb::Client;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result;
use tokio::time::{Instant, sleep, timeout};

use super::Executor;
use crate::error::Readable;

/// How long the operations of a body may take to end when they are told to.
const LIMIT: Duration = Duration::from_secs(2);

/// How much longer an answer of the server may take. A run that has to stop ends within four and a half seconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// The looks in a row that must find nothing: a request may still be on its way when its connection is closed.
const CALM: u32 = 3;

/// By which the look knows itself.
const COMMENT: &str = "mongrate looks for what a migration left running";

/// How the operations of a run's bodies are found at the server.
#[derive(Clone, Debug)]
pub(crate) struct Bodies {
    /// The application name of their client.
    pub(crate) app_name: String,
    /// The database, if others are migrated through the same client.
    pub(crate) database: Option<String>,
}

/// How a body with a raw handle has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raw {
    /// It returned an error, perhaps without waiting for a call of its own.
    Failed,
    /// Its task was aborted.
    Aborted,
    /// Its task does not end.
    Running,
}

impl Executor<'_> {
    /// Sees to it that nothing of a body runs at the server any more, or notes what may.
    pub(super) async fn end_leftovers(&mut self, id: &str, raw: Raw) {
        let left = match (&self.bodies, raw) {
            (_, Raw::Running) => format!("the function of '{id}' blocks its thread and goes on"),
            (Some(bodies), _) => match in_time(self.database.client(), bodies).await {
                Ok(()) => return,
                Err(left) => format!("the server goes on with what '{id}' had sent: {left}"),
            },
            (None, Raw::Aborted) => format!(
                "'{id}' was stopped in a `&Database`, and the server may go on with what it had sent; only through \
                 `Migrator::connect` could that be found and ended"
            ),
            (None, Raw::Failed) => return,
        };
        tracing::warn!(id, "{left}");
        self.left_running.push(left);
    }
}

/// The same in a task, because a future of the driver must not be dropped under way: the server may be gone.
async fn in_time(client: &Client, bodies: &Bodies) -> std::result::Result<(), String> {
    let (client, bodies) = (client.clone(), bodies.clone());
    let ending = tokio::spawn(async move { end_operations(&client, &bodies).await });
    match timeout(LIMIT + PATIENCE, ending).await {
        Ok(Ok(ended)) => ended,
        _ => Err("what that is cannot be found out, because the server does not answer".to_owned()),
    }
}

/// Ends the operations of bodies. `Err` names those that do not end.
pub(crate) async fn end_operations(client: &Client, bodies: &Bodies) -> std::result::Result<(), String> {
    let (began, mut calm) = (Instant::now(), 0);
    loop {
        let found = operations(client, bodies).await;
        let left = match found {
            Ok(found) if found.is_empty() => {
                calm += 1;
                if calm == CALM {
                    return Ok(());
                }
                None
            }
            Ok(found) => {
                calm = 0;
                for operation in &found {
                    end(client, operation).await;
                }
                Some(found.iter().map(described).collect::<Vec<_>>().join(", "))
            }
            Err(error) => Some(format!("what that is cannot be found out ({})", Readable(&error))),
        };
        if let Some(left) = left
            && began.elapsed() >= LIMIT
        {
            return Err(left);
        }
        sleep(PAUSE).await;
    }
}

/// The operations of a client that are under way, but for its monitors. A user needs no privilege to see its own.
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
    // As a command, because the stage does not take the concerns that a handle may have.
    let command = doc! { "aggregate": 1, "pipeline": [all, ours], "cursor": { "batchSize": 1000 }, "comment": COMMENT };
    let reply = client.database("admin").run_command(command).await?;
    let batch = reply.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch"));
    Ok(batch.into_iter().flatten().filter_map(Bson::as_document).cloned().collect())
}

async fn end(client: &Client, operation: &Document) {
    let Some(id) = operation.get("opid") else { return };
    if let Err(error) = client.database("admin").run_command(doc! { "killOp": 1, "op": id }).await {
        tracing::debug!(error = %Readable(&error), "end an operation");
    }
}

/// `update on shop.orders`.
fn described(operation: &Document) -> String {
    let command = operation.get_document("command").ok().and_then(|command| command.keys().next());
    let name = operation.get_str("op").ok().filter(|op| *op != "command");
    let name = name.or(command.map(String::as_str)).unwrap_or("an operation");
    format!("{name} on {}", operation.get_str("ns").unwrap_or("an unknown collection"))
}
