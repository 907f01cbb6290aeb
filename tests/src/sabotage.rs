//! Mongrate without one of its safeguards, to show that the scenarios of the fault suite can fail: see
//! `faults/negative.rs`.
//!
//! The safeguard is removed between the driver and the server, in the process of the client, so the engine has no code
//! for it. The environment variable [`WITHOUT`] names the safeguard:
//!
//! - `fence`: writes of the fence, and kills of a former holder's transaction, never reach the server, but are
//!   acknowledged.
//! - `record`: the record and the history entry of a migration are removed from the transaction of its body. They are
//!   written before the command that follows the commit.

use std::env;
use std::io::Result;
use std::sync::{Arc, Mutex, PoisonError};

use mongodb::bson::{Document, RawDocumentBuf, doc};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::proxy::{OP_MSG, body, message};

/// The environment variable that names the missing safeguard.
pub const WITHOUT: &str = "MONGRATE_TESTS_WITHOUT";

/// Commands for sessions and connections, which do not count as progress.
const NO_STEP: [&str; 6] = ["hello", "isMaster", "ismaster", "ping", "endSessions", "commitTransaction"];

/// Returns a connection string for one client: the same one, unless a safeguard is missing.
pub async fn uri(uri: &str) -> String {
    let Ok(guard) = env::var(WITHOUT) else { return uri.to_owned() };
    let (server, options) = uri.strip_prefix("mongodb://").and_then(|rest| rest.split_once("/?")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let without = match guard.as_str() {
        "fence" => Without::Fence,
        "record" => Without::Record(Arc::default()),
        other => panic!("{WITHOUT}: unknown safeguard '{other}'"),
    };
    let server = server.to_owned();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (server, without) = (server.clone(), without.clone());
            // An error here means a closed connection, which both sides notice.
            tokio::spawn(async move { without.lead(client, &server).await });
        }
    });
    // One reply for each request, so the monitor must not stream.
    let mut direct = format!("mongodb://127.0.0.1:{port}/?directConnection=true&serverMonitoringMode=poll");
    let ours = ["replicaSet", "directConnection"];
    for option in options.split('&').filter(|option| !ours.iter().any(|ours| option.starts_with(ours))) {
        direct = format!("{direct}&{option}");
    }
    direct
}

#[derive(Clone, Debug)]
enum Without {
    Fence,
    Record(Arc<Mutex<Kept>>),
}

/// The writes that were removed from the current transaction.
#[derive(Debug, Default)]
struct Kept {
    writes: Vec<Vec<u8>>,
    committed: bool,
}

/// What happens to a command.
enum Deed {
    Pass,
    Pretend,
}

impl Without {
    async fn lead(&self, mut client: TcpStream, server: &str) -> Result<()> {
        let mut server = TcpStream::connect(server).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        loop {
            let request = message(&mut client).await?;
            let command = body(&request).and_then(|body| Document::try_from(body).ok()).unwrap_or_default();
            let name = command.keys().next().map_or("", String::as_str);
            for write in self.due(name, &command) {
                exchange(&mut server, &write).await?;
            }
            let reply = match self.deed(name, &command, &request) {
                Deed::Pass => exchange(&mut server, &request).await?,
                Deed::Pretend => pretended(&request),
            };
            self.heard(name, &reply);
            client.write_all(&reply).await?;
        }
    }

    fn deed(&self, name: &str, command: &Document, request: &[u8]) -> Deed {
        match self {
            Self::Fence if name == "killSessions" || writes_the_fence(name, command) => Deed::Pretend,
            Self::Record(kept) if writes_a_record(name, command) => {
                locked(kept).writes.push(outside_the_transaction(command, request));
                Deed::Pretend
            }
            Self::Record(kept) if name == "abortTransaction" => {
                locked(kept).writes.clear();
                Deed::Pass
            }
            _ => Deed::Pass,
        }
    }

    /// Records that a commit has succeeded.
    fn heard(&self, name: &str, reply: &[u8]) {
        let Self::Record(kept) = self else { return };
        if name == "commitTransaction" {
            let reply = body(reply).and_then(|reply| Document::try_from(reply).ok()).unwrap_or_default();
            locked(kept).committed =
                reply.get_f64("ok").is_ok_and(|ok| ok > 0.0) && !reply.contains_key("writeConcernError");
        }
    }

    /// Returns the writes to send before this command.
    fn due(&self, name: &str, command: &Document) -> Vec<Vec<u8>> {
        let Self::Record(kept) = self else { return Vec::new() };
        let mut kept = locked(kept);
        if !kept.committed || NO_STEP.contains(&name) || is_heartbeat(name, command) {
            return Vec::new();
        }
        kept.committed = false;
        std::mem::take(&mut kept.writes)
    }
}

fn is(document: &Document, key: &str, value: &str) -> bool {
    document.get_str(key).is_ok_and(|found| found == value)
}

fn first_update(command: &Document) -> Option<&Document> {
    command.get_array("updates").ok()?.first()?.as_document()
}

/// Returns whether the command writes the fence: the increment in a transaction or by a new holder, but not the
/// creation.
fn writes_the_fence(name: &str, command: &Document) -> bool {
    let fence = |update: &Document| update.get_document("q").is_ok_and(|filter| is(filter, "_id", "fence"));
    name == "update" && first_update(command).is_some_and(|update| fence(update) && !update.contains_key("upsert"))
}

/// A heartbeat knows its token, and taking the lease does not.
fn is_heartbeat(name: &str, command: &Document) -> bool {
    let knows_both = |lease: &Document| lease.contains_key("holder.nonce") && lease.contains_key("token");
    name == "findAndModify" && command.get_document("query").is_ok_and(knows_both)
}

/// Returns whether it is in a transaction with a body. A transaction without a body starts with its record.
fn writes_a_record(name: &str, command: &Document) -> bool {
    let collections: &[_] = match name {
        "update" => &["migrations"],
        "insert" => &["migrations", "migrations_history"],
        _ => return false,
    };
    collections.iter().any(|collection| is(command, name, collection))
        && command.contains_key("autocommit")
        && !command.contains_key("startTransaction")
}

/// Removes the transaction fields from the message.
fn outside_the_transaction(command: &Document, request: &[u8]) -> Vec<u8> {
    let mut alone = command.clone();
    for field in ["lsid", "txnNumber", "autocommit"] {
        alone.remove(field);
    }
    let rest = 21 + body(request).map_or(0, |body| body.as_bytes().len());
    let mut sections = vec![0];
    sections.extend_from_slice(RawDocumentBuf::try_from(&alone).unwrap().as_bytes());
    sections.extend_from_slice(&request[rest..]);
    op_msg(&request[4..8], [0; 4], &sections)
}

/// Builds the reply for one written document.
fn pretended(request: &[u8]) -> Vec<u8> {
    let written = RawDocumentBuf::try_from(&doc! { "ok": 1.0, "n": 1, "nModified": 1 }).unwrap();
    let mut sections = vec![0];
    sections.extend_from_slice(written.as_bytes());
    op_msg(&[0; 4], request[4..8].try_into().unwrap(), &sections)
}

fn op_msg(id: &[u8], answers: [u8; 4], sections: &[u8]) -> Vec<u8> {
    let length = u32::try_from(20 + sections.len()).unwrap();
    [&length.to_le_bytes()[..], id, &answers, &OP_MSG, &[0; 4], sections].concat()
}

async fn exchange(server: &mut TcpStream, request: &[u8]) -> Result<Vec<u8>> {
    server.write_all(request).await?;
    message(server).await
}

fn locked(kept: &Mutex<Kept>) -> std::sync::MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
