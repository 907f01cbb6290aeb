//! The facade: a database, a registry and options, with a file for each method that runs something.

mod amend;
mod backfills;
mod boot;
mod builder;
mod compare;
mod compared;
mod conditions;
mod connect;
mod connection;
mod detect;
mod down;
mod dry_run;
mod entry;
mod first_use;
mod for_each;
mod foreign;
mod former;
mod health;
mod history;
mod lock;
mod request_stop;
mod require;
mod rerun;
mod run;
mod running;
mod show;
pub mod status;
mod steer;
mod steps;
mod unlinked;
mod up;
mod validate;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use mongodb::Database;
use tokio::task::JoinError;
use tracing::Instrument;

pub use amend::Amend;
pub use backfills::{
    BackfillPart, BackfillStatus, BackfillWorker, PartState, Pause, SkippedDocument, Throttle, Tuning,
};
pub use boot::{Backfills, Boot, Booted, Environment};
pub use builder::MigratorBuilder;
pub use connection::Connection;
pub use detect::{Detected, Verdict};
pub use down::Down;
pub use for_each::{DatabaseFilter, ForEach, Tenants, TenantsError};
pub use health::{Health, HealthStatus};
pub use history::{History, HistoryPage};
pub use lock::ForceUnlock;
pub use request_stop::RequestStop;
pub use require::Require;
pub use rerun::Rerun;
pub use show::Details;
pub use status::{Standing, Status};
pub use steer::Steer;
pub use up::Up;
pub use validate::{Finding, Problem, Validation};

pub use crate::store::Statistics;

use self::compared::Compared;
use self::running::Running;
use crate::error::Error;
use crate::events::{EventSender, Events};
use crate::lock::Lock;
use crate::options::Options;
use crate::plan::{Graph, Registry};
use crate::stop::{Reason, Stop};
use crate::store::Tracker;

/// Migrates one database. Cheap to clone.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use mongrate::Migrator;
///
/// let db = mongodb::Client::with_uri_str("mongodb://localhost").await?.database("shop");
/// let report = Migrator::new(db).up().await?;
/// println!("{report}");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Migrator(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connection: Connection,
    /// The same database with the options of [`durable`](crate::store::durable), for operations without the lease.
    database: Database,
    registry: Registry,
    options: Options,
    tracker: Tracker,
    lock: Lock,
    events: EventSender,
    compared: Arc<Compared>,
    /// Stops current and later runs when raised.
    shutdown: Stop,
    running: Running,
}

impl Migrator {
    /// The migrations to run.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The configured environment, such as `production`.
    #[must_use]
    pub fn environment(&self) -> Option<&str> {
        self.0.options.environment.as_deref()
    }

    /// The configured version of the code base, such as `1.4.2`.
    #[must_use]
    pub fn codebase_version(&self) -> Option<&str> {
        self.0.options.codebase_version.as_deref()
    }

    /// The interval at which a process that holds the migration lock shows that it is alive: an eighth of the
    /// [`lease`](MigratorBuilder::lease).
    #[must_use]
    pub fn heartbeat(&self) -> Duration {
        self.0.lock.heartbeat_every()
    }

    /// The database handle for the application: the given one, or the one opened by [`connect`](Self::connect). Its read
    /// preference and concerns are those of the connection string.
    #[must_use]
    pub fn database(&self) -> &Database {
        self.0.connection.database()
    }

    /// Subscribes to the events of this migrator, its clones and its [children](Self::child), from now on.
    #[must_use]
    pub fn events(&self) -> Events {
        self.0.events.subscribe()
    }

    /// Creates a migrator for the same database, registry and options, with its own [`events`](Self::events) and its own
    /// [`shutdown`](Self::shutdown), which cover its own runs only.
    ///
    /// The events of its runs also go to the listeners of this migrator, and the shutdown of this migrator stops its runs as well.
    ///
    /// ```no_run
    /// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
    /// let one = migrator.child();
    /// let run = tokio::spawn(one.up().into_future());
    /// // Stops this run, and no other run of `migrator`.
    /// one.shutdown().await;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn child(&self) -> Self {
        let inner = &self.0;
        Self(Arc::new(Inner {
            connection: inner.connection.clone(),
            database: inner.database.clone(),
            registry: inner.registry.clone(),
            options: inner.options.clone(),
            tracker: inner.tracker.clone(),
            lock: inner.lock.clone(),
            events: inner.events.child(),
            compared: inner.compared.clone(),
            shutdown: inner.shutdown.child(),
            running: inner.running.child(),
        }))
    }

    /// Stops the current runs of this migrator, its clones and its [children](Self::child), and waits until they have stopped.
    ///
    /// A run finishes its current server call, rolls back its transaction and releases the lease, so that the next process can
    /// start at once. Its result is [`Error::Interrupted`]. Later runs stop as well, unless there is nothing to do.
    ///
    /// A `&Database` body may leave a server call running. With [`connect`](Self::connect), the call is ended before the lease is
    /// released. If it cannot be ended, or if the migrator was built from a database handle, the lease expires instead, and
    /// [`Report::left_running`](crate::report::Report::left_running) describes what may still run.
    ///
    /// Returns within about 5 seconds. A run that is still waiting for the server by then is abandoned; its result is
    /// [`Error::Unacknowledged`].
    ///
    /// Call this in services that handle signals themselves. Otherwise, SIGTERM, SIGINT (Ctrl-C) and SIGHUP stop a run without
    /// it.
    ///
    /// ```no_run
    /// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
    /// let boot = tokio::spawn({
    ///     let migrator = migrator.clone();
    ///     async move { migrator.up().await }
    /// });
    /// // In the service's own SIGTERM handler:
    /// migrator.shutdown().await;
    /// # Ok(()) }
    /// ```
    pub async fn shutdown(&self) {
        self.0.shutdown.raise(Reason::Interrupted);
        self.0.running.ended().await;
    }

    fn graph(&self) -> Result<Graph, Error> {
        Graph::new(&self.0.registry)
    }

    /// Runs to completion even if the caller drops the future, because the driver's futures must not be dropped midway.
    async fn complete<T: Send + 'static, F>(self, work: impl FnOnce(Self) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.0.connection.check()?;
        self.0.options.check(self.0.database.name())?;
        joined(tokio::spawn(work(self).in_current_span()).await)
    }
}

/// Returns the result of a task, and resumes its panic.
fn joined<T>(ended: Result<Result<T, Error>, JoinError>) -> Result<T, Error> {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(result) => result,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => Err(Error::Interrupted { report: Box::default() }),
    }
}
