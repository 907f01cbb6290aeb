//! Runs a body in a task of its own, so that a panic, a timeout or a lost lease ends the body and nothing else.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::Instrument;

use super::transaction::abort;
use super::{Executor, Failure, Step};
use crate::__private::{BoxError, Context};
use crate::Error;
use crate::context::Tx;
use crate::lock::Permit;
use crate::migration::Kind;
use crate::stop::{Deadline, Reason};

/// How long a body that was told to stop may take to end its server call: well within the margin of the lease.
const GRACE: Duration = Duration::from_secs(2);

/// A body that has come back, with its context and its result.
pub(super) type Ended = (Context, Result<(), BoxError>);

/// What a task holds on to when it is told to stop.
pub(super) enum Holds {
    /// A transaction, which it must not leave open.
    Transaction(Tx),
    /// Nothing that could do harm: it asks the permit before each server call.
    Nothing,
    /// The raw handle, which asks nobody.
    RawHandle,
}

impl Executor<'_> {
    /// Runs the body of a step. Its context checks `permit` before each server call, so that a body which was told to
    /// stop and does not come back has no effect any more.
    pub(super) async fn body(
        &mut self,
        step: &Step<'_>,
        mut context: Context,
        permit: &Permit,
    ) -> Result<Ended, Failure> {
        self.lease.check()?;
        let holds = match (context.tx(), step.kind) {
            (Some(tx), _) => Holds::Transaction(tx),
            (None, Kind::Database) => Holds::RawHandle,
            (None, _) => Holds::Nothing,
        };
        let body = step.body;
        let run = async move {
            let result = caught(body(&mut context)).await;
            (context, result)
        };
        self.supervise(step, run, permit, holds).await
    }

    /// Runs something in a task of its own, until it comes back or has to stop.
    pub(super) async fn supervise<T: Send + 'static>(
        &mut self,
        step: &Step<'_>,
        run: impl Future<Output = T> + Send + 'static,
        permit: &Permit,
        holds: Holds,
    ) -> Result<T, Failure> {
        let mut task = tokio::spawn(run.in_current_span());
        let ended = tokio::select! {
            ended = &mut task => ended,
            reason = self.told_to_stop(step) => {
                permit.withdraw(reason);
                if matches!(holds, Holds::RawHandle) {
                    // This is the only way to end such a task. It drops what the driver has under way, which costs a
                    // connection.
                    task.abort();
                }
                let Ok(ended) = timeout(GRACE, &mut task).await else {
                    if let Holds::Transaction(tx) = holds {
                        self.roll_back(&tx, &task).await;
                    }
                    return Err(reason.into());
                };
                ended
            }
        };
        match (ended, permit.check()) {
            (Ok(ended), _) => Ok(ended),
            (Err(_), Err(reason)) => Err(reason.into()),
            (Err(error), Ok(())) => Err(Error::Panicked { message: error.to_string() }.into()),
        }
    }

    /// Ends the transaction of a body that does not come back: left open, it would stand in the way of the next run
    /// until the server's limit of 60 seconds.
    async fn roll_back<T>(&mut self, tx: &Tx, body: &JoinHandle<T>) {
        match timeout(GRACE, tx.end()).await {
            Ok(session) => {
                if let Some(mut session) = session {
                    abort(&mut session).await;
                    self.session = Some(session);
                }
                // Safe now: without the session no call of the driver is under way.
                body.abort();
            }
            // A server call is still under way, and must not be dropped here; the server can end it.
            Err(_) => self.lock.kill(tx.session_id()).await,
        }
    }

    /// Waits for the run's stop sign, its time limit, or the migration's own.
    async fn told_to_stop(&self, step: &Step<'_>) -> Reason {
        let limit = step.migration.timeout();
        tokio::select! {
            reason = self.stop.raised() => reason,
            reason = Deadline::passed(self.deadline) => reason,
            _ = Deadline::passed(limit.map(Deadline::after)) => Reason::TimedOut(limit.unwrap_or_default()),
        }
    }
}

/// What a function of the user gives, its panic as an error.
pub(crate) async fn caught<T>(function: impl Future<Output = Result<T, BoxError>>) -> Result<T, BoxError> {
    let result = AssertUnwindSafe(function).catch_unwind().await;
    result.unwrap_or_else(|panic| Err(panicked(&*panic).into()))
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message = panic
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "(no message)".to_owned());
    Error::Panicked { message }
}
