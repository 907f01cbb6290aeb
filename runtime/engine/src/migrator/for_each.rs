//! The same migrations in many databases.

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

/// How many databases are migrated at a time, unless told otherwise.
const CONCURRENCY: usize = 8;

/// An `up` of many databases that is about to run: set its options, then await it.
///
/// Each database has its own records, its own lease and its own report. One that fails does not stop the others. A
/// database with nothing pending takes one read.
///
/// The result is an error only when nothing was begun: the databases cannot be listed, the filter or the linked-in
/// migrations have a mistake. Everything else is in [`Tenants`].
///
/// Dropping the future, SIGTERM, SIGINT and SIGHUP stop all that is under way as they stop a single [`Up`], and begin no
/// other: those databases are [`Error::Interrupted`]. A future that is dropped does not wait for them, so keep the runtime alive
/// until they have ended.
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

    /// How many databases are migrated at a time. Default: 8.
    pub fn concurrency(mut self, databases: usize) -> Self {
        self.concurrency = databases;
        self
    }

    /// What each database's migrator is told. Call it once; a second call replaces the first.
    pub fn options(mut self, set: impl Fn(MigratorBuilder) -> MigratorBuilder + Send + Sync + 'static) -> Self {
        self.options = Arc::new(set);
        self
    }

    /// What each database's run is told. Call it once; a second call replaces the first.
    pub fn up(mut self, set: impl Fn(Up) -> Up + Send + Sync + 'static) -> Self {
        self.up = Arc::new(set);
        self
    }

    /// The client of all leases, for those who bring a client: see [`MigratorBuilder::lease_client`]. Its pool needs a connection
    /// for each database that is migrated at a time, and one more. [`Migrator::for_each_at`] makes one by itself.
    pub fn lease_client(mut self, client: Client) -> Self {
        // With clients of our own, the leases have theirs in any case.
        if let Server::Brought { lease, .. } = &mut self.server {
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
            // Told to stop: what was left behind may keep its connections, and the caller does not wait for these.
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
            // A server that does not answer must not keep the process from ending.
            _ = stop.raised() => return Err(Error::Interrupted { report: Box::default() }),
        };
        let runs = names.into_iter().map(|name| self.clone().run_one(server.clone(), name, stop.clone()));
        let results = stream::iter(runs).buffer_unordered(self.concurrency).collect().await;
        // Also when it came too late to stop any of them: it would have ended the process.
        Ok(Tenants::new(results, signals.end()))
    }

    async fn run_one(self, server: Reached, name: String, stop: Stop) -> (String, Result<Report, Error>) {
        let result = match stop.check() {
            Ok(()) => self.up_one(&server, &name, stop.clone()).await,
            Err(_) => Err(Error::Interrupted { report: Box::default() }),
        };
        if matches!(result, Err(Error::Interrupted { .. } | Error::Unacknowledged { interrupted: true, .. })) {
            // It may have seen the signal first, and its place must not be taken by another one.
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
            // Of no database in particular: for what all of them have in common.
            let common = self.migrator(&server, "mongrate")?;
            common.graph()?;
            let stop = Stop::new();
            // The runs have stakes of their own.
            let _interrupt = InterruptOnDrop::new(stop.clone(), Arc::default(), common.clone());
            common.whole(move |_| self.run(server, stop)).await
        })
    }
}

impl Migrator {
    /// Applies what is pending in many databases of a server, given by its connection string: one for each tenant, say. All
    /// their runs share one client for the bodies and one for the leases, as [`connect`](Self::connect) makes them for one
    /// database.
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

    /// Applies what is pending in many databases of a server, given by the driver's options; see
    /// [`for_each_at`](Self::for_each_at).
    pub fn for_each_with(options: ClientOptions, filter: DatabaseFilter) -> ForEach {
        ForEach::new(Server::Options(Box::new(options)), filter)
    }

    /// Applies what is pending in many databases of a server to which there is a client already. Its pool needs connections
    /// for all bodies and all heartbeats, unless the leases have a client of their own
    /// ([`lease_client`](ForEach::lease_client)); [`for_each_at`](Self::for_each_at) is safer.
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
        ForEach::new(Server::Brought { client, lease: None }, filter)
    }
}

impl fmt::Debug for ForEach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { filter, concurrency, .. } = self;
        f.debug_struct("ForEach").field("filter", filter).field("concurrency", concurrency).finish_non_exhaustive()
    }
}
