//! Waits for the lease, or until it is no longer needed.

use std::pin::pin;
use std::time::Duration;

use mongodb::bson::Document;
use tokio::time::{Instant, timeout};

use super::{Acquired, Run, Work, stopped};
use crate::error::Error;
use crate::events::Event;
use crate::lock::{Acquisition, Held, Lock, Waiter};
use crate::report::Report;
use crate::stop::{Deadline, GRACE, Reason, jitter};
use crate::store::now;

/// The first pause between two polls of the lease.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause between two polls of the lease.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The interval between two reports of waiting.
const REPORT_INTERVAL: Duration = Duration::from_secs(30);

impl Run {
    /// Takes the lease, waiting for another holder up to `lock_wait`. `session` is the session of this run's transactions, `newest`
    /// the newest recorded token.
    pub(super) async fn acquire(
        &self,
        work: &impl Work,
        lock: &Lock,
        session: &Document,
        newest: i64,
    ) -> Result<Acquired, Error> {
        let mut queue = Waiter::new(lock, session, newest);
        self.resources.acquire(queue.nonce(), session);
        let acquired = self.wait(work, &mut queue).await;
        if !matches!(acquired, Ok(Acquired::Lease(_))) {
            queue.give_up().await;
            self.resources.clear();
        }
        acquired
    }

    async fn wait<W: Work>(&self, work: &W, queue: &mut Waiter<'_>) -> Result<Acquired, Error> {
        let inner = &self.migrator.0;
        let lock_wait = self.lock_wait;
        let (began, since) = (Instant::now(), now());
        self.progress.doing("take the migration lock");
        let (mut pause, mut reported) = (FIRST_PAUSE, None);
        loop {
            if let Err(reason) = self.check() {
                return Ok(Acquired::Stopped(reason));
            }
            let Held { holder, take_over, expires_in } =
                match self.answered(began, queue.try_acquire(&self.stop)).await? {
                    Acquisition::Ours(lease) => return Ok(Acquired::Lease(lease)),
                    Acquisition::Lost => return Err(stopped(Reason::LeaseLost, Report::default())),
                    Acquisition::Held(held) => held,
                    Acquisition::Again => continue,
                };
            if reported.is_none_or(|reported: Instant| reported.elapsed() >= REPORT_INTERVAL) {
                reported = Some(Instant::now());
                tracing::info!(%holder, "waiting for another process that is migrating");
                inner.events.emit(|| Event::Waiting { holder: Box::new(holder.clone()), since });
            }
            let waited = began.elapsed();
            // The time to observe a probably dead holder does not count as waiting. It ends with the lease or a sign of life. A
            // run with a `lock_wait` of zero does not observe at all.
            let observing = take_over.is_some() && !lock_wait.is_zero();
            if waited >= lock_wait && !observing {
                return Err(Error::LockTimeout { holder: Box::new(holder), waited, take_over, expires_in });
            }
            let mut next = pause + jitter(pause);
            if !observing {
                next = next.min(lock_wait.saturating_sub(waited));
            }
            // The loop checks for a stop itself.
            let _ = timeout(next, self.must_stop()).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
            // Before the next poll of the lease: if the holder has finished the work, the lease is no longer needed.
            let records = self.answered(began, self.read(work)).await?;
            queue.newest(records.newest_token());
            let todo = work.todo(self, &records)?;
            if W::is_nothing(&todo) {
                return Ok(Acquired::NotNeeded(work.report(self, &records, &todo)));
            }
        }
    }

    /// Waits for a response of the server. After `lock_wait` without a response, raises the stop sign, so that the run returns
    /// without the response. The call itself must not be dropped. `began` is the start of the wait.
    async fn answered<T>(&self, began: Instant, call: impl Future<Output = T>) -> T {
        let limit = self.lock_wait;
        let mut call = pin!(call);
        if let Ok(response) = timeout(limit.saturating_sub(began.elapsed()).saturating_add(GRACE), &mut call).await {
            return response;
        }
        self.stop.raise(Reason::WaitTimedOut(limit));
        call.await
    }

    /// Fails if the run must stop before it has the lease.
    pub(super) fn check(&self) -> Result<(), Reason> {
        self.stop.check()?;
        self.deadline.map_or(Ok(()), Deadline::check)
    }

    /// Waits until the run must stop.
    pub(in crate::migrator) async fn must_stop(&self) -> Reason {
        tokio::select! {
            reason = self.stop.raised() => reason,
            reason = Deadline::passed(self.deadline) => reason,
        }
    }
}
