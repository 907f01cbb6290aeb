//! Waiting for the lease, without missing that it is not needed any more.

use std::time::Duration;

use mongodb::bson::{Document, oid::ObjectId};
use tokio::time::{Instant, sleep, timeout};

use super::Up;
use crate::Error;
use crate::graph::Graph;
use crate::lock::{Attempt, Fenced, Lease, Lock, Seen, backoff, jitter};
use crate::plan::Plan;
use crate::stop::{Reason, Stop};
use crate::tracker::Records;

/// The first and the longest pause between two looks at the lease.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LAST_LOOK: Duration = Duration::from_secs(1);

/// How often a waiter tells that it is still waiting.
const TELL_EVERY: Duration = Duration::from_secs(30);

/// How many fail-overs and broken connections are put up with while waiting.
const FAILURES: u32 = 5;

/// How waiting ended.
pub(super) enum Acquired {
    /// With the lease, and the fence raised to it.
    Lease(Lease),
    /// Somebody else has applied everything that was pending: the records that say so, and the empty plan.
    NotNeeded(Records, Plan),
    /// Told to stop.
    Stopped,
}

impl Up {
    /// Takes the lease, waiting for another holder up to `lock_wait`. `session` is the one of our transactions.
    /// `newest` is the newest token on record.
    pub(super) async fn acquire(
        &self,
        graph: &Graph,
        session: &Document,
        newest: i64,
        stop: &Stop,
    ) -> Result<Acquired, Error> {
        let (mine, mut failures) = (Lock::nonce(), 0);
        let acquired = self.wait(graph, session, Seen::records(newest), stop, mine, &mut failures).await;
        if failures > 0 && !matches!(acquired, Ok(Acquired::Lease(_))) {
            // The lease may be ours without our knowing, and nobody would keep it alive or release it.
            self.migrator.0.lock.withdraw(mine).await;
        }
        acquired
    }

    async fn wait(
        &self,
        graph: &Graph,
        session: &Document,
        mut seen: Seen,
        stop: &Stop,
        mine: ObjectId,
        failures: &mut u32,
    ) -> Result<Acquired, Error> {
        let inner = &self.migrator.0;
        let began = Instant::now();
        let (mut pause, mut told) = (FIRST_LOOK, None);
        loop {
            let attempt = match inner.lock.attempt(mine, session, &mut seen).await {
                Ok(attempt) => attempt,
                Err(error) => {
                    *failures += 1;
                    if !error.passes() || *failures > FAILURES {
                        return Err(error);
                    }
                    sleep(backoff(*failures)).await;
                    continue;
                }
            };
            let holder = match attempt {
                Attempt::Taken(grant, former) => {
                    let lease = Lease::hold(inner.lock.clone(), grant, stop.clone());
                    return fenced(lease, former.map(|holder| holder.session), &inner.lock).await;
                }
                Attempt::Held(holder) => holder,
                Attempt::Raced => continue,
            };
            if told.is_none_or(|told: Instant| told.elapsed() >= TELL_EVERY) {
                told = Some(Instant::now());
                tracing::info!(%holder, "waiting for another process that is migrating");
            }
            let waited = began.elapsed();
            if waited >= inner.options.lock_wait {
                return Err(Error::LockTimeout { holder: Box::new(holder), waited });
            }
            let next = (pause + jitter(pause)).min(inner.options.lock_wait.saturating_sub(waited));
            if timeout(next, stop.raised()).await.is_ok() {
                return Ok(Acquired::Stopped);
            }
            pause = (pause * 3 / 2).min(LAST_LOOK);
            // Before the next look at the lease: the holder may have finished and released it meanwhile, and then
            // nobody needs it any more.
            let records = inner.tracker.records().await?;
            let plan = self.plan(graph, &records)?;
            if plan.is_empty() {
                return Ok(Acquired::NotNeeded(records, plan));
            }
        }
    }
}

/// Raises the fence to a lease that was just taken; without it, the lease is given back.
async fn fenced(lease: Lease, abandoned: Option<Document>, lock: &Lock) -> Result<Acquired, Error> {
    match lock.raise(lease.token(), abandoned.as_ref()).await {
        Ok(Fenced::Ours) => Ok(Acquired::Lease(lease)),
        Ok(Fenced::Newer) => {
            lease.release().await;
            Err(super::stopped(Reason::LeaseLost, crate::Report::default()))
        }
        Err(error) => {
            lease.release().await;
            Err(error)
        }
    }
}
