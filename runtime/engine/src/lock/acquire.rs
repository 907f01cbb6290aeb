//! Taking the lease: at once when it is free, from a dead holder when it has certainly stopped.

use std::time::Duration;

use mongodb::bson::{Document, oid::ObjectId};
use tokio::time::Instant;

use super::Lock;
use super::heartbeat::insist;
use super::store::{Claimant, Claimed, Documents, Free, Grant, Sighting, Store};
use crate::error::{Error, Readable};
use crate::record::Holder;
use crate::stop::Stop;

/// What a waiter has seen of a holder.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Token, heartbeat counter, and since when it stands there on the waiter's own monotonic clock.
    beat: Option<(i64, i64, Instant)>,
    /// The newest token on record. What is written under a smaller one would count as older than what is on record, and
    /// the lock may be older than the records: the database was restored without it, or somebody has dropped it. The history
    /// may know newer tokens still, of records that were removed; nothing is decided by these.
    newest: i64,
}

impl Seen {
    /// A waiter that has seen nothing but the records.
    pub(super) fn records(newest: i64) -> Self {
        Self { newest, ..Self::default() }
    }

    /// The records were read again.
    pub(super) fn newest(&mut self, newest: i64) {
        self.newest = self.newest.max(newest);
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

/// A lease that somebody else holds.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) holder: Holder,
    /// If the lease has expired: for how much longer its holder must give no sign of life before it is taken over.
    pub(crate) take_over: Option<Duration>,
}

impl Held {
    fn new(holder: &Holder, left: Duration) -> Self {
        Self { holder: holder.clone(), take_over: holder.expired.then_some(left) }
    }
}

/// How an attempt to take the lease ended.
pub(super) enum Attempt {
    /// Taken; with the sessions of the holders who did not release it by themselves.
    Taken(Grant, Vec<Document>),
    /// Held by somebody who may be alive.
    Held(Held),
    /// Somebody was faster; look again at once.
    Raced,
}

impl<S: Store> Lock<S> {
    /// Reads the lease document; `None` when nobody has ever migrated here.
    pub(crate) async fn sighting(&self) -> Result<Option<Sighting>, Error> {
        self.documents().await.map(|documents| documents.lease)
    }

    pub(super) async fn documents(&self) -> Result<Documents, Error> {
        let found = self.store.documents().await;
        let mut found = found.map_err(|error| self.failed("read the migration lock", error))?;
        if let Some(Sighting { holder: Some(holder), expired, .. }) = &mut found.lease {
            holder.expired = *expired;
        }
        Ok(found)
    }

    /// Makes what is missing of the lock. A former holder may not have noticed that its lease is gone; its token is that of the
    /// fence, or one more than the newest on record.
    pub(super) async fn mend(&self, documents: &Documents, recorded: i64) -> Result<(), Error> {
        let newest = documents.newest_token(recorded);
        let lost = documents.lease.is_none() && newest > 0;
        self.seed(newest + i64::from(lost)).await
    }

    /// Tries once to take the lease. `mine` is the nonce of an earlier attempt of the same waiter whose reply was lost.
    /// Takes nothing when told to stop.
    pub(super) async fn attempt(
        &self,
        mine: ObjectId,
        session: &Document,
        seen: &mut Seen,
        stop: &Stop,
    ) -> Result<Attempt, Error> {
        let sent = Instant::now();
        let documents = self.documents().await?;
        if stop.check().is_err() {
            return Ok(Attempt::Raced);
        }
        let Some(sighting) = &documents.lease else {
            self.mend(&documents, seen.newest).await?;
            return Ok(Attempt::Raced);
        };
        let free = match &sighting.holder {
            None => Free::Unheld,
            // Our own acquisition, whose reply was lost: `sent` is later than it, so acquire it anew.
            Some(holder) if holder.nonce == mine => Free::Mine,
            Some(holder) => match stopped(sighting, seen.still_for(sighting)) {
                Ok(silent) => silent,
                Err(left) => return Ok(Attempt::Held(Held::new(holder, left))),
            },
        };
        if documents.is_damaged() {
            // Not before the lease is free: a holder that passes a fence without its token learns that it is one no more.
            self.mend(&documents, seen.newest).await?;
        }
        let (actor, session) = (self.actor.clone(), session.clone());
        let newest = documents.newest_token(seen.newest);
        let claimed =
            self.store.claim(free, &Claimant { nonce: mine, actor, session, lease: self.lease, newest }).await;
        let claimed = claimed.map_err(|error| self.failed("take the migration lock", error))?;
        Ok(match (claimed, &sighting.holder) {
            (Some(Claimed { token, abandoned }), _) => Attempt::Taken(Grant { nonce: mine, token, sent }, abandoned),
            // Its heartbeat has stopped, but its lease is not over yet: look again after a pause.
            (None, Some(holder)) if holder.nonce != mine => Attempt::Held(Held::new(holder, Duration::ZERO)),
            (None, _) => Attempt::Raced,
        })
    }

    /// Gives back what this waiter may have taken without hearing of it. As good as it can be: without an answer, the
    /// lease expires by itself.
    pub(super) async fn withdraw(&self, mine: ObjectId) {
        if let Err(error) = insist(|| self.store.withdraw(mine)).await {
            tracing::debug!(error = %Readable(&error), "withdraw from the migration lock");
        }
    }
}

/// What takes the lease from a holder who has stopped: expired by the server's clock *and* no heartbeat for two intervals
/// on our own clock; or no heartbeat for two whole leases, whatever the clocks say (a fail-over can move the server's clock
/// by hours). While it may be alive, for how much longer the two intervals last.
fn stopped(sighting: &Sighting, still_for: Duration) -> Result<Free, Duration> {
    let lease = Duration::from_millis(sighting.lease_ms.unsigned_abs());
    let observed = lease / super::HEARTBEATS * 2;
    let silent = |expired| Free::Silent { token: sighting.token, beat: sighting.beat, expired };
    if still_for >= lease * 2 {
        return Ok(silent(false));
    }
    if still_for >= observed { Ok(silent(true)) } else { Err(observed.saturating_sub(still_for)) }
}
