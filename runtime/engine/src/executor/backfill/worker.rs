//! A worker: claims one range after another, and changes it batch by batch.

mod hold;
mod skip;

use std::time::Duration;

use futures_util::future::join;
use mongodb::bson::{Bson, oid::ObjectId};
use mongodb::error::{Error as DriverError, Result};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::batch::{Attempt, Cause, attempt};
use super::range::{Bound, Claim, Range, RangeFailure, RangeState, RangeStore, Seen};
use super::terms::{LONGEST, Terms};
use super::throttle::Throttle;
use crate::context::Batches;
use crate::display::Count;
use crate::error::{Error, in_one_line, is_transient, source_chain};
use crate::stop::{Stop, backoff};

/// How much larger than the last batch the next one may be: until a batch was rolled back, and afterwards.
const GROWTH: (f64, f64) = (4.0, 1.5);

/// Maximum attempts at a batch of one document.
const ATTEMPTS: u32 = 20;

/// A worker of a backfill.
pub(crate) struct Worker<S: RangeStore> {
    store: S,
    pub(crate) session: S::Session,
    stop: Stop,
    terms: watch::Receiver<Terms>,
    throttle: watch::Receiver<Option<Throttle>>,
    /// Maximum number of documents in a batch.
    at_most: u64,
    /// Maximum number of documents to skip, over all workers.
    skips: u32,
    claim: Claim,
    /// Number of documents in the next batch.
    size: u64,
    /// How much larger than the last batch the next one may be.
    growth: f64,
    /// Number of documents from here on among which one is known to fail.
    suspects: u64,
    /// Documents per second, on average over about 10 s. 0 before the first batch.
    rate: f64,
    /// Whether a batch has shown that the change makes `remaining` false.
    checked: bool,
}

impl<S: RangeStore> Worker<S> {
    pub(crate) fn new(
        store: S,
        session: S::Session,
        stop: Stop,
        terms: watch::Receiver<Terms>,
        batches: Batches,
        host: &str,
    ) -> Self {
        let claim = Claim {
            nonce: ObjectId::new(),
            host: host.to_owned(),
            pid: i64::from(std::process::id()),
            session: store.session_id(&session).clone(),
            throttled: None,
        };
        let Batches { first: size, at_most, skips } = batches;
        let (throttle, growth) = (watch::channel(None).1, GROWTH.0);
        let (suspects, rate, checked) = (0, 0.0, false);
        Self { store, session, stop, terms, throttle, at_most, skips, claim, size, growth, suspects, rate, checked }
    }

    /// Works until there is nothing to claim, a range has failed, or the run must stop.
    pub(crate) async fn work(&mut self) -> Result<()> {
        while self.stop.check().is_ok() {
            let Some(range) = self.claim().await? else { return Ok(()) };
            self.pass(range).await?;
        }
        Ok(())
    }

    /// Claims a range, unless there are enough workers.
    async fn claim(&mut self) -> Result<Option<Range>> {
        let mut tries = 0;
        loop {
            let seen = self.look().await?;
            let Some(seen) = self.choose(&seen) else { return Ok(None) };
            if let Some(former) = seen.claim.as_ref().filter(|claim| claim.nonce != self.claim.nonce) {
                // Its open transaction would make the claim wait.
                self.store.kill(&former.session).await;
            }
            self.claim.throttled.clone_from(&self.throttle.borrow());
            match self.store.claim(seen, &self.claim).await {
                Ok(Some(range)) => return Ok(Some(range)),
                // Another worker was faster.
                Ok(None) => {}
                Err(error) => self.again(error, &mut tries).await?,
            }
        }
    }

    async fn look(&self) -> Result<Vec<Seen>> {
        let mut tries = 0;
        loop {
            match self.store.look().await {
                Ok(seen) => return Ok(seen),
                Err(error) => self.again(error, &mut tries).await?,
            }
        }
    }

    fn choose<'s>(&self, seen: &'s [Seen]) -> Option<&'s Seen> {
        if seen.iter().any(|range| range.state == RangeState::Failed) {
            return None;
        }
        let is_ours = |range: &Seen| range.claim.as_ref().is_some_and(|claim| claim.nonce == self.claim.nonce);
        let is_taken = |range: &Seen| range.claim.is_some() && range.live && !is_ours(range);
        let mut open = seen.iter().filter(|range| range.state == RangeState::Open);
        if open.clone().filter(|range| is_taken(range)).count() >= self.terms.borrow().workers {
            return None;
        }
        open.find(|range| !is_taken(range))
    }

    /// Changes a claimed range, until it is done or must be left.
    async fn pass(&mut self, mut range: Range) -> Result<()> {
        let (mut tries, mut ahead) = (0, None);
        self.suspects = 0;
        while range.state == RangeState::Open {
            if self.stop.check().is_err() {
                return self.store.release(&range).await;
            }
            if self.must_hold() {
                let Some(held) = self.hold(range).await? else { return Ok(()) };
                range = held;
                continue;
            }
            let size = self.size.min(self.terms.borrow().at_most());
            let size = if self.suspects > 0 { self.suspects.div_ceil(2).min(size) } else { size };
            let fits = |bound: &Bound| bound.scanned <= size + size / 4 && (bound.ends || bound.scanned > size / 2);
            let found = match ahead.take().filter(fits) {
                Some(found) => Ok(found),
                None => self.store.bound(&range, size.max(1)).await,
            };
            let bound = match found {
                Ok(bound) => bound,
                Err(error) => {
                    self.again(error, &mut tries).await?;
                    continue;
                }
            };
            let began = Instant::now();
            range.counts.rate = self.rate;
            if let Some(claim) = &mut range.claim {
                claim.throttled.clone_from(&self.throttle.borrow());
            }
            let attempt = attempt(&self.store, &mut self.session, &range, &bound, !self.checked);
            let (attempted, found) = join(attempt, look_ahead(&self.store, &range, &bound, size)).await;
            match attempted {
                Attempt::Committed(after, wrote) => {
                    (tries, ahead) = (0, found);
                    let has_matched = after.counts.matched > range.counts.matched;
                    self.checked |= has_matched;
                    self.suspects = self.suspects.saturating_sub(bound.scanned);
                    self.resize(bound.scanned, wrote);
                    range = *after;
                    let passed = if has_matched { bound.scanned } else { 0 };
                    let _ = timeout(self.rest(passed, began.elapsed()), self.stop.raised()).await;
                    self.measure(bound.scanned, began.elapsed());
                }
                Attempt::NotOurs => match self.reread(&range).await? {
                    // A majority may not have what the transaction has seen.
                    Some(stored) if (&stored.next, stored.token) == (&range.next, range.token) => {
                        sleep(backoff(1)).await;
                    }
                    Some(stored) => range = stored,
                    None => return Ok(()),
                },
                Attempt::Transient(error) => {
                    (self.size, self.growth) = ((bound.scanned / 2).max(1), GROWTH.1);
                    if tries == ATTEMPTS && bound.scanned <= 1 {
                        return self.fail(&range, &error_at(&range.next, Cause::Server(error), 0)).await;
                    }
                    tries = (tries + 1).min(ATTEMPTS);
                    tracing::debug!(tries, "a batch was rolled back; retrying");
                    sleep(backoff(tries)).await;
                    match self.reread(&range).await? {
                        Some(stored) => range = stored,
                        None => return Ok(()),
                    }
                }
                // One of them; the first half or the rest will tell.
                Attempt::Failed(Cause::Server(_)) if bound.scanned > 1 => self.suspects = bound.scanned,
                Attempt::Failed(cause) => {
                    let skipped = if self.skips > 0 { self.skipped().await? } else { 0 };
                    let id = self.first(&range).await?;
                    let error = match cause {
                        Cause::Server(error) if bound.scanned == 1 && skipped < self.skips => error,
                        cause => return self.fail(&range, &error_at(&id, cause, skipped)).await,
                    };
                    self.suspects = self.suspects.saturating_sub(1);
                    self.skip(&range, &bound, id, error).await?;
                    match self.reread(&range).await? {
                        Some(stored) => range = stored,
                        None => return Ok(()),
                    }
                }
            }
        }
        Ok(())
    }

    /// The first `_id` that is not done. The document at `next` may have been deleted.
    async fn first(&self, range: &Range) -> Result<Bson> {
        let mut tries = 0;
        loop {
            match self.store.bound(range, 0).await {
                Ok(first) => return Ok(first.to),
                Err(error) => self.again(error, &mut tries).await?,
            }
        }
    }

    /// Reads a range again. Returns `None` if it is done, or another worker has claimed it.
    async fn reread(&self, range: &Range) -> Result<Option<Range>> {
        let mut tries = 0;
        loop {
            match self.store.read(range.id.n).await {
                Ok(stored) => {
                    let is_ours =
                        |stored: &Range| stored.claim.as_ref().is_some_and(|claim| claim.nonce == self.claim.nonce);
                    return Ok(stored.filter(is_ours));
                }
                Err(error) => self.again(error, &mut tries).await?,
            }
        }
    }

    async fn fail(&self, range: &Range, error: &Error) -> Result<()> {
        let stack = source_chain(error);
        let failure = RangeFailure { message: in_one_line(&stack), stack, host: self.claim.host.clone() };
        let mut tries = 0;
        while let Err(error) = self.store.fail(range, &failure).await {
            self.again(error, &mut tries).await?;
        }
        Ok(())
    }

    /// How long to rest after a batch that passed these documents, or 0 if it changed none of them.
    fn rest(&self, passed: u64, took: Duration) -> Duration {
        let throttled = Throttle::rest(self.throttle.borrow().as_ref(), took);
        (self.terms.borrow().rest(passed, took) + throttled).min(LONGEST)
    }

    /// Adapts the size of the next batch to the duration of the last.
    fn resize(&mut self, scanned: u64, took: Duration) {
        let aim = self.terms.borrow().batch_time;
        let ratio = (aim.as_secs_f64() / took.as_secs_f64().max(0.001)).clamp(0.5, self.growth);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "small"
        )]
        let next = (scanned.max(1) as f64 * ratio).ceil() as u64;
        // A batch that was smaller than this, as at the end of a range, says little.
        let least = if ratio >= 1.0 {
            self.size
        } else if scanned < self.size {
            self.size / 2
        } else {
            1
        };
        let next = next.max(least);
        self.size = next.clamp(1, self.at_most);
    }

    /// Averages the rate, with the rest after the batch.
    #[expect(clippy::cast_precision_loss, reason = "an estimate needs no more")]
    fn measure(&mut self, scanned: u64, took: Duration) {
        let seconds = took.as_secs_f64().max(0.001);
        let (rate, weight) =
            (scanned as f64 / seconds, if self.rate > 0.0 { 1.0 - (-seconds / 10.0).exp() } else { 1.0 });
        self.rate += (rate - self.rate) * weight;
    }

    /// Waits before another attempt, or returns the error if it is permanent or the run must stop.
    async fn again(&self, error: DriverError, tries: &mut u32) -> Result<()> {
        if !is_transient(&error) || *tries == ATTEMPTS || self.stop.check().is_err() {
            return Err(error);
        }
        *tries += 1;
        sleep(backoff(*tries)).await;
        Ok(())
    }
}

/// Finds the end of the batch after this one. It is looked up again if this batch does not commit, or the size changes a lot.
async fn look_ahead<S: RangeStore>(store: &S, range: &Range, bound: &Bound, size: u64) -> Option<Bound> {
    if bound.ends {
        return None;
    }
    store.bound(&Range { next: bound.to.clone(), ..range.clone() }, size).await.ok()
}

/// `skipped` documents were skipped before.
fn error_at(id: &Bson, cause: Cause, skipped: u32) -> Error {
    match cause {
        Cause::Server(error) if skipped > 0 => Error::server(
            format!("change the document with the _id {id} ({} skipped before)", Count(skipped.into())),
            error,
        ),
        Cause::Server(error) => Error::server(format!("change the document with the _id {id}"), error),
        Cause::Remaining => Error::Refused(format!(
            "the change leaves documents that still match `remaining`, such as one from the _id {id} on; it would never end"
        )),
    }
}
