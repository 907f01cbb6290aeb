//! The operations of one transaction take turns, in the order in which they were first polled.
//!
//! A session carries one operation at a time. It lives in a task of its own, to which an operation goes when it is polled
//! for the first time, and which brings it to its end whoever polls what in the body afterwards: a stream that buffers
//! polls its operations only while it is polled itself, and the driver's futures must not be dropped under way.

use std::any::Any;
use std::panic::{AssertUnwindSafe, resume_unwind};

use futures_util::FutureExt;
use mongodb::{BoxFuture, ClientSession};
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument;

use crate::lock::Session;

/// The way to the task that has the session.
#[derive(Debug)]
pub(super) struct Turns(mpsc::UnboundedSender<Turn>);

enum Turn {
    Operation(Job),
    End(oneshot::Sender<Session>),
}

type Job = Box<dyn for<'s> FnOnce(&'s mut ClientSession) -> BoxFuture<'s, ()> + Send>;

/// The result of an operation whose turn has come or will come; `None` when the session was taken back before.
#[derive(Debug)]
pub(super) struct Reply<R>(oneshot::Receiver<Result<R, Panic>>);

type Panic = Box<dyn Any + Send>;

impl Turns {
    pub(super) fn new(session: Session) -> Self {
        let (sender, turns) = mpsc::unbounded_channel();
        tokio::spawn(take_turns(session, turns).in_current_span());
        Self(sender)
    }

    /// Lets this have the session when its turn comes, unless nobody wants its result any more by then.
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
                // A panic is the body's, as if it had polled the operation itself.
                let result = AssertUnwindSafe(operation(session)).catch_unwind().await;
                // Nobody wants it any more.
                let _ = reply.send(result);
            };
            Box::pin(job.instrument(span))
        });
        // An error drops the sender of the reply, which tells that the session is gone.
        let _ = self.0.send(Turn::Operation(job));
        Reply(result)
    }

    /// Takes the session back, after the operations that came before; `None` when that was done already.
    pub(super) async fn end(&self) -> Option<Session> {
        let (reply, session) = oneshot::channel();
        let _ = self.0.send(Turn::End(reply));
        session.await.ok()
    }
}

impl<R> Reply<R> {
    /// Waits for the result. May be called again when the future of a call was dropped.
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
                // Whoever asked for it may have given up waiting; then it ends here.
                let _ = reply.send(session);
                return;
            }
        }
    }
}
