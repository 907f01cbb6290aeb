//! Taking the lease: at once when it is free, from a dead holder when it has certainly stopped.

use std::time::Duration;

use mongodb::bson::{DateTime, Document, oid::ObjectId};
use serde::Deserialize;
use tokio::time::Instant;

use super::heartbeat::insist;
use super::store::{Claimant, Claimed, Free, Store};
use super::{Holder, Lock};
use crate::Error;

/// The lease document.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Sighting {
    pub(crate) holder: Option<Holder>,
    pub(crate) token: i64,
    pub(crate) beat: i64,
    /// How long the holder's lease is, in milliseconds.
    #[serde(default, rename = "leaseMs")]
    pub(crate) lease_ms: i64,
    /// Whether it is over by the server's clock.
    #[serde(default)]
    pub(crate) expired: bool,
    /// When it is over, by the server's clock.
    #[serde(default, rename = "expiresAt")]
    pub(crate) expires_at: Option<DateTime>,
    /// For how long the holder has had it by the server's clock, in milliseconds.
    #[serde(default, rename = "heldMs")]
    pub(crate) held_ms: Option<i64>,
}

/// A lease that was just taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grant {
    pub(crate) nonce: ObjectId,
    pub(crate) token: i64,
    /// When the request was sent, on this process's clock: the lease cannot have begun before.
    pub(super) sent: Instant,
}

/// What a waiter has seen of a holder.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Token, heartbeat counter, and since when it stands there on the waiter's own monotonic clock.
    beat: Option<(i64, i64, Instant)>,
    /// The newest token on record. A lease that has to be made anew goes on from there: somebody may have dropped the
    /// lock's collection, and what a smaller token leaves would count as older than what is on record.
    newest: i64,
}

impl Seen {
    /// A waiter that has seen nothing but the records.
    pub(super) fn records(newest: i64) -> Self {
        Self { newest, ..Self::default() }
    }

    /// How long the heartbeat counter has stood still.
    fn still_for(&mut self, sighting: &Sighting) -> Duration {
        match self.beat {
            Some((token, beat, since)) if token == sighting.token && beat == sighting.beat => since.elapsed(),
            _ => {
                self.beat = Some((sighting.token, sighting.beat, Instant::now()));
                Duration::ZERO
            }
        }
    }
}

/// How an attempt to take the lease ended.
pub(super) enum Attempt {
    /// Taken; with the sessions of the holders who did not release it by themselves.
    Taken(Grant, Vec<Document>),
    /// Held by somebody who may be alive.
    Held(Holder),
    /// Somebody was faster; look again at once.
    Raced,
}

impl<S: Store> Lock<S> {
    /// Reads the lease document; `None` when nobody has ever migrated here.
    pub(crate) async fn sighting(&self) -> Result<Option<Sighting>, Error> {
        let found = self.store.sighting().await;
        let mut found = found.map_err(|error| self.failed("read the migration lock", error))?;
        if let Some(Sighting { holder: Some(holder), expired, .. }) = &mut found {
            holder.expired = *expired;
        }
        Ok(found)
    }

    /// Tries once to take the lease. `mine` is the nonce of an earlier attempt of the same waiter whose reply was lost.
    pub(super) async fn attempt(&self, mine: ObjectId, session: &Document, seen: &mut Seen) -> Result<Attempt, Error> {
        let sent = Instant::now();
        let Some(sighting) = self.sighting().await? else {
            // Records without a lease: somebody has dropped it, perhaps from under a holder whose token is one higher.
            self.seed(if seen.newest > 0 { seen.newest + 1 } else { 0 }).await?;
            return Ok(Attempt::Raced);
        };
        let free = match &sighting.holder {
            None => Free::Unheld,
            // Our own acquisition, whose reply was lost: `sent` is later than it, so acquire it anew.
            Some(holder) if holder.nonce == mine => Free::Mine,
            Some(holder) => match stopped(&sighting, seen.still_for(&sighting)) {
                Some(silent) => silent,
                None => return Ok(Attempt::Held(holder.clone())),
            },
        };
        let (actor, session) = (self.actor.clone(), session.clone());
        let claimed = self.store.claim(free, &Claimant { nonce: mine, actor, session, lease: self.lease }).await;
        let claimed = claimed.map_err(|error| self.failed("take the migration lock", error))?;
        Ok(match (claimed, sighting.holder) {
            (Some(Claimed { token, abandoned }), _) => Attempt::Taken(Grant { nonce: mine, token, sent }, abandoned),
            // Its heartbeat has stopped, but its lease is not over yet: look again after a pause.
            (None, Some(holder)) if holder.nonce != mine => Attempt::Held(holder),
            (None, _) => Attempt::Raced,
        })
    }

    /// Gives back what this waiter may have taken without hearing of it. As good as it can be: without an answer, the
    /// lease expires by itself.
    pub(super) async fn withdraw(&self, mine: ObjectId) {
        if let Err(error) = insist(|| self.store.withdraw(mine)).await {
            tracing::debug!(%error, "withdraw from the migration lock");
        }
    }
}

/// What takes the lease from a holder who has stopped, or `None` while it may be alive: expired by the server's clock
/// *and* no heartbeat for two intervals on our own clock; or no heartbeat for two whole leases, whatever the clocks say
/// (a fail-over can move the server's clock by hours).
fn stopped(sighting: &Sighting, still_for: Duration) -> Option<Free> {
    let lease = Duration::from_millis(sighting.lease_ms.unsigned_abs());
    let silent = |expired| Some(Free::Silent { token: sighting.token, beat: sighting.beat, expired });
    if still_for >= lease * 2 {
        return silent(false);
    }
    if still_for >= lease / super::HEARTBEATS * 2 {
        return silent(true);
    }
    None
}
