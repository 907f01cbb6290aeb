//! Runs a body in a task of its own, so that a panic, a timeout or a lost lease ends the body and nothing else.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::timeout;

use super::{Executor, Failure, Step};
use crate::__private::{BoxError, Context};
use crate::Error;
use crate::migration::Kind;
use crate::stop::{Reason, Stop};

/// How long a body that was told to stop may take to end its server call: well within the margin of the lease.
const GRACE: Duration = Duration::from_secs(2);

/// How a body ended.
pub(super) enum Body {
    /// By itself: its context comes back.
    Ended(Context, Result<(), BoxError>),
    /// It was told to stop and has not come back; whatever it still does goes through a stop sign that is up.
    Abandoned(Reason),
}

impl Executor<'_> {
    /// Runs the body of a step. `stop` is the one that its context checks before each server call.
    pub(super) async fn body(&self, step: &Step<'_>, mut context: Context, stop: &Stop) -> Result<Body, Failure> {
        self.lease.check()?;
        let up = step.migration.registration().up;
        let mut task = tokio::spawn(async move {
            let result = AssertUnwindSafe(up(&mut context)).catch_unwind().await;
            (context, result.unwrap_or_else(|panic| Err(panicked(&*panic).into())))
        });
        let ended = tokio::select! {
            ended = &mut task => ended,
            reason = self.told_to_stop(step) => {
                stop.raise(reason);
                if step.migration.kind() == Kind::Database {
                    // The raw handle checks no stop sign, so this is the only way to end such a body. It drops what
                    // the driver has under way, which costs a connection.
                    task.abort();
                }
                match timeout(GRACE, &mut task).await {
                    Ok(ended) => ended,
                    Err(_) => return Ok(Body::Abandoned(reason)),
                }
            }
        };
        match (ended, stop.reason()) {
            (Ok((context, _)), Some(reason)) => Ok(Body::Ended(context, Err(stopped(reason)))),
            (Ok((context, result)), None) => Ok(Body::Ended(context, result)),
            (Err(_), Some(reason)) => Ok(Body::Abandoned(reason)),
            (Err(error), None) => Err(Error::Panicked { message: error.to_string() }.into()),
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

fn stopped(reason: Reason) -> BoxError {
    reason.to_string().into()
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message = panic
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "(no message)".to_owned());
    Error::Panicked { message }
}
