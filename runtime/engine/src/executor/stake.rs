//! What a run holds at the server, for whoever has to end it from outside: the caller drops the future of a run, and the
//! process may end before the run has put everything in order.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mongodb::bson::{Document, oid::ObjectId};
use tokio::task::AbortHandle;

use super::Bodies;

/// Shared between a run and the future that its caller awaits.
#[derive(Debug, Default)]
pub(crate) struct Stake {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    /// Whether the run has ended, in good order or not.
    over: bool,
    /// How what the bodies have sent is found at the server.
    bodies: Option<Bodies>,
}

/// What has to be given back.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The acquisition of the lease, which may not have succeeded yet.
    pub(crate) nonce: ObjectId,
    /// The session of the run's transactions.
    pub(crate) session: Document,
    /// The body that works with a raw handle.
    pub(crate) raw: Option<AbortHandle>,
}

impl Stake {
    /// The client of the bodies is known.
    pub(crate) fn open(&self, bodies: Option<Bodies>) {
        self.state().bodies = bodies;
    }

    pub(crate) fn bodies(&self) -> Option<Bodies> {
        self.state().bodies.clone()
    }

    /// The lease is going to be taken.
    pub(crate) fn take(&self, nonce: ObjectId, session: &Document) {
        self.state().held = Some(Held { nonce, session: session.clone(), raw: None });
    }

    /// The transactions have another session.
    pub(crate) fn use_session(&self, session: &Document) {
        if let Some(held) = &mut self.state().held {
            held.session = session.clone();
        }
    }

    /// A body works with a raw handle, or does not any more.
    pub(crate) fn runs(&self, raw: Option<AbortHandle>) {
        if let Some(held) = &mut self.state().held {
            held.raw = raw;
        }
    }

    /// Everything was given back, or is left to expire.
    pub(crate) fn clear(&self) {
        self.state().held = None;
        self.changed.notify_all();
    }

    /// What is held; `None` when nothing has to be given back.
    pub(crate) fn held(&self) -> Option<Held> {
        self.state().held.clone()
    }

    /// Blocks the thread until nothing is held or the run has ended.
    pub(crate) fn wait(&self, limit: Duration) {
        let began = Instant::now();
        let mut state = self.state();
        while state.held.is_some() && !state.over {
            let Some(left) = limit.checked_sub(began.elapsed()) else { return };
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run that is under way; it has ended when this is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(pub(crate) Arc<Stake>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.state().over = true;
        self.0.changed.notify_all();
    }
}
