//! One waiter for the lease, until it has it.

use mongodb::bson::{Document, oid::ObjectId};
use tokio::time::{sleep, timeout};

use super::acquire::{Attempt, Held, Seen};
use super::store::Store;
use super::{Fenced, Lease, Lock, Mongo};
use crate::error::Error;
use crate::stop::{GRACE, Stop, backoff};

/// How many fail-overs and broken connections are put up with while waiting.
const FAILURES: u32 = 5;

/// Waits for the lease, one look after the other.
#[derive(Debug)]
pub(crate) struct Waiter<'l, S = Mongo> {
    lock: &'l Lock<S>,
    /// A value that only one waiter has, so that a holder whose reply was lost recognises itself.
    mine: ObjectId,
    /// The session of our transactions.
    session: &'l Document,
    seen: Seen,
    failures: u32,
}

/// What a look at the lease has brought.
pub(crate) enum Look<S = Mongo> {
    /// The lease, and the fence raised to it.
    Ours(Lease<S>),
    /// It was ours, and somebody has taken it away before the fence was raised.
    Lost,
    /// Held by somebody who may be alive.
    Held(Held),
    /// Nothing; look again at once, unless told to stop.
    Again,
}

impl<'l, S: Store> Waiter<'l, S> {
    /// `session` is the one of our transactions, `newest` the newest token on record.
    pub(crate) fn new(lock: &'l Lock<S>, session: &'l Document, newest: i64) -> Self {
        Self { lock, mine: ObjectId::new(), session, seen: Seen::records(newest), failures: 0 }
    }

    /// The value that the holder has, if this waiter takes the lease.
    pub(crate) fn nonce(&self) -> ObjectId {
        self.mine
    }

    /// The records were read again; this is the newest token on record now.
    pub(crate) fn newest(&mut self, token: i64) {
        self.seen.newest(token);
    }

    /// Tries once to take the lease; `stop` is raised when it is lost again.
    pub(crate) async fn look(&mut self, stop: &Stop) -> Result<Look<S>, Error> {
        match self.lock.attempt(self.mine, self.session, &mut self.seen, stop).await {
            Ok(Attempt::Taken(grant, abandoned)) => {
                let lease = Lease::hold(self.lock.clone(), grant, abandoned, stop.clone());
                if stop.check().is_err() {
                    // The answer has come too late: perhaps the caller has not waited for it.
                    lease.release().await;
                    return Ok(Look::Again);
                }
                self.fenced(lease).await
            }
            Ok(Attempt::Held(held)) => Ok(Look::Held(held)),
            Ok(Attempt::Raced) => Ok(Look::Again),
            Err(error) => {
                self.failures += 1;
                if !error.passes() || self.failures > FAILURES {
                    return Err(error);
                }
                sleep(backoff(self.failures)).await;
                Ok(Look::Again)
            }
        }
    }

    /// Raises the fence to a lease that was just taken; without it, the lease is given back.
    async fn fenced(&self, lease: Lease<S>) -> Result<Look<S>, Error> {
        match self.lock.raise(lease.token(), &lease.abandoned()).await {
            Ok(Fenced::Ours) => Ok(Look::Ours(lease)),
            Ok(Fenced::Newer) => {
                lease.release().await;
                Ok(Look::Lost)
            }
            Err(error) => {
                lease.release().await;
                Err(error)
            }
        }
    }

    /// Ends waiting without the lease. It may be ours without our knowing, and nobody would keep it alive or release it.
    pub(crate) async fn give_up(self) {
        if self.failures > 0 {
            let (lock, mine) = (self.lock.clone(), self.mine);
            let withdrawn = tokio::spawn(async move { lock.withdraw(mine).await });
            // A server that does not answer must not hide why the waiter gives up.
            let _ = timeout(GRACE, withdrawn).await;
        }
    }
}
