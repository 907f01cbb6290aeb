//! Holds the lease: heartbeats in the background, a deadline on our own clock, and the release.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use mongodb::bson::Document;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::stop_request::StopRequest;
use super::store::{Abandoned, Grant, Heartbeat, Prolonged, Store};
use super::{Lock, MARGIN, Mongo};
use crate::error::{Error, is_transient};
use crate::stop::{GRACE, Guard, Permit, Reason, Stop, backoff};

/// Maximum number of attempts to release the lease.
const RELEASES: u32 = 5;

/// A lease that this process holds.
#[derive(Debug)]
pub(crate) struct Lease<S = Mongo> {
    lock: Lock<S>,
    grant: Grant,
    abandoned: Mutex<Vec<Document>>,
    /// Whether nothing of the abandoned sessions is left. Until then, they outlive the lease.
    ended_former_holders: AtomicBool,
    guard: Guard,
    shared: Arc<Shared>,
    heartbeat: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    /// The current migration, shown to processes that wait.
    current: Mutex<Option<String>>,
    /// The session of our transactions, if it has changed.
    session: Mutex<Option<Document>>,
    /// The request to stop, once a heartbeat has read one.
    stop: OnceLock<StopRequest>,
    released: Notify,
}

impl<S: Store> Lease<S> {
    /// Starts the heartbeat of a lease that was just acquired. `abandoned` are the sessions of former holders that did not release
    /// it. `stop` is raised when the lease is lost.
    pub(super) fn hold(lock: Lock<S>, grant: Grant, abandoned: Vec<Document>, stop: Stop) -> Self {
        let shared = Arc::new(Shared {
            current: Mutex::new(None),
            session: Mutex::new(None),
            stop: OnceLock::new(),
            released: Notify::new(),
        });
        let guard = Guard::new(lock.safe_until(grant.sent), stop);
        // From now on: whoever requests a stop knows the token.
        let requests = lock.requests.subscribe();
        let heartbeat = tokio::spawn(beat(lock.clone(), grant, guard.clone(), shared.clone(), requests));
        Self {
            lock,
            grant,
            abandoned: Mutex::new(abandoned),
            ended_former_holders: AtomicBool::new(false),
            guard,
            shared,
            heartbeat,
        }
    }

    pub(crate) fn token(&self) -> i64 {
        self.grant.token
    }

    /// Returns the sessions of former holders that did not release the lease. Their transactions can block ours.
    pub(crate) fn abandoned(&self) -> Vec<Document> {
        locked(&self.abandoned).clone()
    }

    /// Notes that the operations of former holders were ended, except in these sessions, which count as abandoned no longer.
    pub(crate) fn ended_former_holders(&self, spared: &[Document]) {
        locked(&self.abandoned).retain(|abandoned| !spared.contains(abandoned));
        self.ended_former_holders.store(true, Ordering::Relaxed);
    }

    /// Publishes the current migration with the next heartbeat.
    pub(crate) fn announce(&self, id: &str) {
        *locked(&self.shared.current) = Some(id.to_owned());
    }

    /// Publishes the session of our transactions with the next heartbeat. A successor ends them if this process dies.
    pub(crate) fn use_session(&self, id: &Document) {
        *locked(&self.shared.session) = Some(id.clone());
    }

    /// Returns the request that the run stop, if there is one.
    pub(crate) fn stop_request(&self) -> Option<&StopRequest> {
        self.shared.stop.get()
    }

    /// Fails if the lease may be lost, or the run must stop.
    pub(crate) fn check(&self) -> Result<(), Reason> {
        self.guard.check()
    }

    /// Returns whether another process may have taken over.
    pub(crate) fn is_lost(&self) -> bool {
        self.guard.is_lost()
    }

    /// Returns the permit of a new step.
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

    /// Stops the heartbeat and releases the lease, if it is still ours. Returns whether it is known to be released: only then does no
    /// other process end our sessions.
    pub(crate) async fn release(mut self) -> bool {
        self.shared.released.notify_one();
        if (&mut self.heartbeat).await.is_err() {
            tracing::warn!("the heartbeat task panicked");
        }
        let (lock, grant) = (self.lock.clone(), self.grant);
        let keep = if self.ended_former_holders.load(Ordering::Relaxed) { Abandoned::Forget } else { Abandoned::Keep };
        let freed = tokio::spawn(async move { lock.free(grant, keep).await });
        // By then, the lease has expired or soon will. A server that does not answer must not delay the run any longer.
        let limit = self.guard.deadline().max(Instant::now() + GRACE);
        match timeout_at(limit, freed).await {
            Ok(Ok(Ok(released))) => return released,
            Ok(Ok(Err(error))) => tracing::warn!(%error, "could not release the migration lock; it will expire"),
            Ok(Err(_)) => tracing::warn!("the release of the migration lock panicked; it will expire"),
            Err(_) => {
                tracing::warn!("the server did not answer the release of the migration lock; it will expire");
            }
        }
        false
    }
}

impl<S> Lease<S> {
    /// Stops the heartbeat without a release, so that nobody can acquire the lease until it expires.
    pub(crate) fn leave_to_expire(self) {
        drop(self);
    }
}

/// Stops the heartbeat of a lease that is dropped without a release.
impl<S> Drop for Lease<S> {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

async fn beat<S: Store>(
    lock: Lock<S>,
    grant: Grant,
    guard: Guard,
    shared: Arc<Shared>,
    mut requests: watch::Receiver<()>,
) {
    let every = lock.heartbeat_every();
    let mut next = grant.sent + every;
    loop {
        tokio::select! {
            () = shared.released.notified() => return,
            () = sleep_until(next) => {}
            // Cannot fail: the sender is in `lock`.
            _ = requests.changed() => {}
        }
        let sent = Instant::now();
        let (current, session) = (locked(&shared.current).clone(), locked(&shared.session).clone());
        let call = tokio::spawn({
            let lock = lock.clone();
            async move { lock.prolong(grant, current, session).await }
        });
        match timeout_at(guard.deadline(), call).await {
            Ok(Ok(Ok(Some(Prolonged { stop })))) => {
                guard.extend(lock.safe_until(sent));
                if let Some(request) = stop {
                    shared.stop.get_or_init(|| request);
                    guard.stop(Reason::Requested);
                }
            }
            Ok(Ok(Ok(None))) | Err(_) => return guard.lose(),
            Ok(Ok(Err(error))) => tracing::warn!(%error, "a heartbeat of the migration lock failed; retrying"),
            Ok(Err(_)) => tracing::warn!("a heartbeat of the migration lock panicked; retrying"),
        }
        // Counted from now, so that a process that was paused does not send missed heartbeats in a burst.
        next = Instant::now() + every;
    }
}

impl<S: Store> Lock<S> {
    /// Returns the time until which a lease is certainly ours, if it was acquired or prolonged by a request sent at `sent`.
    fn safe_until(&self, sent: Instant) -> Instant {
        sent + self.lease * MARGIN.0 / MARGIN.1
    }

    /// Sends a heartbeat. Returns `None` if the lease is lost.
    async fn prolong(
        &self,
        grant: Grant,
        current: Option<String>,
        session: Option<Document>,
    ) -> Result<Option<Prolonged>, Error> {
        let prolonged = self.store.prolong(grant, Heartbeat { lease: self.lease, current, session }).await;
        prolonged.map_err(|error| self.failed("keep the migration lock", error))
    }

    async fn free(&self, grant: Grant, abandoned: Abandoned) -> Result<bool, Error> {
        let freed = retry_release(|| self.store.free(grant, abandoned)).await;
        freed.map_err(|error| self.failed("release the migration lock", error))
    }
}

/// Retries a release after a fail-over or a broken connection, so that the next process does not have to wait until the lease
/// expires (I6). A release is idempotent.
pub(super) async fn retry_release<T, F: Future<Output = mongodb::error::Result<T>>>(
    release: impl Fn() -> F,
) -> mongodb::error::Result<T> {
    let mut tries = 0;
    loop {
        let error = match release().await {
            Ok(released) => return Ok(released),
            Err(error) => error,
        };
        tries += 1;
        if tries == RELEASES || !is_transient(&error) {
            return Err(error);
        }
        sleep(backoff(tries)).await;
    }
}

/// Locks a mutex. Poisoning is ignored, since nothing panics while one of these is locked.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
