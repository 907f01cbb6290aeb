//! The way of a command to the server and of its reply back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mongodb::error::{Error, Result};
use tokio::time::{Instant, sleep, timeout};

use super::server::Server;
use crate::stop::seeded;

/// How long there are faults.
pub(super) const FAULTY: Duration = Duration::from_secs(90);

/// When the workers must have ended.
pub(super) const LIMIT: Duration = Duration::from_secs(3_600);

pub(super) struct World {
    server: Mutex<Server>,
    began: Instant,
    /// No write reaches a majority until then.
    lags: Mutex<Instant>,
}

/// What the server has done with a command.
pub(super) enum Executed<T> {
    /// It must wait for a transaction.
    Blocked,
    Read(Result<T>),
    /// Written with this serial number.
    Written(T, u64),
}

impl World {
    pub(super) fn new(server: Server) -> Self {
        Self { server: Mutex::new(server), began: Instant::now(), lags: Mutex::new(Instant::now()) }
    }

    pub(super) fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_faulty(&self) -> bool {
        self.began.elapsed() < FAULTY
    }

    /// Returns whether a fault happens that is this rare.
    pub(super) fn hits(&self, one_in: u64) -> bool {
        self.is_faulty() && chance(one_in)
    }

    fn is_lagging(&self) -> bool {
        Instant::now() < *self.lags.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets no write reach a majority for some time.
    pub(super) fn lag(&self, time: Duration) {
        *self.lags.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + time;
    }

    /// Sends a command. A task of its own executes it, so that it arrives even if its sender has died. `lost` is the error of a
    /// sender who gets no reply.
    pub(super) async fn send<T: Send + 'static>(
        self: &Arc<Self>,
        is_cut_off: bool,
        lost: fn() -> Error,
        mut execute: impl FnMut(&mut Server) -> Executed<T> + Send + 'static,
    ) -> Result<T> {
        if self.hits(60) {
            // The sender is paused.
            sleep(up_to(30_000)).await;
        }
        if is_cut_off && chance(2) {
            sleep(up_to(500)).await;
            return Err(lost());
        }
        let arrives = if self.hits(60) { up_to(60_000) } else { up_to(100) };
        let patience = if is_cut_off { up_to(400) } else { LIMIT };
        let world = self.clone();
        let executed = tokio::spawn(async move {
            sleep(arrives).await;
            loop {
                let executed = execute(&mut world.server());
                match executed {
                    Executed::Blocked => sleep(Duration::from_millis(20)).await,
                    Executed::Read(result) => break result,
                    Executed::Written(result, serial) => {
                        sleep(up_to(200)).await;
                        while world.is_lagging() {
                            sleep(Duration::from_millis(50)).await;
                        }
                        if world.server().replicate(serial) {
                            break Ok(result);
                        }
                        world.server().tally.undone += 1;
                        break Err(lost());
                    }
                }
            }
        });
        let result = timeout(patience, executed).await;
        if self.hits(60) {
            sleep(up_to(30_000)).await;
        }
        result.map_or_else(|_| Err(lost()), |executed| executed.expect("a command"))
    }
}

/// Returns true once in so many times.
pub(super) fn chance(one_in: u64) -> bool {
    seeded::random().is_multiple_of(one_in)
}

/// A random time of less than this many milliseconds.
pub(super) fn up_to(millis: u64) -> Duration {
    Duration::from_millis(seeded::random() % millis)
}
