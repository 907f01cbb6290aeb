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
use crate::stop::Reason;

/// How long a body that was told to stop may take to end its server call: well within the margin of the lease.
const GRACE: Duration = Duration::from_secs(2);

/// A body that has come back, with its context and its result.
pub(super) type Ended = (Context, Result<(), BoxError>);

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
        let lent = context.tx();
        let up = step.migration.registration().up;
        let run = async move {
            let result = AssertUnwindSafe(up(&mut context)).catch_unwind().await;
            (context, result.unwrap_or_else(|panic| Err(panicked(&*panic).into())))
        };
        let mut task = tokio::spawn(run.in_current_span());
        let ended = tokio::select! {
            ended = &mut task => ended,
            reason = self.told_to_stop(step) => {
                permit.withdraw(reason);
                if step.migration.kind() == Kind::Database {
                    // The raw handle checks no stop sign, so this is the only way to end such a body. It drops what
                    // the driver has under way, which costs a connection.
                    task.abort();
                }
                let Ok(ended) = timeout(GRACE, &mut task).await else {
                    if let Some(tx) = lent {
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
    async fn roll_back(&mut self, tx: &Tx, body: &JoinHandle<Ended>) {
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

    /// Waits for the run's stop sign, or for the migration's own time limit.
    async fn told_to_stop(&self, step: &Step<'_>) -> Reason {
        match step.migration.timeout() {
            Some(limit) => timeout(limit, self.stop.raised()).await.unwrap_or(Reason::TimedOut(limit)),
            None => self.stop.raised().await,
        }
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message = panic
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "(no message)".to_owned());
    Error::Panicked { message }
}
