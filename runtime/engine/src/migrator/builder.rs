//! The builder of a migrator.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use mongodb::{Client, Database};

use super::connection::Connection;
use super::running::Running;
use super::{Inner, Migrator};
use crate::error::Error;
use crate::events::{EventSender, Events};
use crate::lock::Lock;
use crate::options::{Limit, Names, Options, Policy, Transactions};
use crate::plan::Registry;
use crate::stop::Stop;
use crate::store::{Tracker, durable_database};

/// A builder of a [`Migrator`]; returned by [`Migrator::connect`] and [`Migrator::builder`]. Every option has a default.
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
    pub(super) options: Options,
    events: EventSender,
}

impl MigratorBuilder {
    /// Creates a builder with the default options.
    pub fn new(connection: Connection) -> Self {
        Self { connection, registry: None, options: Options::default(), events: EventSender::default() }
    }

    /// Sets the migrations to run. Default: [`Registry::linked`].
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Sets the deployment, program or person to record. Default: none.
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.options.actor = Some(actor.into());
        self
    }

    /// Sets the environment to record, such as `production`. Default: none.
    pub fn environment(mut self, environment: impl Into<String>) -> Self {
        self.options.environment = Some(environment.into());
        self
    }

    /// Sets the version of the code to record, such as a release or a commit. Default: none.
    pub fn codebase_version(mut self, version: impl Into<String>) -> Self {
        self.options.codebase_version = Some(version.into());
        self
    }

    /// Sets how long to wait for another process that is migrating, before [`Error::LockTimeout`]. Default: 5 minutes. At most
    /// 30 days. Zero does not wait at all.
    ///
    /// A holder whose lease has expired is probably dead. It is observed for two heartbeats before its lease is taken over. A
    /// shorter wait is extended until then, unless it is zero.
    pub fn lock_wait(mut self, wait: Duration) -> Self {
        self.options.lock_wait = wait;
        self
    }

    /// Sets how long the lease lasts without a heartbeat, which is how long other processes wait after a crash. Default: 60
    /// seconds, with a heartbeat every eighth of that. From 1 second to 1 day.
    ///
    /// A shorter lease is taken over sooner, but also lost sooner: with the driver's default options, one write can take 20
    /// seconds while a primary fails over.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.options.lease = lease;
        self
    }

    /// Limits the duration of each run, including the wait for the lease. Default: no limit. From 1 millisecond to 30 days.
    /// [`Up::timeout`] and the like take precedence.
    ///
    /// [`Up::timeout`]: crate::migrator::Up::timeout
    pub fn timeout(mut self, limit: impl Into<Limit>) -> Self {
        self.options.timeout = Some(limit.into());
        self
    }

    /// Sets the time limit, or sets the default if no limit is set.
    pub(super) fn timeout_or(mut self, limit: Option<Limit>, default: Limit) -> Self {
        self.options.timeout = limit.or(self.options.timeout).or(Some(default));
        self
    }

    /// Sets whether to accept a server without transactions. Default: [`Transactions::Auto`].
    pub fn transactions(mut self, transactions: Transactions) -> Self {
        self.options.transactions = transactions;
        self
    }

    /// Sets how to treat applied migrations whose code has changed. Default: [`Policy::Warn`].
    pub fn drift(mut self, policy: Policy) -> Self {
        self.options.drift = policy;
        self
    }

    /// Sets how [`Migrator::health`] treats a database that differs from what `Schema` migrations left. Default:
    /// [`Policy::Warn`], which reports the difference and stays ready. With [`Policy::Error`], the program is not ready. Runs are
    /// not affected.
    pub fn differences(mut self, policy: Policy) -> Self {
        self.options.differences = policy;
        self
    }

    /// Sets the names of Mongrate's own collections. Default: `migrations` and `migrations_…`.
    pub fn names(mut self, names: Names) -> Self {
        self.options.names = names;
        self
    }

    /// Provides a value of the application to migrations, by its type: configuration, or a client of another service. A body
    /// gets it with [`Tx::provided`](crate::Tx::provided), and names it in `needs = [Type]`. A second value of the same type
    /// fails [`build`](Self::build).
    ///
    /// ```no_run
    /// # async fn example(db: mongodb::Database) -> Result<(), mongrate::Error> {
    /// # use mongrate::Migrator;
    /// struct Settings {
    ///     default_role: String,
    /// }
    ///
    /// let settings = Settings { default_role: "member".to_owned() };
    /// Migrator::builder(db).provide(settings).build()?.up().await?;
    /// # Ok(()) }
    /// ```
    pub fn provide<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.options.provided.add(value);
        self
    }

    /// Provides a value to dry runs, which never get the values of [`provide`](Self::provide): a dry run must not send mail.
    /// A migration that needs a type without a value for dry runs is
    /// [not simulated](crate::report::Outcome::NotSimulated).
    pub fn provide_for_dry_run<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.options.provided_for_dry_run.add(value);
        self
    }

    /// Sets the client of the lease, for a migrator that is built from a database handle. Without it, a body that uses all
    /// connections of the pool delays heartbeats, and the lease may be lost.
    ///
    /// The client needs the options and credentials of the database's client, but only a small `max_pool_size`.
    /// [`Migrator::connect`] creates its own client of the lease and ignores this one.
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

    /// Replaces the connection and keeps the other options.
    pub fn with_connection(self, connection: Connection) -> Self {
        Self { connection, ..self }
    }

    /// The connection that the migrator will use.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The database handle for the application; see [`Migrator::database`].
    #[must_use]
    pub fn database(&self) -> &Database {
        self.connection.database()
    }

    /// Subscribes to the events of the migrators that this builds, like [`Migrator::events`]. Useful for [`boot`](Self::boot),
    /// which builds its migrator itself.
    #[must_use]
    pub fn events(&self) -> Events {
        self.events.subscribe()
    }

    /// Builds the migrator.
    ///
    /// Fails with [`Error::InvalidOption`] if an option is out of range, and with [`Error::ReservedDatabase`] or
    /// [`Error::DatabaseName`] if the name of the database is not acceptable.
    pub fn build(self) -> Result<Migrator, Error> {
        self.connection.check()?;
        self.options.check(self.connection.database().name())?;
        Ok(self.build_unchecked())
    }

    /// Builds a migrator that checks its options at its first call.
    pub(super) fn build_unchecked(self) -> Migrator {
        let Self { connection, registry, options, events } = self;
        let database = durable_database(connection.database().client(), connection.database().name());
        Migrator(Arc::new(Inner {
            registry: registry.unwrap_or_else(Registry::linked),
            tracker: Tracker::new(&database, &options.names),
            lock: Lock::new(&database, &database, &options),
            events,
            compared: Arc::default(),
            shutdown: Stop::new(),
            running: Running::default(),
            database,
            connection,
            options,
        }))
    }
}
