//! Migrating many databases.

mod filter;
mod server;
mod tenants;

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use mongodb::options::ClientOptions;
use mongodb::{BoxFuture, Client};
use tracing::Instrument;

pub use self::filter::DatabaseFilter;
use self::server::{Reached, Server};
pub use self::tenants::{Tenants, TenantsError};
use super::run::InterruptOnDrop;
use super::{Migrator, MigratorBuilder, Up, joined};
use crate::error::Error;
use crate::options::invalid;
use crate::report::Report;
use crate::stop::{Reason, Stop, signals};

/// The default number of databases to migrate at a time.
const CONCURRENCY: usize = 8;

/// A future that applies pending migrations in many databases; returned by [`Migrator::for_each_at`]. Set its options, then
/// await it.
///
/// Each database has its own records, lease and report. A failure in one database does not stop the others. A database without
/// pending migrations is read once.
///
/// The result is an error only if no run began, because the databases cannot be listed, or because the filter or the linked-in
/// migrations are invalid. All other errors are in [`Tenants`].
///
/// Dropping the future, SIGTERM, SIGINT and SIGHUP stop the current runs as they stop a single [`Up`]. The remaining databases
/// are [`Error::Interrupted`]. Dropping the future does not wait for the runs, so keep the runtime alive until they have ended.
///
/// ```no_run
/// # async fn example(client: mongodb::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use mongrate::Migrator;
/// use mongrate::migrator::DatabaseFilter;
///
/// let tenants = Migrator::for_each(client, DatabaseFilter::prefix("tenant_"))
///     .concurrency(4)
///     .options(|builder| builder.actor("deploy 42"))
///     .up(|up| up.continue_on_error(true))
///     .await?;
/// println!("{tenants}");
/// tenants.into_result()?;
/// # Ok(()) }
/// ```
#[must_use = "nothing runs until this is awaited"]
#[derive(Clone)]
pub struct ForEach {
    server: Server,
    filter: DatabaseFilter,
    concurrency: usize,
    options: Arc<dyn Fn(MigratorBuilder) -> MigratorBuilder + Send + Sync>,
    up: Arc<dyn Fn(Up) -> Up + Send + Sync>,
}

impl ForEach {
    fn new(server: Server, filter: DatabaseFilter) -> Self {
        let (options, up) = (Arc::new(|builder| builder), Arc::new(|up| up));
        Self { server, filter, concurrency: CONCURRENCY, options, up }
    }

    /// Sets the number of databases to migrate at a time. Default: 8.
    pub fn concurrency(mut self, databases: usize) -> Self {
        self.concurrency = databases;
        self
    }

    /// Configures the migrator of each database. Several calls add up.
    pub fn options(mut self, set: impl Fn(MigratorBuilder) -> MigratorBuilder + Send + Sync + 'static) -> Self {
        let before = self.options;
        self.options = Arc::new(move |builder| set(before(builder)));
        self
    }

    /// Configures the run of each database. Several calls add up.
    pub fn up(mut self, set: impl Fn(Up) -> Up + Send + Sync + 'static) -> Self {
        let before = self.up;
        self.up = Arc::new(move |up| set(before(up)));
        self
    }

    /// Sets the client of all leases, if the caller provided the other client; see [`MigratorBuilder::lease_client`]. Its pool
    /// needs a connection for each database that is migrated at a time, and one more. [`Migrator::for_each_at`] creates its own
    /// client of the leases and ignores this one.
    pub fn lease_client(mut self, client: Client) -> Self {
        // Mongrate's own clients include one for the leases.
        if let Server::Provided { lease, .. } = &mut self.server {
            *lease = Some(client);
        }
        self
    }

    fn migrator(&self, server: &Reached, database: &str) -> Result<Migrator, Error> {
        (self.options)(MigratorBuilder::new(server.connection(database))).build()
    }

    async fn run(self, server: Reached, stop: Stop) -> Result<Tenants, Error> {
        let result = self.each(&server, stop.clone()).await;
        if stop.check().is_ok() {
            server.close().await;
        } else {
            // When the runs are stopped, abandoned calls may keep their connections, and the caller does not wait for them.
            tokio::spawn(server.close());
        }
        result
    }

    async fn each(self, server: &Reached, stop: Stop) -> Result<Tenants, Error> {
        let signals = signals::Watch::new(stop.clone());
        let listing = tokio::spawn({
            let (filter, client) = (self.filter.clone(), server.client.clone());
            async move { filter.select(&client).await }
        });
        let names = tokio::select! {
            names = listing => joined(names)?,
            // A server that does not respond must not keep the process from ending.
            _ = stop.raised() => return Err(Error::Interrupted { report: Box::default() }),
        };
        let runs = names.into_iter().map(|name| self.clone().run_one(server.clone(), name, stop.clone()));
        let results = stream::iter(runs).buffer_unordered(self.concurrency).collect().await;
        // Reports a signal even if it came too late to stop a run, because it would have ended the process.
        Ok(Tenants::new(results, signals.end()))
    }

    async fn run_one(self, server: Reached, name: String, stop: Stop) -> (String, Result<Report, Error>) {
        let result = match stop.check() {
            Ok(()) => self.up_one(&server, &name, stop.clone()).await,
            Err(_) => Err(Error::Interrupted { report: Box::default() }),
        };
        if matches!(result, Err(Error::Interrupted { .. } | Error::Unacknowledged { interrupted: true, .. })) {
            // The run may have seen the signal first. No other run may start in its place.
            stop.raise(Reason::Interrupted);
        }
        if let Err(error) = &result {
            tracing::error!(database = name, "{}", error.redacted());
        }
        (name, result)
    }

    async fn up_one(self, server: &Reached, name: &str, stop: Stop) -> Result<Report, Error> {
        let migrator = self.migrator(server, name)?;
        let run = (self.up)(migrator.up()).into_future();
        let run = run.instrument(tracing::info_span!("database", name));
        tokio::pin!(run);
        tokio::select! {
            result = &mut run => return result,
            reason = stop.raised() => migrator.0.shutdown.raise(reason),
        }
        run.await
    }
}

impl IntoFuture for ForEach {
    type Output = Result<Tenants, Error>;
    type IntoFuture = BoxFuture<'static, Result<Tenants, Error>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            if self.concurrency == 0 {
                return Err(invalid(
                    "concurrency",
                    "0".to_owned(),
                    "the number of databases to migrate at a time, 1 or more",
                ));
            }
            let server = self.server.reach(self.concurrency).await?;
            // A migrator of no particular database, for the common checks.
            let common = self.migrator(&server, "mongrate")?;
            common.graph()?;
            let stop = Stop::new();
            // Each run has its own resources.
            let _interrupt = InterruptOnDrop::new(stop.clone(), Arc::default(), common.clone());
            common.complete(move |_| self.run(server, stop)).await
        })
    }
}

impl Migrator {
    /// Applies pending migrations in many databases of a server, for example one for each tenant. All runs share a client for
    /// bodies and a client for leases, as [`connect`](Self::connect) creates them for one database.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use mongrate::Migrator;
    /// use mongrate::migrator::DatabaseFilter;
    ///
    /// Migrator::for_each_at("mongodb://localhost", DatabaseFilter::prefix("tenant_")).await?.into_result()?;
    /// # Ok(()) }
    /// ```
    pub fn for_each_at(uri: impl Into<String>, filter: DatabaseFilter) -> ForEach {
        ForEach::new(Server::Uri(uri.into()), filter)
    }

    /// Like [`for_each_at`](Self::for_each_at), with the driver's options instead of a connection string.
    pub fn for_each_with(options: ClientOptions, filter: DatabaseFilter) -> ForEach {
        ForEach::new(Server::Options(Box::new(options)), filter)
    }

    /// Like [`for_each_at`](Self::for_each_at), with an existing client. Its pool needs connections for all bodies and all
    /// heartbeats, unless the leases have a separate client ([`lease_client`](ForEach::lease_client)).
    /// [`for_each_at`](Self::for_each_at) is safer.
    ///
    /// ```no_run
    /// # async fn example(client: mongodb::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use mongrate::Migrator;
    /// use mongrate::migrator::DatabaseFilter;
    ///
    /// Migrator::for_each(client, DatabaseFilter::prefix("tenant_")).await?.into_result()?;
    /// # Ok(()) }
    /// ```
    pub fn for_each(client: Client, filter: DatabaseFilter) -> ForEach {
        ForEach::new(Server::Provided { client, lease: None }, filter)
    }
}

impl fmt::Debug for ForEach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { filter, concurrency, .. } = self;
        f.debug_struct("ForEach").field("filter", filter).field("concurrency", concurrency).finish_non_exhaustive()
    }
}
