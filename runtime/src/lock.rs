//! Who may migrate now: the lease; and what stops a holder who lost it from committing: the fence.
//!
//! Two documents in one collection. The **lease** names its holder, expires by the server's clock and is kept alive by
//! a heartbeat. The **fence** holds the token of the newest lease; every commit increments a counter in it under the
//! condition that the token is still its own, inside the same transaction. They are two documents because a heartbeat
//! that wrote the fence's document would conflict with the transaction that is under way.

mod acquire;
mod fence;
mod heartbeat;
mod holder;
mod permit;
mod seize;
mod status;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::{Client, Collection, Database};

use crate::Error;
use crate::options::Options;
use crate::tracker::durable;

pub(crate) use acquire::{Attempt, Seen, Sighting};
pub(crate) use fence::{Fenced, kill};
pub(crate) use heartbeat::Lease;
pub use holder::Holder;
pub(crate) use holder::host;
pub(crate) use permit::Permit;
pub use status::LockStatus;

const LEASE: &str = "lease";
const FENCE: &str = "fence";

/// Heartbeats per lease. With the default lease of 60 s this is one every 7.5 s: a majority write can take 18 s while a
/// primary is stopped, and the lease must survive that.
const HEARTBEATS: u32 = 8;

/// The part of the lease after which the holder stops by itself when no heartbeat has succeeded: 3/4, so that it has
/// stopped well before anybody may take over, whatever the two clocks do.
const MARGIN: (u32, u32) = (3, 4);

/// The lock of one database.
#[derive(Clone, Debug)]
pub(crate) struct Lock {
    client: Client,
    documents: Collection<Document>,
    lease: Duration,
    actor: Option<String>,
}

impl Lock {
    pub(crate) fn new(database: &Database, options: &Options) -> Self {
        Self {
            client: database.client().clone(),
            documents: database.collection_with_options(&options.names.lock, durable()),
            lease: options.lease,
            actor: options.actor.clone(),
        }
    }

    pub(crate) fn heartbeat_every(&self) -> Duration {
        self.lease / HEARTBEATS
    }

    /// Makes the two documents if they are missing, so that everything afterwards is an update: an upsert cannot have
    /// `$expr` in its filter (224). The lease comes last: where it is, a process that died in between has left nothing
    /// undone, so that nobody has to look for the fence.
    /// Tokens rise from `token`.
    pub(crate) async fn seed(&self, token: i64) -> Result<(), Error> {
        let seeds = [
            (FENCE, doc! { "token": token, "commits": 0_i64 }),
            (LEASE, doc! { "holder": null, "token": token, "beat": 0_i64 }),
        ];
        for (id, initial) in seeds {
            self.documents
                .update_one(doc! { "_id": id }, doc! { "$setOnInsert": initial })
                .upsert(true)
                .await
                .map_err(|error| self.failed("prepare the migration lock", error))?;
        }
        Ok(())
    }

    fn failed(&self, doing: &str, error: mongodb::error::Error) -> Error {
        Error::server(format!("{doing} in '{}'", self.documents.name()), error)
    }
}

/// A random part of a wait, so that processes that started together do not stay in step.
pub(crate) fn jitter(of: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    let nanos = u64::try_from(of.as_nanos()).unwrap_or(u64::MAX).max(1);
    Duration::from_nanos(random % nanos)
}

/// The wait before attempt `n` (from 1) of something that failed for a passing reason: 10 ms, doubling up to 1 s, and
/// up to as much again at random so that competitors do not meet again.
pub(crate) fn backoff(attempt: u32) -> Duration {
    let base = Duration::from_millis(10 << attempt.min(7)).min(Duration::from_secs(1));
    base + jitter(base)
}
