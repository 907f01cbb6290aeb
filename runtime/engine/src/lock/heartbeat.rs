//! Holding the lease: a heartbeat in the background, a deadline on our own clock, a release at the end.

use std::sync::{Arc, Mutex, PoisonError};

use mongodb::bson::Document;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::store::{Beat, Grant, Store};
use super::{Lock, MARGIN, Mongo};
use crate::error::{Error, passes};
use crate::stop::{GRACE, Guard, Permit, Reason, Stop, backoff};

/// How often a release is sent.
const RELEASES: u32 = 5;

/// The lease while it is held.
#[derive(Debug)]
pub(crate) struct Lease<S = Mongo> {
    lock: Lock<S>,
    grant: Grant,
    abandoned: Mutex<Vec<Document>>,
    guard: Guard,
    shared: Arc<Shared>,
    heartbeat: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    /// What runs now, for those who wait.
    current: Mutex<Option<String>>,
    /// The session of our transactions, when it is another one than at the start.
    session: Mutex<Option<Document>>,
    released: Notify,
}

impl<S: Store> Lease<S> {
    /// Starts the heartbeat of a lease that was just taken, perhaps from holders who had not released it: `abandoned` are
    /// their sessions. `stop` is raised when the lease is lost.
    pub(super) fn hold(lock: Lock<S>, grant: Grant, abandoned: Vec<Document>, stop: Stop) -> Self {
        let shared = Arc::new(Shared { current: Mutex::new(None), session: Mutex::new(None), released: Notify::new() });
        let guard = Guard::new(lock.safe_until(grant.sent), stop);
        let heartbeat = tokio::spawn(beat(lock.clone(), grant, guard.clone(), shared.clone()));
        Self { lock, grant, abandoned: Mutex::new(abandoned), guard, shared, heartbeat }
    }

    pub(crate) fn token(&self) -> i64 {
        self.grant.token
    }

    /// The sessions of holders who had not released the lease. Their transactions can hold up ours.
    pub(crate) fn abandoned(&self) -> Vec<Document> {
        locked(&self.abandoned).clone()
    }

    /// Leaves what this session has under way to the server: it is not among the abandoned ones any more.
    pub(crate) fn spare(&self, session: &Document) {
        locked(&self.abandoned).retain(|abandoned| abandoned != session);
    }

    /// Tells those who wait what runs now; it travels with the next heartbeat.
    pub(crate) fn announce(&self, id: &str) {
        *locked(&self.shared.current) = Some(id.to_owned());
    }

    /// Tells a successor which session's transaction to end, should this process die.
    pub(crate) fn use_session(&self, id: &Document) {
        *locked(&self.shared.session) = Some(id.clone());
    }

    /// Whether the run may go on: the lease is still certainly ours, and nobody has said stop.
    pub(crate) fn check(&self) -> Result<(), Reason> {
        self.guard.check()
    }

    /// The permission of a step that begins now.
    pub(crate) fn permit(&self) -> Permit {
        Permit::new(self.guard.clone())
    }

    #[cfg(test)]
    pub(crate) fn grant(&self) -> Grant {
        self.grant
    }

    #[cfg(test)]
    pub(crate) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Ends the heartbeat and gives the lease back, unless it is somebody else's by now. Returns whether it was certainly
    /// given back: then nobody is going to end our sessions any more.
    pub(crate) async fn release(mut self) -> bool {
        self.shared.released.notify_one();
        if (&mut self.heartbeat).await.is_err() {
            tracing::warn!("the heartbeat ended abnormally");
        }
        let (lock, grant) = (self.lock.clone(), self.grant);
        let freed = tokio::spawn(async move { lock.free(grant).await });
        // By then it has expired, or soon will; a server that does not answer must not hold up the run any longer.
        let limit = self.guard.deadline().max(Instant::now() + GRACE);
        match timeout_at(limit, freed).await {
            Ok(Ok(Ok(released))) => return released,
            Ok(Ok(Err(error))) => tracing::warn!(%error, "could not release the migration lock; it expires by itself"),
            Ok(Err(_)) => tracing::warn!("the release of the migration lock ended abnormally; it expires by itself"),
            Err(_) => {
                tracing::warn!("the server does not answer the release of the migration lock; it expires by itself");
            }
        }
        false
    }
}

impl<S> Lease<S> {
    /// Ends the heartbeat and keeps the lease from everybody else until it expires.
    pub(crate) fn leave_to_expire(self) {
        drop(self);
    }
}

/// A lease that was dropped without a release must not be kept alive.
impl<S> Drop for Lease<S> {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

async fn beat<S: Store>(lock: Lock<S>, grant: Grant, guard: Guard, shared: Arc<Shared>) {
    let every = lock.heartbeat_every();
    let mut next = grant.sent + every;
    loop {
        tokio::select! {
            () = shared.released.notified() => return,
            () = sleep_until(next) => {}
        }
        let sent = Instant::now();
        let (current, session) = (locked(&shared.current).clone(), locked(&shared.session).clone());
        let call = tokio::spawn({
            let lock = lock.clone();
            async move { lock.prolong(grant, current, session).await }
        });
        match timeout_at(guard.deadline(), call).await {
            Ok(Ok(Ok(true))) => guard.extend(lock.safe_until(sent)),
            Ok(Ok(Ok(false))) | Err(_) => return guard.lose(),
            Ok(Ok(Err(error))) => tracing::warn!(%error, "a heartbeat of the migration lock failed; trying again"),
            Ok(Err(_)) => tracing::warn!("a heartbeat of the migration lock ended abnormally; trying again"),
        }
        // Counted from now, so that a process that was paused does not send the missed ones in a burst.
        next = Instant::now() + every;
    }
}

impl<S: Store> Lock<S> {
    /// Until when a lease that was taken or prolonged by a request sent at `sent` is certainly ours.
    fn safe_until(&self, sent: Instant) -> Instant {
        sent + self.lease * MARGIN.0 / MARGIN.1
    }

    /// One heartbeat; false when the lease is not ours any more.
    async fn prolong(&self, grant: Grant, current: Option<String>, session: Option<Document>) -> Result<bool, Error> {
        let prolonged = self.store.prolong(grant, Beat { lease: self.lease, current, session }).await;
        prolonged.map_err(|error| self.failed("keep the migration lock", error))
    }

    async fn free(&self, grant: Grant) -> Result<bool, Error> {
        let freed = insist(|| self.store.free(grant)).await;
        freed.map_err(|error| self.failed("release the migration lock", error))
    }
}

/// Sends a release again when a fail-over or a broken connection comes between, which is harmless and spares the next
/// one to wait for the end of the lease (I6).
pub(super) async fn insist<T, F: Future<Output = mongodb::error::Result<T>>>(
    release: impl Fn() -> F,
) -> mongodb::error::Result<T> {
    let mut tries = 0;
    loop {
        let error = match release().await {
            Ok(released) => return Ok(released),
            Err(error) => error,
        };
        tries += 1;
        if tries == RELEASES || !passes(&error) {
            return Err(error);
        }
        sleep(backoff(tries)).await;
    }
}

/// Nothing can panic while one of these is held, so a poisoned one is as good as any.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
