//! The migration lock: a lease, which one process holds at a time, and a fence, which keeps a former holder from committing.
//!
//! Both are documents in one collection. The **lease** names its holder, expires by the server's clock, and is prolonged by
//! heartbeats. The **fence** holds the token of the newest lease. Every transaction increments a counter in it, on condition that
//! the token is its own. They are separate documents because a heartbeat that wrote the fence would conflict with the open
//! transaction.

mod acquire;
mod command;
mod fence;
mod heartbeat;
mod mongo;
mod seize;
mod session;
mod status;
mod stop_request;
mod store;
mod underway;
mod wait;

use std::time::Duration;

use mongodb::Database;
use tokio::sync::watch;

use crate::error::Error;
use crate::options::Options;

pub(crate) use acquire::Held;
pub(crate) use command::{kill, start, under_way};
pub(crate) use heartbeat::Lease;
pub(crate) use mongo::Mongo;
pub(crate) use seize::Seized;
pub(crate) use session::Session;
pub use status::LockStatus;
pub use stop_request::StopRequest;
#[cfg(test)]
pub(crate) use store::{Abandoned, Claimant, Claimed, Documents, Free, Grant, Heartbeat, Prolonged, Raised, Revoked};
pub(crate) use store::{Fenced, LeaseDocument, Store};
pub(crate) use underway::end;
pub(crate) use wait::{Acquisition, Waiter};

/// Heartbeats per lease: one every 7.5 s with the default lease of 60 s. A majority write can take 18 s while a primary is
/// stopped, and the lease must survive that.
const HEARTBEATS: u32 = 8;

/// The fraction of the lease after which a holder stops if no heartbeat has succeeded: it must have stopped well before another
/// process can take over, whatever the clocks of both show.
const MARGIN: (u32, u32) = (3, 4);

/// The lock of one database.
#[derive(Clone, Debug)]
pub(crate) struct Lock<S = Mongo> {
    store: S,
    lease: Duration,
    actor: Option<String>,
    /// Changes when this process requests a stop, which may be meant for a lease of its own.
    requests: watch::Sender<()>,
}

impl Lock {
    /// `lease` is the same database through the client of the lease, which does not wait for a body's connections. Both handles are
    /// [durable](crate::store::durable).
    pub(crate) fn new(database: &Database, lease: &Database, options: &Options) -> Self {
        let (store, actor) = (Mongo::new(database, lease, &options.names), options.actor.clone());
        Self { store, lease: options.lease, actor, requests: watch::Sender::default() }
    }

    /// The same lock through the clients of a run.
    pub(crate) fn through(&self, database: &Database, lease: &Database, options: &Options) -> Self {
        Self { requests: self.requests.clone(), ..Self::new(database, lease, options) }
    }
}

#[cfg(test)]
impl<S> Lock<S> {
    pub(crate) fn of(store: S, lease: Duration) -> Self {
        Self { store, lease, actor: None, requests: watch::Sender::default() }
    }
}

impl<S: Store> Lock<S> {
    pub(crate) fn store(&self) -> &S {
        &self.store
    }

    pub(crate) fn heartbeat_every(&self) -> Duration {
        self.lease / HEARTBEATS
    }

    /// Creates the two documents with this token if they are missing. Everything else is an update, because the filter of an upsert
    /// cannot have `$expr` (code 224).
    pub(crate) async fn seed(&self, token: i64) -> Result<(), Error> {
        self.store.seed(token).await.map_err(|error| self.failed("prepare the migration lock", error))
    }

    fn failed(&self, doing: &str, error: mongodb::error::Error) -> Error {
        Error::server(format!("{doing} in '{}'", self.store.name()), error)
    }
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
