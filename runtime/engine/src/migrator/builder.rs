//! What a migrator can be told.

use std::time::Duration;

use mongodb::{Client, Database};
use tokio::sync::watch;

use super::compared::Compared;
use super::connection::Connection;
use super::{Inner, Migrator};
use crate::error::Error;
use crate::events::{EventSender, Events};
use crate::lock::Lock;
use crate::options::{Limit, Names, Options, Policy, Transactions};
use crate::plan::Registry;
use crate::stop::Stop;
use crate::store::{Tracker, durable_database};

/// What a [`Migrator`] is told; made by [`Migrator::builder`]. Everything has a default.
///
/// ```no_run
/// # async fn example(db: mongodb::Database) -> Result<(), mongrate::Error> {
/// use std::time::Duration;
/// use mongrate::Migrator;
/// use mongrate::options::{Policy, Transactions};
///
/// let migrator = Migrator::builder(db)
///     .lock_wait(Duration::from_secs(60))
///     .transactions(Transactions::Required)
///     .drift(Policy::Error)
///     .actor("deploy 42")
///     .build()?;
/// migrator.up().await?;
/// # Ok(()) }
/// ```
#[must_use = "a builder does nothing until `build`"]
#[derive(Clone, Debug)]
pub struct MigratorBuilder {
    connection: Connection,
    registry: Option<Registry>,
    options: Options,
    events: EventSender,
}

impl MigratorBuilder {
    /// A builder with the default options.
    pub fn new(connection: Connection) -> Self {
        Self { connection, registry: None, options: Options::default(), events: EventSender::default() }
    }

    /// The migrations to work on. Default: [`Registry::linked`].
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Who migrates, for the record: a deployment, a person. Default: nobody is named.
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.options.actor = Some(actor.into());
        self
    }

    /// The environment, for the record: `production`.
    pub fn environment(mut self, environment: impl Into<String>) -> Self {
        self.options.environment = Some(environment.into());
        self
    }

    /// The version of the code, for the record: a release or a commit.
    pub fn codebase_version(mut self, version: impl Into<String>) -> Self {
        self.options.codebase_version = Some(version.into());
        self
    }

    /// How long to wait for another process that is migrating, before [`Error::LockTimeout`](crate::error::Error::LockTimeout).
    /// Default: 5 minutes; 30 days at most. Zero does not wait at all.
    ///
    /// A holder whose lease has expired is probably dead. Observing it for two heartbeats, before it is taken over from, does
    /// not count: a shorter wait is extended until then, but zero is not.
    pub fn lock_wait(mut self, wait: Duration) -> Self {
        self.options.lock_wait = wait;
        self
    }

    /// How long the lease lasts without a heartbeat, and so how long others wait after a crash. Default: 60 seconds,
    /// with a heartbeat every eighth of it.
    ///
    /// A shorter one is taken over sooner, but is lost sooner, too: with the driver's default options one write can
    /// take 20 seconds while a primary fails over. From 1 second to 1 day.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.options.lease = lease;
        self
    }

    /// How long a run may take in all, waiting for the lease included. Default: no limit. 1 millisecond to 30 days.
    /// [`Up::timeout`] and its like are stronger.
    ///
    /// [`Up::timeout`]: crate::migrator::up::Up::timeout
    pub fn timeout(mut self, limit: impl Into<Limit>) -> Self {
        self.options.timeout = Some(limit.into());
        self
    }

    /// The time limit that is given now, or else the one that was given before, or else this default.
    pub(super) fn limited(mut self, now: Option<Limit>, default: Limit) -> Self {
        self.options.timeout = now.or(self.options.timeout).or(Some(default));
        self
    }

    /// What to do on a server without transactions. Default: [`Transactions::Auto`].
    pub fn transactions(mut self, transactions: Transactions) -> Self {
        self.options.transactions = transactions;
        self
    }

    /// What to do when applied migrations have changed since. Default: [`Policy::Warn`].
    pub fn drift(mut self, policy: Policy) -> Self {
        self.options.drift = policy;
        self
    }

    /// What [`Migrator::health`] makes of a database that is not as `Schema` migrations have left it. Default: [`Policy::Warn`],
    /// which tells it and stays ready; with [`Policy::Error`] the program is not ready. No run is refused either way.
    pub fn differences(mut self, policy: Policy) -> Self {
        self.options.differences = policy;
        self
    }

    /// The names of Mongrate's own collections. Default: `migrations` and `migrations_…`.
    pub fn names(mut self, names: Names) -> Self {
        self.options.names = names;
        self
    }

    /// The client of the lease, for those who bring a database: heartbeats that wait for a connection while a body uses all
    /// of the pool lose the lease. It needs few connections, and the credentials of the database's own client; give it the
    /// same options but for a small `max_pool_size`. [`Migrator::connect`] makes one by itself.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use mongodb::{Client, options::ClientOptions};
    /// use mongrate::Migrator;
    ///
    /// let options = ClientOptions::parse("mongodb://localhost").await?;
    /// let db = Client::with_options(options.clone())?.database("shop");
    /// let mut lease = options;
    /// lease.max_pool_size = Some(2);
    /// let migrator = Migrator::builder(db).lease_client(Client::with_options(lease)?).build()?;
    /// # Ok(()) }
    /// ```
    pub fn lease_client(mut self, client: Client) -> Self {
        self.connection = self.connection.with_lease_client(client);
        self
    }

    /// Uses another connection and keeps the other options.
    pub fn with_connection(self, connection: Connection) -> Self {
        Self { connection, ..self }
    }

    /// The connection that the migrator will use.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The database as it was brought, or as [`Migrator::connect`] has made it; see [`Migrator::database`].
    #[must_use]
    pub fn database(&self) -> &Database {
        self.connection.database()
    }

    /// What will happen during the runs of the migrators that this builds, as [`Migrator::events`]: for a
    /// [`boot`](Self::boot), which builds its migrator itself.
    #[must_use]
    pub fn events(&self) -> Events {
        self.events.join()
    }

    /// The migrator, or [`Error::InvalidOption`] for an option whose value makes no sense, [`Error::ReservedDatabase`] or
    /// [`Error::DatabaseName`] for a database that cannot be meant.
    pub fn build(self) -> Result<Migrator, Error> {
        self.connection.check()?;
        self.options.check(self.connection.database().name())?;
        Ok(self.build_unchecked())
    }

    /// The migrator, which checks its options at its first call.
    pub(super) fn build_unchecked(self) -> Migrator {
        let Self { connection, registry, options, events } = self;
        let database = durable_database(connection.database().client(), connection.database().name());
        Migrator(std::sync::Arc::new(Inner {
            registry: registry.unwrap_or_else(Registry::linked),
            tracker: Tracker::new(&database, &options.names),
            lock: Lock::new(&database, &database, &options),
            events,
            compared: Compared::default(),
            shutdown: Stop::new(),
            running: watch::Sender::new(0),
            database,
            connection,
            options,
        }))
    }
}
