//! The future of a run that its caller drops: the run ends in good order by itself, but the process may end before.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use mongodb::options::ClientOptions;
use tokio::runtime::{Builder, Handle, RuntimeFlavor};
use tokio::task::block_in_place;
use tokio::time::timeout;

use super::super::Migrator;
use super::super::connection::client;
use crate::executor::{Bodies, Held, Stake, end_operations};
use crate::lock::{Lock, Store};
use crate::options::Options;
use crate::stop::{Reason, Stop};
use crate::store::durable_database;

/// How long the thread that drops a future waits for what the run holds to be given back.
const LIMIT: Duration = Duration::from_secs(2);

/// How much of that the run has for itself, if somebody else can do it in the rest.
const BY_ITSELF: Duration = Duration::from_millis(1200);

/// Tells a run to stop when the caller drops its future, and waits until it has given back what it holds.
pub(in super::super) struct InterruptOnDrop {
    stop: Stop,
    stake: Arc<Stake>,
    migrator: Migrator,
    /// Whether the run's result has not come yet.
    awaited: bool,
    /// Whether the run goes on while the caller's thread is blocked.
    goes_on: bool,
}

impl InterruptOnDrop {
    pub(in super::super) fn new(stop: Stop, stake: Arc<Stake>, migrator: Migrator) -> Self {
        let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
        Self { stop, stake, migrator, awaited: true, goes_on: matches!(flavor, Ok(RuntimeFlavor::MultiThread)) }
    }
}

impl InterruptOnDrop {
    /// The run has given its result.
    pub(in super::super) fn end(mut self) {
        self.awaited = false;
    }
}

impl Drop for InterruptOnDrop {
    fn drop(&mut self) {
        if !self.awaited {
            return;
        }
        self.stop.raise(Reason::Dropped);
        if self.stake.held().is_none() {
            return;
        }
        let options = self.migrator.0.connection.options();
        if self.goes_on {
            let limit = if options.is_some() { BY_ITSELF } else { LIMIT };
            // It panics where blocking is not allowed, as in a `LocalSet`; then the run ends by itself, if it has the time.
            let _ = catch_unwind(AssertUnwindSafe(|| block_in_place(|| self.stake.wait(limit))));
        }
        if let (Some(options), Some(held)) = (options, self.stake.held()) {
            let inner = &self.migrator.0;
            let estate = Estate {
                client: options.clone(),
                database: inner.database.name().to_owned(),
                options: inner.options.clone(),
                bodies: self.stake.bodies(),
                held,
            };
            estate.give_back(LIMIT.saturating_sub(BY_ITSELF));
        }
    }
}

/// What a run leaves behind that has not ended in time.
struct Estate {
    client: ClientOptions,
    database: String,
    options: Options,
    bodies: Option<Bodies>,
    held: Held,
}

impl Estate {
    /// Gives it back from a thread with a runtime and a client of its own: those of the run may be blocked by the very
    /// thread that waits here, or may have ended.
    fn give_back(self, limit: Duration) {
        let (sender, given_back) = mpsc::channel();
        let thread = thread::Builder::new().name("mongrate-give-back".to_owned()).spawn(move || {
            if let Ok(runtime) = Builder::new_current_thread().enable_all().build() {
                let result = runtime.block_on(async { timeout(limit, self.settle()).await });
                if !matches!(result, Ok(Ok(()))) {
                    tracing::warn!("the migration lease could not be released in time; it expires by itself");
                }
            }
            // Nobody waits any more.
            let _ = sender.send(());
        });
        if thread.is_ok() {
            // An error says that the time is over.
            let _ = given_back.recv_timeout(limit);
        }
    }

    /// Ends the transaction and whatever the bodies have sent, and then releases the lease.
    async fn settle(self) -> Result<(), String> {
        if let Some(raw) = &self.held.raw {
            // It may be polled once more if the program goes on, and would send something else.
            raw.abort();
        }
        let client = client(self.client).map_err(|error| error.to_string())?;
        let database = durable_database(&client, &self.database);
        let lock = Lock::new(&database, &database, &self.options);
        lock.kill(slice::from_ref(&self.held.session)).await;
        if let (Some(_), Some(bodies)) = (&self.held.raw, &self.bodies) {
            end_operations(&client, bodies).await?;
        }
        lock.store().withdraw(self.held.nonce).await.map_err(|error| error.to_string())
    }
}
