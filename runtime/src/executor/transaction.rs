//! A transaction: perhaps a body, then the records, the history and the fence, then the commit.
//!
//! The record is written in the transaction of the work, so that there is no moment in which one exists without the
//! other: a crash before the commit leaves neither, a crash after it leaves both (I1).

use std::slice;

use mongodb::error::{Error as DriverError, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT};
use mongodb::options::{ReadConcern, WriteConcern};
use mongodb::{ClientSession, action::StartTransaction};
use tokio::time::{Instant, sleep};

use super::attempt::{Attempt, outlived, why_failed, why_ignored};
use super::{Executor, Failure, Step};
use crate::__private::Context;
use crate::Error;
use crate::context::{Inner, Scope, Tx};
use crate::error::code;
use crate::lock::{Fenced, backoff};
use crate::stop::Reason;
use crate::tracker::{Change, Written};

/// How often a body runs when the server keeps rolling it back for passing reasons.
const ATTEMPTS: u32 = 10;

/// How often a commit whose outcome is unknown is sent again before the fence settles it.
const COMMITS: u32 = 10;

/// Server code: the operation ran out of its time limit.
const MAX_TIME_MS_EXPIRED: i32 = 50;

impl Executor<'_> {
    /// Runs a `Tx` body: exactly once.
    pub(super) async fn in_transaction(&mut self, step: &mut Step<'_>) -> Result<(), Failure> {
        loop {
            step.attempts += 1;
            let attempt = self.attempt_body(step).await;
            if self.was_last(step.attempts, attempt).await? {
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
        if !self.transactional {
            return self.store_plainly(changes).await;
        }
        let mut attempts = 0;
        loop {
            attempts += 1;
            let attempt = self.attempt_changes(changes).await;
            if self.was_last(attempts, attempt).await? {
                return Ok(());
            }
        }
    }

    /// Whether an attempt has succeeded. If it is worth another one, this returns false after a pause.
    async fn was_last(&self, attempts: u32, attempt: Result<(), Attempt>) -> Result<bool, Failure> {
        match attempt {
            Ok(()) => Ok(true),
            Err(Attempt::Over(failure)) => Err(failure),
            Err(Attempt::Again(source)) if attempts == ATTEMPTS => {
                Err(Error::TransactionAborted { attempts, source }.into())
            }
            Err(Attempt::Again(error)) => {
                tracing::info!(attempts, code = code(&error), "the server rolled the transaction back; trying again");
                // A former holder that was alive may have begun a transaction after it was fenced off, and died in it.
                self.lock.kill(self.lease.abandoned()).await;
                sleep(backoff(attempts)).await;
                self.lease.check()?;
                Ok(false)
            }
        }
    }

    async fn attempt_changes(&mut self, changes: &[Change]) -> Result<(), Attempt> {
        self.lease.check()?;
        let mut session = self.take_session().await?;
        start(&mut session).await?;
        let result = self.seal(&mut session, changes).await;
        self.session = Some(session);
        result
    }

    async fn attempt_body(&mut self, step: &mut Step<'_>) -> Result<(), Attempt> {
        self.lease.check()?;
        let mut session = self.take_session().await?;
        start(&mut session).await?;
        let began = Instant::now();
        let permit = self.lease.permit();
        let scope = Scope::of(step.migration.source());
        let tx =
            Tx::new(self.database.clone(), session, scope, &self.options.names.kv, self.journal(step), permit.clone());
        let ours = tx.handle();
        let result = match self.body(step, Context(Inner::Tx(tx)), &permit).await {
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
                match self.seal(&mut session, &[change]).await {
                    Err(Attempt::Again(error)) if outlived(self.database, &error, began).await => {
                        Err(Error::TransactionTooSlow { source: error }.into())
                    }
                    other => other,
                }
            }
            Err(failure) => {
                abort(&mut session).await;
                Err(failure)
            }
        };
        self.session = Some(session);
        result
    }

    /// The end of every transaction: record, history, fence, a last look at the lease, commit.
    async fn seal(&self, session: &mut ClientSession, changes: &[Change]) -> Result<(), Attempt> {
        // All of them or none: one tells what has become of the others.
        let [first, ..] = changes else { return Ok(()) };
        let result = match self.write_all(session, changes).await {
            Ok(true) => self.lease.check().map_err(Attempt::from),
            Ok(false) => Err(Reason::LeaseLost.into()),
            Err(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR) => Err(Attempt::Again(error)),
            Err(error) => Err(Failure::server(&format!("record '{}'", first.record().id), error).into()),
        };
        if result.is_err() {
            abort(session).await;
            return result;
        }
        self.commit(session, first).await
    }

    /// Whether everything could be written under our token.
    async fn write_all(&self, session: &mut ClientSession, changes: &[Change]) -> mongodb::error::Result<bool> {
        for change in changes {
            if self.tracker.write(change, session).await? == Written::NotOurs {
                return Ok(false);
            }
        }
        Ok(self.lock.pass(self.lease.token(), session).await? == Fenced::Ours)
    }

    /// Commits. A commit whose outcome is unknown is sent again, alone, which is harmless however often it arrives.
    async fn commit(&self, session: &mut ClientSession, change: &Change) -> Result<(), Attempt> {
        let mut tries = 0;
        loop {
            tries += 1;
            let Err(error) = session.commit_transaction().await else { return Ok(()) };
            if !error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) {
                if error.contains_label(TRANSIENT_TRANSACTION_ERROR) {
                    return Err(Attempt::Again(error));
                }
                // The driver concludes nothing from an error without a label; it may have come after the commit. But
                // it is no reason to run the body again.
                return match self.settle(session, change, error).await {
                    Err(Attempt::Again(error)) => {
                        Err(Failure::server(&format!("commit '{}'", change.record().id), error).into())
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
    async fn settle(&self, session: &ClientSession, change: &Change, error: DriverError) -> Result<(), Attempt> {
        let unknown = |_| Failure::from(Error::CommitUnknown { source: error.clone() });
        let fenced = self.lock.raise(self.lease.token(), slice::from_ref(session.id())).await.map_err(unknown)?;
        let stored = self.tracker.holds(change).await.map_err(unknown)?;
        match (stored, fenced) {
            (true, _) => Ok(()),
            (false, Fenced::Ours) => Err(Attempt::Again(error)),
            (false, Fenced::Newer) => Err(Reason::LeaseLost.into()),
        }
    }
}

pub(super) async fn start(session: &mut ClientSession) -> Result<(), Failure> {
    let transaction: StartTransaction<&mut ClientSession> = session.start_transaction();
    transaction
        .read_concern(ReadConcern::snapshot())
        .write_concern(WriteConcern::builder().w(mongodb::options::Acknowledgment::Majority).journal(true).build())
        .await
        .map_err(|error| Failure::server("start a transaction", error))
}

/// Rolls back. The server does it by itself when this does not reach it.
pub(super) async fn abort(session: &mut ClientSession) {
    if let Err(error) = session.abort_transaction().await {
        tracing::debug!(%error, "abort");
    }
}
