//! The end of a transaction: the records, the history and the fence, then the commit, and finding out what became of it.

use mongodb::error::{Error as DriverError, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT};
use tokio::time::sleep;

use super::Failure;
use super::attempt::Attempt;
use crate::error::codes::{MAX_TIME_MS_EXPIRED, NO_SUCH_TRANSACTION};
use crate::error::{Class, Cure, Error, Readable, class, code};
use crate::lock::{Fenced, Lease, Lock, Mongo, Store};
use crate::stop::{Reason, backoff};
use crate::store::{Change, Written};

/// How often a body runs when the server keeps rolling it back for passing reasons.
const ATTEMPTS: u32 = 10;

/// How often a commit whose outcome is unknown is sent again before the fence settles it.
const COMMITS: u32 = 10;

/// What commits need to know of the run.
#[derive(Debug)]
pub(super) struct Committer<'r, S = Mongo> {
    pub(super) lock: &'r Lock<S>,
    pub(super) lease: &'r Lease<S>,
}

impl<S: Store> Committer<'_, S> {
    /// Stores changes in a transaction of their own, all of them or none.
    pub(super) async fn store(&self, session: &mut S::Session, changes: &[Change]) -> Result<(), Failure> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let attempt = self.attempt_changes(session, changes).await;
            if self.was_last(attempts, attempt).await? {
                return Ok(());
            }
        }
    }

    async fn attempt_changes(&self, session: &mut S::Session, changes: &[Change]) -> Result<(), Attempt> {
        self.lease.check()?;
        self.start(session).await?;
        self.seal(session, changes).await
    }

    pub(super) async fn start(&self, session: &mut S::Session) -> Result<(), Failure> {
        let started = self.lock.store().start(session).await;
        started.map_err(|error| Failure::server("start a transaction", error))
    }

    /// Rolls back. The server does it by itself when this does not reach it.
    pub(super) async fn abort(&self, session: &mut S::Session) {
        if let Err(error) = self.lock.store().abort(session).await {
            tracing::debug!(error = %Readable(&error), "abort");
        }
    }

    /// Whether an attempt has succeeded. If it is worth another one, this returns false after a pause.
    pub(super) async fn was_last(&self, attempts: u32, attempt: Result<(), Attempt>) -> Result<bool, Failure> {
        match attempt {
            Ok(()) => Ok(true),
            Err(Attempt::Over(failure)) => Err(failure),
            Err(Attempt::Again(source)) if attempts == ATTEMPTS => {
                Err(Error::TransactionAborted { attempts, source }.into())
            }
            Err(Attempt::Again(error)) => {
                tracing::info!(attempts, code = code(&error), "the server rolled the transaction back; trying again");
                // A former holder that was alive may have begun a transaction after it was fenced off, and died in it.
                self.lock.kill(&self.lease.abandoned()).await;
                sleep(backoff(attempts)).await;
                self.lease.check()?;
                Ok(false)
            }
        }
    }

    /// The end of every transaction: record, history, fence, a last look at the lease, commit.
    pub(super) async fn seal(&self, session: &mut S::Session, changes: &[Change]) -> Result<(), Attempt> {
        // All of them or none: one tells what has become of the others.
        let told = |change: &&Change| !matches!(change, Change::Noted { .. });
        let Some(first) = changes.iter().find(told) else { return Ok(()) };
        let result = match self.write_all(session, changes).await {
            Ok(true) => self.lease.check().map_err(Attempt::from),
            Ok(false) => Err(Reason::LeaseLost.into()),
            Err(error)
                if error.contains_label(TRANSIENT_TRANSACTION_ERROR)
                    || class(&error) == Class::Cured(Cure::Smaller) =>
            {
                Err(Attempt::Again(error))
            }
            Err(error) => Err(Failure::server(&format!("record '{}'", first.id()), error).into()),
        };
        if result.is_err() {
            self.abort(session).await;
            return result;
        }
        self.commit(session, first).await
    }

    /// Whether everything could be written under our token.
    async fn write_all(&self, session: &mut S::Session, changes: &[Change]) -> mongodb::error::Result<bool> {
        for change in changes {
            if self.lock.store().write(change, session).await? == Written::NotOurs {
                return Ok(false);
            }
        }
        Ok(self.lock.pass(self.lease.token(), session).await? == Fenced::Ours)
    }

    /// Commits. A commit whose outcome is unknown is sent again, alone, which is harmless however often it arrives.
    async fn commit(&self, session: &mut S::Session, change: &Change) -> Result<(), Attempt> {
        let mut tries = 0;
        loop {
            tries += 1;
            let Err(error) = self.lock.store().commit(session).await else { return Ok(()) };
            if !error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) {
                if error.contains_label(TRANSIENT_TRANSACTION_ERROR) {
                    return Err(Attempt::Again(error));
                }
                // The driver concludes nothing from an error without a label; it may have come after the commit. But
                // it is no reason to run the body again, unless the server has lost the transaction: after a long
                // pause of the primary, 5.0 says so without a label.
                return match self.settle(session, change, error).await {
                    Err(Attempt::Again(error)) if code(&error) != Some(NO_SUCH_TRANSACTION) => {
                        Err(Failure::server(&format!("commit '{}'", change.id()), error).into())
                    }
                    settled => settled,
                };
            }
            tracing::info!(tries, code = code(&error), "the outcome of a commit is unknown");
            if code(&error) == Some(MAX_TIME_MS_EXPIRED) || tries == COMMITS || self.lease.check().is_err() {
                return self.settle(session, change, error).await;
            }
            sleep(backoff(tries)).await;
        }
    }

    /// Finds out what became of a commit: when the fence has been written from outside the transaction, the
    /// transaction is over one way or the other, and a majority read tells which.
    async fn settle(&self, session: &mut S::Session, change: &Change, error: DriverError) -> Result<(), Attempt> {
        let ours = [self.lock.store().session_id(session).clone()];
        let unknown = |_| Failure::from(Error::CommitUnknown { source: error.clone() });
        // If it is still open, it has passed the fence and would block it.
        self.lock.kill(&ours).await;
        let fenced = self.lock.raise(self.lease.token(), &ours).await.map_err(unknown)?;
        let stored = self.lock.store().holds(change, session).await.map_err(unknown)?;
        match (stored, fenced) {
            (true, _) => Ok(()),
            (false, Fenced::Ours) => Err(Attempt::Again(error)),
            (false, Fenced::Newer) => Err(Reason::LeaseLost.into()),
        }
    }
}
