//! Runs a body in a separate task, so that a panic, a timeout or a lost lease ends only the body.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::slice;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::Instrument;

use super::leftovers::Raw;
use super::transaction::abort;
use super::{Executor, Failure, Resources, Step};
use crate::context::{Activity, Inner, Tx};
use crate::error::Error;
use crate::lock::{Session, end, kill};
use crate::migration::Kind;
use crate::migration::registration::{BoxError, Context, Run};
use crate::stop::{Deadline, Permit, Reason, Stop};

/// How long to wait for a killed command to end.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// The context and the result of a body that returned.
pub(super) type Ended = (Context, Result<(), BoxError>);

/// The resource that a task holds when it is stopped.
pub(super) enum Holds {
    /// A transaction, which must not stay open.
    Transaction(Tx),
    /// Commands, of which at most one is running. Each checks the permit before it is sent.
    Commands(Activity),
    /// The raw handle, which checks nothing.
    RawHandle,
}

/// The events that end a task before it returns.
#[derive(Clone, Copy)]
pub(super) struct Limits<'r> {
    /// The run's stop sign.
    pub(super) stop: &'r Stop,
    /// The time limit of the whole run.
    pub(super) deadline: Option<Deadline>,
    /// The migration's own time limit.
    pub(super) timeout: Option<Duration>,
    /// Registers a task with a raw handle.
    pub(super) resources: Option<&'r Resources>,
}

/// A task that did not return.
pub(super) struct Cut {
    pub(super) failure: Failure,
    /// The session lent to the task, if it could be reclaimed. Its transaction is rolled back.
    pub(super) session: Option<Session>,
    /// The end of the task, if it had a raw handle.
    pub(super) raw: Option<Raw>,
}

impl<F: Into<Failure>> From<F> for Cut {
    fn from(failure: F) -> Self {
        Self { failure: failure.into(), session: None, raw: None }
    }
}

impl Executor<'_> {
    /// Runs the body of a step.
    pub(super) async fn body(&mut self, step: &Step<'_>, context: Context, permit: &Permit) -> Result<Ended, Failure> {
        self.lease.check()?;
        let ended = run(step.body, context, permit, self.limits(step)).await;
        let raw = match &ended {
            Ok((_, Err(_))) if step.kind == Kind::Database => Some(Raw::Failed),
            Ok(_) => None,
            Err(cut) => cut.raw,
        };
        if let Some(raw) = raw {
            self.end_leftovers(step.migration.id(), raw).await;
        }
        ended.map_err(|cut| {
            if cut.session.is_some() {
                self.session = cut.session;
            }
            cut.failure
        })
    }

    pub(super) fn limits(&self, step: &Step<'_>) -> Limits<'_> {
        Limits {
            stop: self.stop,
            deadline: self.deadline,
            timeout: step.migration.timeout(),
            resources: Some(self.resources),
        }
    }
}

/// Runs a body. Its context checks `permit` before each server call, so that a stopped body that does not return has no further
/// effect.
pub(super) async fn run(
    body: &'static dyn Run,
    mut context: Context,
    permit: &Permit,
    limits: Limits<'_>,
) -> Result<Ended, Cut> {
    let holds = match Inner::of(&context).tx() {
        Some(tx) => Holds::Transaction(tx),
        None => Inner::of(&context).activity().map_or(Holds::RawHandle, Holds::Commands),
    };
    let run = async move {
        let result = match catch_panic(body.run(&mut context)).await {
            Ok(()) => Inner::finish(&mut context).await.map_err(BoxError::from),
            failed => failed,
        };
        (context, result)
    };
    supervise(run, permit, holds, limits).await
}

/// Runs a future in a separate task until it returns or must stop.
pub(super) async fn supervise<T: Send + 'static>(
    run: impl Future<Output = T> + Send + 'static,
    permit: &Permit,
    holds: Holds,
    limits: Limits<'_>,
) -> Result<T, Cut> {
    let mut task = tokio::spawn(run.in_current_span());
    let raw = matches!(holds, Holds::RawHandle);
    if let (true, Some(resources)) = (raw, limits.resources) {
        resources.set_raw_body(Some(task.abort_handle()));
    }
    let ended = tokio::select! {
        ended = &mut task => ended,
        reason = limits.passed() => {
            permit.withdraw(reason);
            if raw {
                // The only way to end such a task. It drops the driver's current call, which costs a connection.
                task.abort();
            }
            if let Holds::Commands(activity) = &holds
                // An index build continues if the run stops, because the next run joins it. It ends if the migration times out.
                && (!activity.builds_an_index() || matches!(reason, Reason::TimedOut(_)))
            {
                end_command(activity).await;
            }
            let Ok(ended) = timeout(reason.grace(), &mut task).await else {
                let session = match holds {
                    Holds::Transaction(tx) => roll_back(&tx, &task, reason.grace()).await,
                    Holds::Commands(_) | Holds::RawHandle => None,
                };
                return Err(Cut { failure: reason.into(), session, raw: raw.then_some(Raw::Running) });
            };
            ended
        }
    };
    if let (true, Some(resources)) = (raw, limits.resources) {
        resources.set_raw_body(None);
    }
    match (ended, permit.check()) {
        (Ok(ended), _) => Ok(ended),
        (Err(_), Err(reason)) => Err(Cut { failure: reason.into(), session: None, raw: raw.then_some(Raw::Aborted) }),
        (Err(error), Ok(())) => Err(Error::Panicked { message: error.to_string() }.into()),
    }
}

/// Ends the current command of a `Schema` body. Returns whether the server no longer lists it.
pub(super) async fn end_command(activity: &Activity) -> bool {
    let Some(operation) = activity.operation() else { return true };
    let (client, session) = (activity.client.clone(), activity.session.clone());
    // In a separate task, because the driver's futures must not be dropped.
    let ending = tokio::spawn(async move { end(&client, &session).await });
    let ended = matches!(timeout(KILL_LIMIT, ending).await, Ok(Ok(true)));
    if !ended {
        tracing::warn!(operation, "a command may still be running at the server");
    }
    ended
}

/// Ends the transaction of a body that does not return. Footprint open, it would block the next run until the server's limit of 60
/// seconds.
async fn roll_back<T>(tx: &Tx, body: &JoinHandle<T>, grace: Duration) -> Option<Session> {
    let Ok(mut session) = timeout(grace, tx.end()).await else {
        // A server call is still running and must not be dropped here, but the server can end it.
        kill(tx.client(), slice::from_ref(tx.session_id())).await;
        return None;
    };
    if let Some(session) = &mut session {
        abort(session).await;
    }
    // Safe now: without the session, the driver has no running call.
    body.abort();
    session
}

impl Limits<'_> {
    /// Waits for the run's stop sign, its time limit, or the migration's own.
    async fn passed(self) -> Reason {
        tokio::select! {
            reason = self.stop.raised() => reason,
            reason = Deadline::passed(self.deadline) => reason,
            _ = Deadline::passed(self.timeout.map(Deadline::after)) => {
                Reason::TimedOut(self.timeout.unwrap_or_default())
            }
        }
    }
}

/// Awaits a user's function and converts its panic to an error.
pub(crate) async fn catch_panic<T>(function: impl Future<Output = Result<T, BoxError>>) -> Result<T, BoxError> {
    let result = AssertUnwindSafe(function).catch_unwind().await;
    result.unwrap_or_else(|panic| Err(panicked(&*panic).into()))
}

pub(super) fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message = panic
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "(no message)".to_owned());
    Error::Panicked { message }
}
