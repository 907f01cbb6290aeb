//! Runs a body in a task of its own, so that a panic, a timeout or a lost lease ends the body and nothing else.

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
use super::{Executor, Failure, Stake, Step};
use crate::context::{Activity, Inner, Tx};
use crate::error::Error;
use crate::lock::{Session, end, kill};
use crate::migration::Kind;
use crate::migration::registration::{BoxError, Context, Run};
use crate::stop::{Deadline, Permit, Reason, Stop};

/// How long a command may take to end that was told to.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The operation of `Schema` that the server goes on with when nobody waits for it.
pub(super) const CREATE_INDEX: &str = "create_index";

/// A body that has come back, with its context and its result.
pub(super) type Ended = (Context, Result<(), BoxError>);

/// What a task holds on to when it is told to stop.
pub(super) enum Holds {
    /// A transaction, which it must not leave open.
    Transaction(Tx),
    /// Nothing that could do harm, but perhaps a command under way: it asks the permit before each server call.
    Commands(Activity),
    /// The raw handle, which asks nobody.
    RawHandle,
}

/// What can end a task before it comes back by itself.
#[derive(Clone, Copy)]
pub(super) struct Limits<'r> {
    /// The run's stop sign.
    pub(super) stop: &'r Stop,
    /// When the whole run has to be over.
    pub(super) deadline: Option<Deadline>,
    /// The migration's own time limit.
    pub(super) timeout: Option<Duration>,
    /// Where to note a task with a raw handle.
    pub(super) stake: Option<&'r Stake>,
}

/// A task that did not come back.
pub(super) struct Cut {
    pub(super) failure: Failure,
    /// The session that it was lent, if it could be taken from it; its transaction is rolled back.
    pub(super) session: Option<Session>,
    /// What became of it, if it had a raw handle.
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
        Limits { stop: self.stop, deadline: self.deadline, timeout: step.migration.timeout(), stake: Some(self.stake) }
    }
}

/// Runs a body. Its context checks `permit` before each server call, so that a body which was told to stop and does not
/// come back has no effect any more.
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
        let result = match caught(body.run(&mut context)).await {
            Ok(()) => Inner::finish(&mut context).await.map_err(BoxError::from),
            failed => failed,
        };
        (context, result)
    };
    supervise(run, permit, holds, limits).await
}

/// Runs something in a task of its own, until it comes back or has to stop.
pub(super) async fn supervise<T: Send + 'static>(
    run: impl Future<Output = T> + Send + 'static,
    permit: &Permit,
    holds: Holds,
    limits: Limits<'_>,
) -> Result<T, Cut> {
    let mut task = tokio::spawn(run.in_current_span());
    let raw = matches!(holds, Holds::RawHandle);
    if let (true, Some(stake)) = (raw, limits.stake) {
        stake.runs(Some(task.abort_handle()));
    }
    let ended = tokio::select! {
        ended = &mut task => ended,
        reason = limits.passed() => {
            permit.withdraw(reason);
            if raw {
                // This is the only way to end such a task. It drops what the driver has under way, which costs a
                // connection.
                task.abort();
            }
            if let Holds::Commands(activity) = &holds
                // An index build goes on when it is the run that ends and not its time that is over: the next run joins it.
                && (activity.operation() != Some(CREATE_INDEX) || matches!(reason, Reason::TimedOut(_)))
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
    if let (true, Some(stake)) = (raw, limits.stake) {
        stake.runs(None);
    }
    match (ended, permit.check()) {
        (Ok(ended), _) => Ok(ended),
        (Err(_), Err(reason)) => Err(Cut { failure: reason.into(), session: None, raw: raw.then_some(Raw::Aborted) }),
        (Err(error), Ok(())) => Err(Error::Panicked { message: error.to_string() }.into()),
    }
}

/// Ends the command that a `Schema` body has under way. Returns whether the server shows nothing of it any more.
pub(super) async fn end_command(activity: &Activity) -> bool {
    let Some(operation) = activity.operation() else { return true };
    let (client, session) = (activity.client.clone(), activity.session.clone());
    // The driver's futures must not be dropped, so this has a task of its own.
    let ending = tokio::spawn(async move { end(&client, &session).await });
    let ended = matches!(timeout(LAST_WORDS, ending).await, Ok(Ok(true)));
    if !ended {
        tracing::warn!(operation, "a command may still be under way at the server");
    }
    ended
}

/// Ends the transaction of a body that does not come back: left open, it would stand in the way of the next run
/// until the server's limit of 60 seconds.
async fn roll_back<T>(tx: &Tx, body: &JoinHandle<T>, grace: Duration) -> Option<Session> {
    let Ok(mut session) = timeout(grace, tx.end()).await else {
        // A server call is still under way, and must not be dropped here; the server can end it.
        kill(tx.client(), slice::from_ref(tx.session_id())).await;
        return None;
    };
    if let Some(session) = &mut session {
        abort(session).await;
    }
    // Safe now: without the session no call of the driver is under way.
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
