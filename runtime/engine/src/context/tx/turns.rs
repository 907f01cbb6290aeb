//! The queue of operations of one transaction.
//!
//! A session runs one operation at a time. It is owned by a task, which runs operations in the order in which they were first
//! polled, and to completion. The body may stop polling them: a buffering stream polls its operations only while it is polled
//! itself, and a driver future must not be dropped before it completes.

use std::any::Any;
use std::panic::{AssertUnwindSafe, resume_unwind};

use futures_util::FutureExt;
use mongodb::{BoxFuture, ClientSession};
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument;

use crate::lock::Session;

/// The sender to the task that owns the session.
#[derive(Debug)]
pub(super) struct Turns(mpsc::UnboundedSender<Turn>);

enum Turn {
    Operation(Job),
    End(oneshot::Sender<Session>),
}

type Job = Box<dyn for<'s> FnOnce(&'s mut ClientSession) -> BoxFuture<'s, ()> + Send>;

/// The result of an operation in the queue. `None` if the session was taken back before.
#[derive(Debug)]
pub(super) struct Reply<R>(oneshot::Receiver<Result<R, Panic>>);

type Panic = Box<dyn Any + Send>;

impl Turns {
    pub(super) fn new(session: Session) -> Self {
        let (sender, turns) = mpsc::unbounded_channel();
        tokio::spawn(take_turns(session, turns).in_current_span());
        Self(sender)
    }

    /// Queues an operation. It is skipped if the reply is dropped before it starts.
    pub(super) fn take<R, F>(&self, operation: F) -> Reply<R>
    where
        R: Send + 'static,
        F: for<'s> FnOnce(&'s mut ClientSession) -> BoxFuture<'s, R> + Send + 'static,
    {
        let (reply, result) = oneshot::channel();
        let span = tracing::Span::current();
        let job = job(move |session| {
            let job = async move {
                if reply.is_closed() {
                    return;
                }
                // A panic is raised again in the body, as if the body had polled the operation itself.
                let result = AssertUnwindSafe(operation(session)).catch_unwind().await;
                // An error means that the body has dropped the reply.
                let _ = reply.send(result);
            };
            Box::pin(job.instrument(span))
        });
        // An error drops the sender of the reply, and the receiver then reports that the session is gone.
        let _ = self.0.send(Turn::Operation(job));
        Reply(result)
    }

    /// Takes the session back, after all queued operations. `None` if that was done before.
    pub(super) async fn end(&self) -> Option<Session> {
        let (reply, session) = oneshot::channel();
        let _ = self.0.send(Turn::End(reply));
        session.await.ok()
    }
}

impl<R> Reply<R> {
    /// Waits for the result. Cancel safe: can be called again if the future is dropped.
    pub(super) async fn wait(&mut self) -> Option<R> {
        match (&mut self.0).await {
            Ok(Ok(result)) => Some(result),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => None,
        }
    }
}

fn job(job: impl for<'s> FnOnce(&'s mut ClientSession) -> BoxFuture<'s, ()> + Send + 'static) -> Job {
    Box::new(job)
}

async fn take_turns(mut session: Session, mut turns: mpsc::UnboundedReceiver<Turn>) {
    while let Some(turn) = turns.recv().await {
        match turn {
            Turn::Operation(job) => job(&mut session).await,
            Turn::End(reply) => {
                // If the caller has stopped waiting, the session is dropped here.
                let _ = reply.send(session);
                return;
            }
        }
    }
}
