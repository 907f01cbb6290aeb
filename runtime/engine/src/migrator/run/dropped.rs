//! Cleanup after a caller drops the future of a run. The run cleans up by itself, but the process may end before that.

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
use crate::executor::{Bodies, Held, Resources, end_operations};
use crate::lock::{Lock, Store};
use crate::options::Options;
use crate::stop::{Reason, Stop};
use crate::store::durable_database;

/// How long the dropping thread waits for the run's resources to be released.
const LIMIT: Duration = Duration::from_secs(2);

/// The part of [`LIMIT`] for the run itself, if a cleanup from outside is possible afterwards.
const RUN_LIMIT: Duration = Duration::from_millis(1200);

/// Stops a run when the caller drops its future, and waits until the run has released its resources.
pub(in super::super) struct InterruptOnDrop {
    stop: Stop,
    resources: Arc<Resources>,
    migrator: Migrator,
    /// Whether the run has not returned yet.
    running: bool,
    /// Whether the run makes progress while the caller's thread is blocked.
    is_concurrent: bool,
}

impl InterruptOnDrop {
    pub(in super::super) fn new(stop: Stop, resources: Arc<Resources>, migrator: Migrator) -> Self {
        let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
        let is_concurrent = matches!(flavor, Ok(RuntimeFlavor::MultiThread));
        Self { stop, resources, migrator, running: true, is_concurrent }
    }

    /// Disarms the guard after the run has returned.
    pub(in super::super) fn end(mut self) {
        self.running = false;
    }
}

impl Drop for InterruptOnDrop {
    fn drop(&mut self) {
        if !self.running {
            return;
        }
        self.stop.raise(Reason::Dropped);
        if self.resources.held().is_none() {
            return;
        }
        let options = self.migrator.0.connection.options();
        if self.is_concurrent {
            let limit = if options.is_some() { RUN_LIMIT } else { LIMIT };
            // Panics where blocking is not allowed, as in a `LocalSet`. Then the run cleans up by itself, given the time.
            let _ = catch_unwind(AssertUnwindSafe(|| block_in_place(|| self.resources.wait(limit))));
        }
        if let (Some(options), Some(held)) = (options, self.resources.held()) {
            let inner = &self.migrator.0;
            let cleanup = Cleanup {
                client: options.clone(),
                database: inner.database.name().to_owned(),
                options: inner.options.clone(),
                bodies: self.resources.bodies(),
                held,
            };
            cleanup.run_on_thread(LIMIT.saturating_sub(RUN_LIMIT));
        }
    }
}

/// Releases the resources of a run that has not ended in time.
struct Cleanup {
    client: ClientOptions,
    database: String,
    options: Options,
    bodies: Option<Bodies>,
    held: Held,
}

impl Cleanup {
    /// Runs on a thread with its own runtime and client, because those of the run may have ended, or may be blocked by the
    /// thread that waits here.
    fn run_on_thread(self, limit: Duration) {
        let (sender, finished) = mpsc::channel();
        let thread = thread::Builder::new().name("mongrate-cleanup".to_owned()).spawn(move || {
            if let Ok(runtime) = Builder::new_current_thread().enable_all().build() {
                let result = runtime.block_on(async { timeout(limit, self.run()).await });
                if !matches!(result, Ok(Ok(()))) {
                    tracing::warn!("the migration lease could not be released in time; it expires by itself");
                }
            }
            // Fails if the receiver has stopped waiting.
            let _ = sender.send(());
        });
        if thread.is_ok() {
            // Fails at the time limit.
            let _ = finished.recv_timeout(limit);
        }
    }

    /// Ends the transaction and the operations of bodies, then releases the lease.
    async fn run(self) -> Result<(), String> {
        if let Some(raw) = &self.held.raw {
            // Otherwise, it may be polled once more and send another operation.
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
