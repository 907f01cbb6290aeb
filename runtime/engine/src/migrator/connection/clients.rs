//! The two clients of a run, or of the runs of many databases.

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

/// The longest application name that the server takes, in bytes:
/// <https://github.com/mongodb/specifications/blob/master/source/mongodb-handshake/handshake.md>.
const LONGEST_NAME: usize = 128;

/// How long the server has to acknowledge that sessions have ended.
const GOODBYE: Duration = Duration::from_secs(1);

/// The client of the bodies and that of the lease.
#[derive(Clone, Debug)]
pub(super) struct Clients {
    pub(super) body: Client,
    pub(super) lease: Client,
    /// What the client of the bodies calls itself.
    pub(super) app_name: String,
}

impl Clients {
    /// `runs` is how many use them at a time.
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
        // One for the heartbeat of each run, and one for whoever waits or releases meanwhile.
        lease.max_pool_size = Some(u32::try_from(runs).unwrap_or(u32::MAX).saturating_add(1));
        Ok(Self { body: client(body)?, lease: client(lease)?, app_name })
    }

    pub(super) async fn shutdown(self) {
        join(goodbye(self.body), goodbye(self.lease)).await;
    }
}

/// Clients that many runs share: made by the first run that needs them.
#[derive(Debug)]
pub(crate) struct SharedClients {
    options: ClientOptions,
    /// How many runs there are at a time.
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

/// Shuts a client down. It waits for the sessions and cursors that are still in use, but not for long: a body that was left
/// behind may never drop its own.
pub(crate) async fn goodbye(client: Client) {
    // On tasks, because a future of the driver must not be dropped under way.
    let orderly = tokio::spawn(client.clone().shutdown().into_future());
    if timeout(GOODBYE, orderly).await.is_err() {
        tracing::debug!("a client is shut down although something still uses it, or the server does not answer");
        tokio::spawn(client.shutdown().immediate(true).into_future());
    }
}

/// The user's name in front, then ours with a nonce: one process may migrate several databases at the same time, and the
/// operations of one run are ended by this name.
fn app_name(user: Option<&str>, ours: &str, nonce: ObjectId) -> String {
    let ours = format!("{ours}-{nonce}");
    match user {
        Some(user) => format!("{} {ours}", truncated(user, LONGEST_NAME - ours.len() - 1)),
        None => ours,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_name_stays_in_front_as_far_as_the_server_takes_it() {
        let nonce = ObjectId::new();
        let name = app_name(Some("shop"), "mongrate", nonce);
        assert!(name.starts_with("shop mongrate-"), "{name}");
        for long in ["x".repeat(128), "é".repeat(64), "€".repeat(42)] {
            let name = app_name(Some(&long), "mongrate-lease", nonce);
            assert!(name.len() <= LONGEST_NAME && name.len() > LONGEST_NAME - 4, "{name}");
            assert!(name.contains(" mongrate-lease-"), "{name}");
        }
        assert!(app_name(None, "mongrate", nonce).starts_with("mongrate-"));
    }
}
