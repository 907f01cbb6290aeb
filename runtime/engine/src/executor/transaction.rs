//! A transaction: perhaps a body, then the records, the history and the fence, then the commit.
//!
//! The record is written in the transaction of the work, so that there is no moment in which one exists without the
//! other: a crash before the commit leaves neither, a crash after it leaves both (I1).

use std::slice;

use mongodb::ClientSession;
use tokio::time::Instant;

use super::attempt::{Attempt, outlived, why_failed, why_ignored};
use super::commit::Committer;
use super::failure::{Verdict, judge};
use super::{Executor, Failure, Step};
use crate::context::{Inner, Scope, Tx};
use crate::error::Readable;
use crate::store::Change;

impl<'r> Executor<'r> {
    fn committer(&self) -> Committer<'r> {
        Committer { lock: self.lock, lease: self.lease }
    }

    /// Runs a `Tx` body: exactly once.
    pub(super) async fn in_transaction(&mut self, step: &mut Step<'_>) -> Result<(), Failure> {
        loop {
            step.attempts += 1;
            let attempt = self.attempt_body(step).await;
            if self.committer().was_last(step.attempts, attempt).await? {
                return Ok(());
            }
        }
    }

    /// Stores a change by itself.
    pub(super) async fn store(&mut self, change: &Change) -> Result<(), Failure> {
        self.store_all(slice::from_ref(change)).await
    }

    /// Stores changes, all of them or none.
    pub(super) async fn store_all(&mut self, changes: &[Change]) -> Result<(), Failure> {
        self.lease.check()?;
        let mut session = self.take_session().await?;
        let stored = self.store_in(&mut session, changes).await;
        self.session = Some(session);
        stored
    }

    /// Stores changes in a session that the caller has, all of them or none.
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
        let tx =
            Tx::new(self.database.clone(), session, scope, &self.options.names.kv, self.journal(step), permit.clone());
        let ours = tx.handle();
        let result = match self.body(step, Inner::Tx(tx).into(), &permit).await {
            Ok((_, result)) => result,
            Err(failure) => {
                // The body keeps the session, and with it what the transaction has locked: whoever runs next would
                // wait for it until the server ends it.
                self.lock.kill(slice::from_ref(ours.session_id())).await;
                return Err(failure.into());
            }
        };
        let Some(mut session) = ours.end().await else {
            unreachable!("nobody else takes the session of a body that has come back")
        };
        step.operations = ours.operations();
        let result = match (result, permit.check()) {
            (_, Err(reason)) => Err(reason.into()),
            (Err(error), Ok(())) => Err(why_failed(self.database, error, &ours, began).await),
            (Ok(()), Ok(())) => why_ignored(self.database, &ours, began).await,
        };
        let result = match result {
            Ok(()) => {
                let change = self.change(step, self.record(step, step.done()), true);
                match committer.seal(&mut session, &Self::with_interrupted(step, change)).await {
                    Err(Attempt::Again(error)) => {
                        Err(match judge(&error, outlived(self.database, &error, began).await) {
                            Verdict::Final(error) => error.into(),
                            Verdict::Again(_) | Verdict::Ordinary => Attempt::Again(error),
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

/// Rolls back. The server does it by itself when this does not reach it.
pub(super) async fn abort(session: &mut ClientSession) {
    if let Err(error) = session.abort_transaction().await {
        tracing::debug!(error = %Readable(&error), "abort");
    }
}
