//! Waits for the lease.

use mongodb::bson::{Document, oid::ObjectId};
use tokio::time::{sleep, timeout};

use super::acquire::{Attempt, Held, Seen};
use super::store::Store;
use super::{Fenced, Lease, Lock, Mongo};
use crate::error::Error;
use crate::stop::{GRACE, Stop, backoff};

/// Number of transient errors after which waiting fails.
const FAILURES: u32 = 5;

/// A process that waits for the lease.
#[derive(Debug)]
pub(crate) struct Waiter<'l, S = Mongo> {
    lock: &'l Lock<S>,
    /// Unique to this waiter, so that it recognizes its own lease if the reply was lost.
    mine: ObjectId,
    /// The session of our transactions.
    session: &'l Document,
    seen: Seen,
    failures: u32,
}

/// The result of one attempt to acquire the lease and raise the fence.
pub(crate) enum Acquisition<S = Mongo> {
    /// The lease is acquired, and the fence is raised.
    Ours(Lease<S>),
    /// The lease was acquired, and lost before the fence was raised.
    Lost,
    /// Held by a process that may be alive.
    Held(Held),
    /// Inconclusive; try again immediately, unless the run must stop.
    Again,
}

impl<'l, S: Store> Waiter<'l, S> {
    /// `session` is that of our transactions, `newest` the newest token on record.
    pub(crate) fn new(lock: &'l Lock<S>, session: &'l Document, newest: i64) -> Self {
        Self { lock, mine: ObjectId::new(), session, seen: Seen::records(newest), failures: 0 }
    }

    /// Returns the nonce of the holder if this waiter acquires the lease.
    pub(crate) fn nonce(&self) -> ObjectId {
        self.mine
    }

    /// Updates the newest token after the records were read again.
    pub(crate) fn newest(&mut self, token: i64) {
        self.seen.newest(token);
    }

    /// Tries once to acquire the lease. `stop` is raised when the lease is lost.
    pub(crate) async fn try_acquire(&mut self, stop: &Stop) -> Result<Acquisition<S>, Error> {
        match self.lock.attempt(self.mine, self.session, &mut self.seen, stop).await {
            Ok(Attempt::Taken(grant, abandoned)) => {
                let lease = Lease::hold(self.lock.clone(), grant, abandoned, stop.clone());
                if stop.check().is_err() {
                    // The reply came too late: the caller may have stopped waiting.
                    lease.release().await;
                    return Ok(Acquisition::Again);
                }
                self.fenced(lease).await
            }
            Ok(Attempt::Held(held)) => Ok(Acquisition::Held(held)),
            Ok(Attempt::Raced) => Ok(Acquisition::Again),
            Err(error) => {
                self.failures += 1;
                if !error.is_transient() || self.failures > FAILURES {
                    return Err(error);
                }
                sleep(backoff(self.failures)).await;
                Ok(Acquisition::Again)
            }
        }
    }

    /// Raises the fence to the new lease. Releases the lease if that fails.
    async fn fenced(&self, lease: Lease<S>) -> Result<Acquisition<S>, Error> {
        match self.lock.raise(lease.token(), &lease.abandoned()).await {
            Ok(Fenced::Ours) => Ok(Acquisition::Ours(lease)),
            Ok(Fenced::Newer) => {
                lease.release().await;
                Ok(Acquisition::Lost)
            }
            Err(error) => {
                lease.release().await;
                Err(error)
            }
        }
    }

    /// Stops waiting. If a reply was lost, this waiter may hold the lease without knowing, so it is released.
    pub(crate) async fn give_up(self) {
        if self.failures > 0 {
            let (lock, mine) = (self.lock.clone(), self.mine);
            let withdrawn = tokio::spawn(async move { lock.withdraw(mine).await });
            // A server that does not answer must not hide the reason for giving up.
            let _ = timeout(GRACE, withdrawn).await;
        }
    }
}
