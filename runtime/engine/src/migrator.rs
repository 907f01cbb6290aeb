//! The facade: one value that knows a database, a registry and what it was told.

mod amend;
mod boot;
mod builder;
mod compare;
mod compared;
mod connect;
mod connection;
mod detect;
mod down;
mod dry_run;
mod for_each;
mod foreign;
mod former;
mod health;
mod history;
mod lock;
mod require;
mod run;
pub mod status;
mod steps;
mod unlinked;
mod up;
mod validate;

use std::future::Future;
use std::sync::Arc;

use mongodb::Database;
use tokio::sync::watch;
use tokio::task::JoinError;
use tracing::Instrument;

pub use amend::Amend;
pub use boot::{Boot, Booted, Environment};
pub use builder::MigratorBuilder;
pub use connection::Connection;
pub use detect::{Detected, Verdict};
pub use down::Down;
pub use for_each::{DatabaseFilter, ForEach, Tenants, TenantsError};
pub use health::{Health, HealthStatus};
pub use history::{History, HistoryPage};
pub use lock::ForceUnlock;
pub use require::Require;
pub use status::{Standing, Status};
pub use up::Up;
pub use validate::{Finding, Problem, Validation};

pub use crate::store::Statistics;

use self::compared::Compared;
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
    /// The same database with the options of [`durable`](crate::store::durable): for what needs no lease.
    database: Database,
    registry: Registry,
    options: Options,
    tracker: Tracker,
    lock: Lock,
    events: EventSender,
    compared: Compared,
    /// Raised for every run, now and later.
    shutdown: Stop,
    /// How many runs are under way.
    running: watch::Sender<usize>,
}

impl Migrator {
    /// The migrations that it works on.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The environment that it was told: `production`.
    #[must_use]
    pub fn environment(&self) -> Option<&str> {
        self.0.options.environment.as_deref()
    }

    /// The database as it was brought, or as [`connect`](Self::connect) has made it, for the application to go on with: its
    /// read preference and concerns are those of the connection string.
    #[must_use]
    pub fn database(&self) -> &Database {
        self.0.connection.database()
    }

    /// What happens during the runs of this migrator and its clones, from now on.
    #[must_use]
    pub fn events(&self) -> Events {
        self.0.events.join()
    }

    /// Stops the runs of this migrator and its clones that are under way, and waits until they have: the server call under way
    /// ends, the transaction is rolled back, the lease is released, so that the next process starts at once. A run that
    /// begins later stops as well, unless there is nothing to do. Their result is [`Error::Interrupted`].
    ///
    /// A `&Database` body may leave a server call behind. With [`connect`](Self::connect) it is ended before the lease is
    /// released. If it cannot be ended, or the database was brought, the lease is left to expire, and
    /// [`Report::left_running`](crate::report::Report::left_running) names what may still run.
    ///
    /// This returns within about 5 seconds. A run that waits for an answer which the server does not give is left behind by then;
    /// its result is [`Error::Unacknowledged`].
    ///
    /// For services that handle signals themselves. Where nobody does, a run stops on SIGTERM, SIGINT (ctrl-C) and SIGHUP without
    /// being told.
    ///
    /// ```no_run
    /// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
    /// let boot = tokio::spawn({
    ///     let migrator = migrator.clone();
    ///     async move { migrator.up().await }
    /// });
    /// // In the service's own handler of SIGTERM:
    /// migrator.shutdown().await;
    /// # Ok(()) }
    /// ```
    pub async fn shutdown(&self) {
        self.0.shutdown.raise(Reason::Interrupted);
        let mut running = self.0.running.subscribe();
        // An error would say that the sender is gone; it is in `self`.
        let _ = running.wait_for(|count| *count == 0).await;
    }

    fn graph(&self) -> Result<Graph, Error> {
        Graph::new(&self.0.registry)
    }

    /// Runs to its end even when the caller drops the future: the driver's futures must not be dropped under way.
    async fn whole<T: Send + 'static, F>(self, work: impl FnOnce(Self) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.0.connection.check()?;
        self.0.options.check(self.0.database.name())?;
        joined(tokio::spawn(work(self).in_current_span()).await)
    }
}

/// What a task has come to; its panic goes on here.
fn joined<T>(ended: Result<Result<T, Error>, JoinError>) -> Result<T, Error> {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(result) => result,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => Err(Error::Interrupted { report: Box::default() }),
    }
}
