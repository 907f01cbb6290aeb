//! Acquires the lease: immediately if it is free, or from a holder that has certainly stopped.

use std::time::Duration;

use mongodb::bson::{Document, oid::ObjectId};
use tokio::time::Instant;

use super::Lock;
use super::heartbeat::retry_release;
use super::store::{Claimant, Claimed, Documents, Free, Grant, LeaseDocument, Store};
use crate::error::{Error, Readable};
use crate::record::Holder;
use crate::stop::Stop;

/// The observations of a waiter.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Token and heartbeat counter of the holder, and the time since which they have not changed, on the waiter's monotonic clock.
    beat: Option<(i64, i64, Instant)>,
    /// The newest token on record. The lock may be older than the records, if it was dropped or the database was restored without
    /// it, and what is written under a smaller token would seem older than the records. The history may have newer tokens of removed
    /// records, which do not matter.
    newest: i64,
}

impl Seen {
    /// Starts without an observation of a holder.
    pub(super) fn records(newest: i64) -> Self {
        Self { newest, ..Self::default() }
    }

    /// Updates the newest token after the records were read again.
    pub(super) fn newest(&mut self, newest: i64) {
        self.newest = self.newest.max(newest);
    }

    /// Returns the time since the last change of the heartbeat counter.
    fn still_for(&mut self, document: &LeaseDocument) -> Duration {
        match self.beat {
            Some((token, beat, since)) if token == document.token && beat == document.beat => since.elapsed(),
            _ => {
                self.beat = Some((document.token, document.beat, Instant::now()));
                Duration::ZERO
            }
        }
    }
}

/// A lease that another process holds.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) holder: Holder,
    /// If the lease has expired: the remaining time without a heartbeat until another process can take over.
    pub(crate) take_over: Option<Duration>,
    /// Time until the lease expires unless a heartbeat prolongs it, by the server's clock.
    pub(crate) expires_in: Option<Duration>,
}

impl Held {
    /// `silence` is the remaining time without a heartbeat.
    fn new(document: &LeaseDocument, holder: &Holder, silence: Duration) -> Self {
        let take_over = holder.expired.then_some(silence);
        Self { holder: holder.clone(), take_over, expires_in: document.expires_in() }
    }
}

/// The result of one attempt to acquire the lease.
pub(super) enum Attempt {
    /// Acquired. With the sessions of former holders that did not release the lease.
    Taken(Grant, Vec<Document>),
    /// Held by a process that may be alive.
    Held(Held),
    /// Another process was faster; try again immediately.
    Raced,
}

impl<S: Store> Lock<S> {
    /// Reads the lease document. `None` if this database was never migrated.
    pub(crate) async fn lease_document(&self) -> Result<Option<LeaseDocument>, Error> {
        self.documents().await.map(|documents| documents.lease)
    }

    pub(super) async fn documents(&self) -> Result<Documents, Error> {
        let found = self.store.documents().await;
        let mut found = found.map_err(|error| self.failed("read the migration lock", error))?;
        if let Some(LeaseDocument { holder: Some(holder), expired, .. }) = &mut found.lease {
            holder.expired = *expired;
        }
        Ok(found)
    }

    /// Creates the missing documents. A former holder may not have noticed that its lease is gone. Its token is that of the fence, or
    /// one more than the newest on record.
    pub(super) async fn mend(&self, documents: &Documents, recorded: i64) -> Result<(), Error> {
        let newest = documents.newest_token(recorded);
        let lost = documents.lease.is_none() && newest > 0;
        self.seed(newest + i64::from(lost)).await
    }

    /// Tries once to acquire the lease, unless `stop` is raised. `mine` is the nonce of this waiter: an earlier attempt may have
    /// succeeded although its reply was lost.
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
        let Some(document) = &documents.lease else {
            self.mend(&documents, seen.newest).await?;
            return Ok(Attempt::Raced);
        };
        let free = match &document.holder {
            None => Free::Unheld,
            // Our own acquisition, whose reply was lost. It began before `sent`, so acquire the lease again.
            Some(holder) if holder.nonce == mine => Free::Mine,
            Some(holder) => match stopped(document, seen.still_for(document)) {
                Ok(silent) => silent,
                Err(silence) => return Ok(Attempt::Held(Held::new(document, holder, silence))),
            },
        };
        if documents.is_damaged() {
            // Only once the lease is free: a holder that passes a missing fence notices that it has lost the lease.
            self.mend(&documents, seen.newest).await?;
        }
        let (actor, session) = (self.actor.clone(), session.clone());
        let newest = documents.newest_token(seen.newest);
        let claimed =
            self.store.claim(free, &Claimant { nonce: mine, actor, session, lease: self.lease, newest }).await;
        let claimed = claimed.map_err(|error| self.failed("take the migration lock", error))?;
        Ok(match (claimed, &document.holder) {
            (Some(Claimed { token, abandoned }), _) => Attempt::Taken(Grant { nonce: mine, token, sent }, abandoned),
            // Its heartbeat has stopped, but the lease has not expired yet: try again after a pause.
            (None, Some(holder)) if holder.nonce != mine => Attempt::Held(Held::new(document, holder, Duration::ZERO)),
            (None, _) => Attempt::Raced,
        })
    }

    /// Releases a lease that this waiter may have acquired without receiving the reply. Best effort: otherwise, the lease expires.
    pub(super) async fn withdraw(&self, mine: ObjectId) {
        if let Err(error) = retry_release(|| self.store.withdraw(mine)).await {
            tracing::debug!(error = %Readable(&error), "withdraw from the migration lock");
        }
    }
}

/// Returns the condition for taking over from a holder that has stopped. Either its lease has expired by the server's clock *and*
/// there was no heartbeat for two intervals on our own clock. Or there was none for two whole leases, whatever the server's clock
/// shows: a fail-over can move it by hours. `Err` is the remaining time of the two intervals.
fn stopped(document: &LeaseDocument, still_for: Duration) -> Result<Free, Duration> {
    let lease = Duration::from_millis(document.lease_ms.unsigned_abs());
    let observed = lease / super::HEARTBEATS * 2;
    let silent = |expired| Free::Silent { token: document.token, beat: document.beat, expired };
    if still_for >= lease * 2 {
        return Ok(silent(false));
    }
    if still_for >= observed { Ok(silent(true)) } else { Err(observed.saturating_sub(still_for)) }
}
