//! Waiting for the lease, without missing that it is not needed any more.

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

/// The first and the longest pause between two looks at the lease.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LAST_LOOK: Duration = Duration::from_secs(1);

/// How often a waiter tells that it is still waiting.
const TELL_EVERY: Duration = Duration::from_secs(30);

impl Run {
    /// Takes the lease, waiting for another holder up to `lock_wait`. `session` is the one of our transactions.
    /// `newest` is the newest token on record.
    pub(super) async fn acquire(
        &self,
        work: &impl Work,
        lock: &Lock,
        session: &Document,
        newest: i64,
    ) -> Result<Acquired, Error> {
        let mut queue = Waiter::new(lock, session, newest);
        self.stake.take(queue.nonce(), session);
        let acquired = self.wait(work, &mut queue).await;
        if !matches!(acquired, Ok(Acquired::Lease(_))) {
            queue.give_up().await;
            self.stake.clear();
        }
        acquired
    }

    async fn wait<W: Work>(&self, work: &W, queue: &mut Waiter<'_>) -> Result<Acquired, Error> {
        let inner = &self.migrator.0;
        let lock_wait = inner.options.lock_wait;
        let (began, since) = (Instant::now(), now());
        self.progress.doing("take the migration lock");
        let (mut pause, mut told) = (FIRST_LOOK, None);
        loop {
            if let Err(reason) = self.check() {
                return Ok(Acquired::Stopped(reason));
            }
            let Held { holder, take_over } = match self.answered(began, queue.try_acquire(&self.stop)).await? {
                Acquisition::Ours(lease) => return Ok(Acquired::Lease(lease)),
                Acquisition::Lost => return Err(stopped(Reason::LeaseLost, Report::default())),
                Acquisition::Held(held) => held,
                Acquisition::Again => continue,
            };
            if told.is_none_or(|told: Instant| told.elapsed() >= TELL_EVERY) {
                told = Some(Instant::now());
                tracing::info!(%holder, "waiting for another process that is migrating");
                inner.events.emit(|| Event::Waiting { holder: Box::new(holder.clone()), since });
            }
            let waited = began.elapsed();
            // Observing a holder that is probably dead is not waiting for one that migrates, and ends by itself: with the
            // lease, or with a sign of life. Who does not want to wait at all does not observe either.
            let observing = take_over.is_some() && !lock_wait.is_zero();
            if waited >= lock_wait && !observing {
                return Err(Error::LockTimeout { holder: Box::new(holder), waited, take_over });
            }
            let mut next = pause + jitter(pause);
            if !observing {
                next = next.min(lock_wait.saturating_sub(waited));
            }
            // Told to stop: the next look at the stop sign finds it.
            let _ = timeout(next, self.told_to_stop()).await;
            pause = (pause * 3 / 2).min(LAST_LOOK);
            // Before the next look at the lease: the holder may have finished and released it meanwhile, and then
            // nobody needs it any more.
            let records = self.answered(began, self.read(work)).await?;
            queue.newest(records.newest_token());
            let todo = work.todo(self, &records)?;
            if W::is_nothing(&todo) {
                return Ok(Acquired::NotNeeded(work.report(self, &records, &todo)));
            }
        }
    }

    /// Waits for an answer of the server. When the time for waiting is over and none has come, the run is told to stop, which
    /// lets it return without the answer; the call itself must not be dropped. `began` is when waiting began.
    async fn answered<T>(&self, began: Instant, call: impl Future<Output = T>) -> T {
        let limit = self.migrator.0.options.lock_wait;
        let mut call = pin!(call);
        if let Ok(answer) = timeout(limit.saturating_sub(began.elapsed()).saturating_add(GRACE), &mut call).await {
            return answer;
        }
        self.stop.raise(Reason::WaitTimedOut(limit));
        call.await
    }

    /// Whether the run may go on, while it has no lease yet.
    pub(super) fn check(&self) -> Result<(), Reason> {
        self.stop.check()?;
        self.deadline.map_or(Ok(()), Deadline::check)
    }

    /// Waits until the run must not go on.
    pub(super) async fn told_to_stop(&self) -> Reason {
        tokio::select! {
            reason = self.stop.raised() => reason,
            reason = Deadline::passed(self.deadline) => reason,
        }
    }
}
