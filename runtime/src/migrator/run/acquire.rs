//! Waiting for the lease, without missing that it is not needed any more.

use std::time::Duration;

use mongodb::bson::Document;
use tokio::time::{Instant, timeout};

use super::{Run, Work, stopped};
use crate::Error;
use crate::events::Event;
use crate::lock::{Lease, Lock, Look, Waiter, jitter};
use crate::report::Report;
use crate::stop::{Deadline, Reason};
use crate::tracker::now;

/// The first and the longest pause between two looks at the lease.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LAST_LOOK: Duration = Duration::from_secs(1);

/// How often a waiter tells that it is still waiting.
const TELL_EVERY: Duration = Duration::from_secs(30);

/// How waiting ended.
pub(super) enum Acquired {
    /// With the lease, and the fence raised to it.
    Lease(Lease),
    /// Somebody else has done everything that was to be done: the report that says so.
    NotNeeded(Report),
    /// Told to stop.
    Stopped(Reason),
}

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
        let (began, since) = (Instant::now(), now());
        let (mut pause, mut told) = (FIRST_LOOK, None);
        loop {
            if let Err(reason) = self.check() {
                return Ok(Acquired::Stopped(reason));
            }
            let holder = match queue.look(&self.stop).await? {
                Look::Ours(lease) => return Ok(Acquired::Lease(lease)),
                Look::Lost => return Err(stopped(Reason::LeaseLost, Report::default())),
                Look::Held(holder) => holder,
                Look::Again => continue,
            };
            if told.is_none_or(|told: Instant| told.elapsed() >= TELL_EVERY) {
                told = Some(Instant::now());
                tracing::info!(%holder, "waiting for another process that is migrating");
                inner.audience.tell(|| Event::Waiting { holder: Box::new(holder.clone()), since });
            }
            let waited = began.elapsed();
            if waited >= inner.options.lock_wait {
                return Err(Error::LockTimeout { holder: Box::new(holder), waited });
            }
            let next = (pause + jitter(pause)).min(inner.options.lock_wait.saturating_sub(waited));
            // Told to stop: the next look at the stop sign finds it.
            let _ = timeout(next, self.told_to_stop()).await;
            pause = (pause * 3 / 2).min(LAST_LOOK);
            // Before the next look at the lease: the holder may have finished and released it meanwhile, and then
            // nobody needs it any more.
            let records = inner.tracker.records().await?;
            queue.newest(records.newest_token());
            let todo = work.todo(self, &records)?;
            if W::is_nothing(&todo) {
                return Ok(Acquired::NotNeeded(work.report(self, &records, &todo)));
            }
        }
    }

    /// Whether the run may go on, while it has no lease yet.
    fn check(&self) -> Result<(), Reason> {
        self.stop.check()?;
        self.deadline.map_or(Ok(()), Deadline::check)
    }

    async fn told_to_stop(&self) -> Reason {
        tokio::select! {
            reason = self.stop.raised() => reason,
            reason = Deadline::passed(self.deadline) => reason,
        }
    }
}
