//! The two clients of a run, or of many runs together.

use std::time::Duration;

use futures_util::future::join;
use mongodb::Client;
use mongodb::bson::oid::ObjectId;
use mongodb::options::{ClientOptions, ReadConcern};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::client;
use crate::display::truncated;
use crate::error::Error;
use crate::store::{primary, write_concern};

/// The maximum length of an application name in bytes:
/// <https://github.com/mongodb/specifications/blob/master/source/mongodb-handshake/handshake.md>.
const MAX_NAME_LENGTH: usize = 128;

/// How long to wait for the orderly shutdown of a client.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(1);

/// The client of bodies and the client of the lease.
#[derive(Clone, Debug)]
pub(super) struct Clients {
    pub(super) body: Client,
    pub(super) lease: Client,
    /// The application name of the client of bodies.
    pub(super) app_name: String,
}

impl Clients {
    /// Creates clients for this number of concurrent runs.
    pub(super) fn new(options: &ClientOptions, runs: usize) -> Result<Self, Error> {
        let nonce = ObjectId::new();
        let app_name = app_name(options.app_name.as_deref(), "mongrate", nonce);
        let mut body = options.clone();
        body.app_name = Some(app_name.clone());
        body.selection_criteria = Some(primary());
        body.read_concern = Some(ReadConcern::majority());
        body.write_concern = Some(write_concern());
        let mut lease = body.clone();
        lease.app_name = Some(self::app_name(options.app_name.as_deref(), "mongrate-lease", nonce));
        lease.min_pool_size = None;
        // One connection for the heartbeat of each run, and one for a wait or a release at the same time.
        lease.max_pool_size = Some(u32::try_from(runs).unwrap_or(u32::MAX).saturating_add(1));
        Ok(Self { body: client(body)?, lease: client(lease)?, app_name })
    }

    pub(super) async fn shutdown(self) {
        join(shut_down(self.body), shut_down(self.lease)).await;
    }
}

/// Clients that many runs share. The first run creates them.
#[derive(Debug)]
pub(crate) struct SharedClients {
    options: ClientOptions,
    /// The number of concurrent runs.
    runs: usize,
    clients: OnceCell<Clients>,
}

impl SharedClients {
    pub(crate) fn new(options: ClientOptions, runs: usize) -> Self {
        Self { options, runs, clients: OnceCell::new() }
    }

    pub(super) fn options(&self) -> &ClientOptions {
        &self.options
    }

    pub(super) async fn get(&self) -> Result<&Clients, Error> {
        self.clients.get_or_try_init(async || Clients::new(&self.options, self.runs)).await
    }

    pub(crate) async fn shutdown(&self) {
        if let Some(clients) = self.clients.get() {
            clients.clone().shutdown().await;
        }
    }
}

/// Shuts down a client. Waits only briefly for sessions and cursors in use, because an abandoned body may never drop its own.
pub(crate) async fn shut_down(client: Client) {
    // In tasks, because the driver's futures must not be dropped midway.
    let orderly = tokio::spawn(client.clone().shutdown().into_future());
    if timeout(SHUTDOWN_LIMIT, orderly).await.is_err() {
        tracing::debug!("shutting down a client that is still in use, or whose server does not respond");
        tokio::spawn(client.shutdown().immediate(true).into_future());
    }
}

/// Appends Mongrate's name and a nonce to the user's application name. The nonce makes the name unique, because operations of a
/// run are ended by this name, and a process may migrate several databases at the same time.
fn app_name(user: Option<&str>, ours: &str, nonce: ObjectId) -> String {
    let ours = format!("{ours}-{nonce}");
    match user {
        Some(user) => format!("{} {ours}", truncated(user, MAX_NAME_LENGTH - ours.len() - 1)),
        None => ours,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_name_is_truncated_to_fit() {
        let nonce = ObjectId::new();
        let name = app_name(Some("shop"), "mongrate", nonce);
        assert!(name.starts_with("shop mongrate-"), "{name}");
        for long in ["x".repeat(128), "é".repeat(64), "€".repeat(42)] {
            let name = app_name(Some(&long), "mongrate-lease", nonce);
            assert!(name.len() <= MAX_NAME_LENGTH && name.len() > MAX_NAME_LENGTH - 4, "{name}");
            assert!(name.contains(" mongrate-lease-"), "{name}");
        }
        assert!(app_name(None, "mongrate", nonce).starts_with("mongrate-"));
    }
}
