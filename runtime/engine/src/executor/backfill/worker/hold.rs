//! A worker that is stopped for the sake of the servers.

use mongodb::error::Result;
use tokio::sync::watch;
use tokio::time::sleep;

use super::Worker;
use crate::executor::backfill::range::{Range, RangeStore};
use crate::executor::backfill::throttle::Throttle;
use crate::stop::backoff;

impl<S: RangeStore> Worker<S> {
    /// Slows or stops this worker as the receiver says.
    pub(crate) fn throttled_by(mut self, throttle: watch::Receiver<Option<Throttle>>) -> Self {
        self.throttle = throttle;
        self
    }

    /// Returns whether no batch may start.
    pub(super) fn must_hold(&self) -> bool {
        self.throttle.borrow().as_ref().is_some_and(|throttle| throttle.stopped)
    }

    /// Keeps a range without working on it, until work may go on or the run must stop. Only the worker itself renews its claim, so
    /// that this never conflicts with a batch. Returns `None` if the claim is lost.
    pub(super) async fn hold(&mut self, mut range: Range) -> Result<Option<Range>> {
        let (mut tries, every) = (0, self.store.claim_time() / 3);
        while self.stop.check().is_ok() {
            let throttle = self.throttle.borrow_and_update().clone();
            let Some(throttle) = throttle.filter(|throttle| throttle.stopped) else { break };
            if self.rate > 0.0 {
                // Otherwise, that of the worker before this one.
                range.counts.rate = self.rate;
            }
            match self.store.renew(&range, &throttle).await {
                Ok(true) => {
                    tries = 0;
                    tokio::select! {
                        _ = self.stop.raised() => {}
                        changed = self.throttle.changed() => if changed.is_err() {
                            // Nobody asks the servers any more.
                            self.throttle = watch::channel(None).1;
                        },
                        () = sleep(every) => {}
                    }
                }
                Ok(false) => match self.reread(&range).await? {
                    // A majority may not have what the renewal has seen.
                    Some(stored) if stored.token == range.token => sleep(backoff(1)).await,
                    Some(stored) => range = stored,
                    None => return Ok(None),
                },
                Err(error) => self.again(error, &mut tries).await?,
            }
        }
        Ok(Some(range))
    }
}
