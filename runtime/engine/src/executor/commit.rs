//! The end of a transaction: records, history, fence, commit, and resolving an unknown commit result.

use mongodb::error::{Error as DriverError, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT};
use tokio::time::sleep;

use super::Failure;
use super::attempt::Attempt;
use crate::error::codes::{MAX_TIME_MS_EXPIRED, NO_SUCH_TRANSACTION};
use crate::error::{Class, Cure, Error, Readable, class, code};
use crate::lock::{Fenced, Lease, Lock, Mongo, Store};
use crate::stop::{Reason, backoff};
use crate::store::{Change, Written};

/// Maximum attempts at a transaction after transient aborts.
const ATTEMPTS: u32 = 10;

/// Maximum attempts at a commit with an unknown result, before the fence resolves it.
const COMMITS: u32 = 10;

/// Commits the transactions of a run.
#[derive(Debug)]
pub(super) struct Committer<'r, S = Mongo> {
    pub(super) lock: &'r Lock<S>,
    pub(super) lease: &'r Lease<S>,
}

impl<S: Store> Committer<'_, S> {
    /// Stores all changes or none, in a separate transaction.
    pub(super) async fn store(&self, session: &mut S::Session, changes: &[Change]) -> Result<(), Failure> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let attempt = self.attempt_changes(session, changes).await;
            if self.finish_attempt(attempts, attempt).await? {
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

    /// Rolls back. If this fails, the server does it after its own timeout.
    pub(super) async fn abort(&self, session: &mut S::Session) {
        if let Err(error) = self.lock.store().abort(session).await {
            tracing::debug!(error = %Readable(&error), "could not roll back");
        }
    }

    /// Returns whether an attempt succeeded. After a transient failure, pauses and returns false, so that the caller retries.
    pub(super) async fn finish_attempt(&self, attempts: u32, attempt: Result<(), Attempt>) -> Result<bool, Failure> {
        match attempt {
            Ok(()) => Ok(true),
            Err(Attempt::Permanent(failure)) => Err(failure),
            Err(Attempt::Transient(source)) if attempts == ATTEMPTS => {
                Err(Error::TransactionAborted { attempts, source }.into())
            }
            Err(Attempt::Transient(error)) => {
                tracing::info!(attempts, code = code(&error), "the server rolled the transaction back; retrying");
                // A former holder may have begun a transaction after it was fenced off, and died in it.
                self.lock.kill(&self.lease.abandoned()).await;
                sleep(backoff(attempts)).await;
                self.lease.check()?;
                Ok(false)
            }
        }
    }

    /// Ends every transaction: writes records, history and fence, checks the lease, and commits.
    pub(super) async fn seal(&self, session: &mut S::Session, changes: &[Change]) -> Result<(), Attempt> {
        // The changes are atomic, so one of them represents all when the commit is resolved.
        let is_record = |change: &&Change| !matches!(change, Change::Noted { .. });
        let Some(first) = changes.iter().find(is_record) else { return Ok(()) };
        let result = match self.write_all(session, changes).await {
            Ok(true) => self.lease.check().map_err(Attempt::from),
            Ok(false) => Err(Reason::LeaseLost.into()),
            Err(error)
                if error.contains_label(TRANSIENT_TRANSACTION_ERROR)
                    || class(&error) == Class::Cured(Cure::Smaller) =>
            {
                Err(Attempt::Transient(error))
            }
            Err(error) => Err(Failure::server(&format!("record '{}'", first.id()), error).into()),
        };
        if result.is_err() {
            self.abort(session).await;
            return result;
        }
        self.commit(session, first).await
    }

    /// Returns whether all writes matched the token.
    async fn write_all(&self, session: &mut S::Session, changes: &[Change]) -> mongodb::error::Result<bool> {
        for change in changes {
            if self.lock.store().write(change, session).await? == Written::NotOurs {
                return Ok(false);
            }
        }
        Ok(self.lock.pass(self.lease.token(), session).await? == Fenced::Ours)
    }

    /// Commits. Resends a commit with an unknown result, which is idempotent.
    async fn commit(&self, session: &mut S::Session, change: &Change) -> Result<(), Attempt> {
        let mut tries = 0;
        loop {
            tries += 1;
            let Err(error) = self.lock.store().commit(session).await else { return Ok(()) };
            if !error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) {
                if error.contains_label(TRANSIENT_TRANSACTION_ERROR) {
                    return Err(Attempt::Transient(error));
                }
                // An unlabeled error may have occurred after the commit. It is no reason to run the body again, unless
                // the server has lost the transaction, which 5.0 reports without a label after a long pause of the
                // primary.
                return match self.resolve(session, change, error).await {
                    Err(Attempt::Transient(error)) if code(&error) != Some(NO_SUCH_TRANSACTION) => {
                        Err(Failure::server(&format!("commit '{}'", change.id()), error).into())
                    }
                    resolved => resolved,
                };
            }
            tracing::info!(tries, code = code(&error), "the result of a commit is unknown");
            if code(&error) == Some(MAX_TIME_MS_EXPIRED) || tries == COMMITS || self.lease.check().is_err() {
                return self.resolve(session, change, error).await;
            }
            sleep(backoff(tries)).await;
        }
    }

    /// Resolves an unknown commit result. Once the fence has been written from outside, the transaction has ended, and a majority
    /// read shows whether it was committed.
    async fn resolve(&self, session: &mut S::Session, change: &Change, error: DriverError) -> Result<(), Attempt> {
        let ours = [self.lock.store().session_id(session).clone()];
        let unknown = |_| Failure::from(Error::CommitUnknown { source: error.clone() });
        // A transaction that is still open has passed the fence and would block it.
        self.lock.kill(&ours).await;
        let fenced = self.lock.raise(self.lease.token(), &ours).await.map_err(unknown)?;
        let stored = self.lock.store().holds(change, session).await.map_err(unknown)?;
        match (stored, fenced) {
            (true, _) => Ok(()),
            (false, Fenced::Ours) => Err(Attempt::Transient(error)),
            (false, Fenced::Newer) => Err(Reason::LeaseLost.into()),
        }
    }
}
