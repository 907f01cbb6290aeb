//! Who may migrate now: the lease; and what stops a holder who lost it from committing: the fence.
//!
//! Two documents in one collection. The **lease** names its holder, expires by the server's clock and is kept alive by
//! a heartbeat. The **fence** holds the token of the newest lease; every commit increments a counter in it under the
//! condition that the token is still its own, inside the same transaction. They are two documents because a heartbeat
//! that wrote the fence's document would conflict with the transaction that is under way.

mod acquire;
mod command;
mod fence;
mod heartbeat;
mod mongo;
mod seize;
mod session;
mod status;
mod store;
mod underway;
mod wait;

use std::time::Duration;

use mongodb::Database;

use crate::error::Error;
use crate::options::Options;

pub(crate) use acquire::Held;
pub(crate) use command::{kill, start, under_way};
pub(crate) use heartbeat::Lease;
pub(crate) use mongo::Mongo;
pub(crate) use seize::Seized;
pub(crate) use session::Session;
pub use status::LockStatus;
#[cfg(test)]
pub(crate) use store::{Beat, Claimant, Claimed, Documents, Free, Grant, Raised, Revoked};
pub(crate) use store::{Fenced, Sighting, Store};
pub(crate) use underway::end;
pub(crate) use wait::{Look, Waiter};

/// Heartbeats per lease. With the default lease of 60 s this is one every 7.5 s: a majority write can take 18 s while a
/// primary is stopped, and the lease must survive that.
const HEARTBEATS: u32 = 8;

/// The part of the lease after which the holder stops by itself when no heartbeat has succeeded: 3/4, so that it has
/// stopped well before anybody may take over, whatever the two clocks do.
const MARGIN: (u32, u32) = (3, 4);

/// The lock of one database.
#[derive(Clone, Debug)]
pub(crate) struct Lock<S = Mongo> {
    store: S,
    lease: Duration,
    actor: Option<String>,
}

impl Lock {
    /// `lease` is the same database, perhaps through another client: for all that must not wait for a body's connections.
    /// Both are [durable](crate::store::durable).
    pub(crate) fn new(database: &Database, lease: &Database, options: &Options) -> Self {
        Self { store: Mongo::new(database, lease, &options.names), lease: options.lease, actor: options.actor.clone() }
    }
}

#[cfg(test)]
impl<S> Lock<S> {
    pub(crate) fn of(store: S, lease: Duration) -> Self {
        Self { store, lease, actor: None }
    }
}

impl<S: Store> Lock<S> {
    pub(crate) fn store(&self) -> &S {
        &self.store
    }

    pub(crate) fn heartbeat_every(&self) -> Duration {
        self.lease / HEARTBEATS
    }

    /// Makes the two documents if they are missing, so that everything afterwards is an update: an upsert cannot have
    /// `$expr` in its filter (224). Tokens rise from `token`.
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
