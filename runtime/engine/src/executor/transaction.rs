//! Transactions: an optional body, then records, history and fence, then the commit.
//!
//! The record is written in the transaction of the body, so that neither ever exists without the other: a crash before the
//! commit leaves neither, a crash after it leaves both (I1).

use std::slice;

use mongodb::ClientSession;
use tokio::time::Instant;

use super::attempt::{Attempt, check_ignored_error, classify_failure, outlived};
use super::commit::Committer;
use super::failure::{Verdict, judge};
use super::{Executor, Failure, Step};
use crate::context::{Inner, Mode, Scope, Tx};
use crate::error::Readable;
use crate::store::Change;

impl<'r> Executor<'r> {
    fn committer(&self) -> Committer<'r> {
        Committer { lock: self.lock, lease: self.lease }
    }

    /// Runs a `Tx` body exactly once.
    pub(super) async fn in_transaction(&mut self, step: &mut Step<'_>) -> Result<(), Failure> {
        loop {
            step.attempts += 1;
            let attempt = self.attempt_body(step).await;
            if self.committer().finish_attempt(step.attempts, attempt).await? {
                return Ok(());
            }
        }
    }

    /// Stores a change.
    pub(super) async fn store(&mut self, change: &Change) -> Result<(), Failure> {
        self.store_all(slice::from_ref(change)).await
    }

    /// Stores all changes or none.
    pub(super) async fn store_all(&mut self, changes: &[Change]) -> Result<(), Failure> {
        self.lease.check()?;
        let mut session = self.take_session().await?;
        let stored = self.store_in(&mut session, changes).await;
        self.session = Some(session);
        stored
    }

    /// Stores all changes or none, in the caller's session.
    pub(super) async fn store_in(&self, session: &mut ClientSession, changes: &[Change]) -> Result<(), Failure> {
        if self.transactional {
            self.committer().store(session, changes).await
        } else {
            self.store_without_transaction(session, changes).await
        }
    }

    async fn attempt_body(&mut self, step: &mut Step<'_>) -> Result<(), Attempt> {
        self.lease.check()?;
        let committer = self.committer();
        let mut session = self.take_session().await?;
        committer.start(&mut session).await?;
        let began = Instant::now();
        let permit = self.lease.permit();
        let scope = Scope::of(step.migration.source());
        let (database, journal) = (self.database.clone(), self.journal(step));
        let tx = Tx::new(database, session, scope, self.options, journal, permit.clone(), Mode::Transaction);
        let ours = tx.handle();
        let result = match self.body(step, Inner::Tx(tx).into(), &permit).await {
            Ok((_, result)) => result,
            Err(failure) => {
                // The body keeps the session and the locks of its transaction, which would block the next run until the
                // server ends the transaction.
                self.lock.kill(slice::from_ref(ours.session_id())).await;
                return Err(failure.into());
            }
        };
        let Some(mut session) = ours.end().await else {
            unreachable!("the session of a body that returned has no other user")
        };
        step.operations = ours.operations();
        let result = match (result, permit.check()) {
            (_, Err(reason)) => Err(reason.into()),
            (Err(error), Ok(())) => Err(classify_failure(self.database, error, &ours, began).await),
            (Ok(()), Ok(())) => check_ignored_error(self.database, &ours, began).await,
        };
        let result = match result {
            Ok(()) => {
                let change = self.change(step, self.record(step, step.done()), true);
                match committer.seal(&mut session, &Self::with_noted(step, change)).await {
                    Err(Attempt::Transient(error)) => {
                        Err(match judge(&error, outlived(self.database, &error, began).await) {
                            Verdict::Permanent(error) => error.into(),
                            Verdict::Transient(_) | Verdict::Ordinary => Attempt::Transient(error),
                        })
                    }
                    other => other,
                }
            }
            Err(failure) => {
                committer.abort(&mut session).await;
                Err(failure)
            }
        };
        self.session = Some(session);
        result
    }
}

/// Rolls back. If this fails, the server does it after its own timeout.
pub(super) async fn abort(session: &mut ClientSession) {
    if let Err(error) = session.abort_transaction().await {
        tracing::debug!(error = %Readable(&error), "could not roll back");
    }
}
