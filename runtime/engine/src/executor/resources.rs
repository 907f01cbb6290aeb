//! The resources that a run holds at the server. They can be released from outside, because a caller may drop the future of a
//! run and end the process before the run has cleaned up.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mongodb::bson::{Document, oid::ObjectId};
use tokio::task::AbortHandle;

use super::Bodies;

/// The resources of a run, shared with the future that its caller awaits.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    /// Whether the run has ended, cleanly or not.
    ended: bool,
    /// Identifies the operations of bodies at the server.
    bodies: Option<Bodies>,
}

/// The resources to release.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The nonce of the acquisition of the lease, which may not have succeeded yet.
    pub(crate) nonce: ObjectId,
    /// The session of the run's transactions.
    pub(crate) session: Document,
    /// The running body with a raw handle.
    pub(crate) raw: Option<AbortHandle>,
}

impl Resources {
    /// Sets the client of the bodies.
    pub(crate) fn set_bodies(&self, bodies: Option<Bodies>) {
        self.state().bodies = bodies;
    }

    pub(crate) fn bodies(&self) -> Option<Bodies> {
        self.state().bodies.clone()
    }

    /// Registers the lease and the session, before the lease is taken.
    pub(crate) fn acquire(&self, nonce: ObjectId, session: &Document) {
        self.state().held = Some(Held { nonce, session: session.clone(), raw: None });
    }

    /// Replaces the session of the transactions.
    pub(crate) fn use_session(&self, session: &Document) {
        if let Some(held) = &mut self.state().held {
            held.session = session.clone();
        }
    }

    /// Sets or clears the running body with a raw handle.
    pub(crate) fn set_raw_body(&self, raw: Option<AbortHandle>) {
        if let Some(held) = &mut self.state().held {
            held.raw = raw;
        }
    }

    /// Marks all resources as released or left to expire.
    pub(crate) fn clear(&self) {
        self.state().held = None;
        self.changed.notify_all();
    }

    /// Returns the held resources; `None` if there are none to release.
    pub(crate) fn held(&self) -> Option<Held> {
        self.state().held.clone()
    }

    /// Blocks the thread until nothing is held or the run has ended.
    pub(crate) fn wait(&self, limit: Duration) {
        let began = Instant::now();
        let mut state = self.state();
        while state.held.is_some() && !state.ended {
            let Some(remaining) = limit.checked_sub(began.elapsed()) else { return };
            state = self.changed.wait_timeout(state, remaining).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Marks a run as ended when dropped.
#[derive(Debug)]
pub(crate) struct RunGuard(pub(crate) Arc<Resources>);

impl Drop for RunGuard {
    fn drop(&mut self) {
        self.0.state().ended = true;
        self.0.changed.notify_all();
    }
}
