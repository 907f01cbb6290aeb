//! Creating a migrator from a database handle or a connection string.

use mongodb::Database;
use mongodb::options::ClientOptions;

use super::Migrator;
use super::builder::MigratorBuilder;
use super::connection::Connection;
use super::connection::uri::parse;
use crate::error::Error;

impl Migrator {
    /// Creates a migrator with default options from a database handle. [`connect`](Self::connect) is safer, because its lease has
    /// a separate client.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self::builder(database).build_unchecked()
    }

    /// Creates a builder from a database handle. [`connect`](Self::connect) is safer, because its lease has a separate client.
    pub fn builder(database: Database) -> MigratorBuilder {
        MigratorBuilder::new(Connection::provided(database))
    }

    /// Connects to a database with a connection string. Nothing is sent until the first use.
    ///
    /// While migrations run, the lease has a separate client, so that a body that uses all connections of the pool does not lose
    /// the lease. Migrations read from the primary and write with majority and journal, regardless of the connection string.
    /// [`database`](Self::database) returns a handle for the application, which follows the connection string.
    ///
    /// `database` is the database to migrate. A database in the connection string is only used for authentication. White space
    /// around the connection string is ignored.
    ///
    /// Fails with [`Error::ConnectionString`], [`Error::HostNotFound`], [`Error::ReservedDatabase`] or [`Error::DatabaseName`]. No
    /// error quotes the connection string, which may contain a password.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), mongrate::Error> {
    /// use mongrate::Migrator;
    ///
    /// let migrator = Migrator::connect("mongodb://localhost", "shop").await?.build()?;
    /// migrator.up().await?;
    /// let db = migrator.database().clone(); // for the application
    /// # Ok(()) }
    /// ```
    pub async fn connect(uri: impl AsRef<str>, database: &str) -> Result<MigratorBuilder, Error> {
        Self::connect_with(parse(uri.as_ref()).await?, database)
    }

    /// Connects to a database with the driver's options; see [`connect`](Self::connect). Must be called within a Tokio runtime.
    ///
    /// The clients of migrations use these options, except for read preference, concerns, and a suffix to the application name.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use mongodb::options::ClientOptions;
    /// use mongrate::Migrator;
    ///
    /// let mut options = ClientOptions::parse("mongodb://localhost").await?;
    /// options.app_name = Some("shop".to_owned());
    /// Migrator::connect_with(options, "shop")?.build()?.up().await?;
    /// # Ok(()) }
    /// ```
    pub fn connect_with(options: ClientOptions, database: &str) -> Result<MigratorBuilder, Error> {
        Ok(MigratorBuilder::new(Connection::new(options, database)?))
    }
}
