//! From a handle or a connection string to a migrator.

use mongodb::Database;
use mongodb::options::ClientOptions;

use super::Migrator;
use super::builder::MigratorBuilder;
use super::connection::Connection;
use super::connection::uri::parse;
use crate::error::Error;

impl Migrator {
    /// A migrator for everything that is linked in, with the default options, for a database of which there is a handle
    /// already. [`connect`](Self::connect) is safer: it gives the lease a client of its own.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self::builder(database).build_unchecked()
    }

    /// A migrator with other options; see [`new`](Self::new).
    pub fn builder(database: Database) -> MigratorBuilder {
        MigratorBuilder::new(Connection::brought(database))
    }

    /// Connects to a database by the connection string of its server. Nothing is sent until the first use.
    ///
    /// This is the way to have both clients that a migration needs: while it runs, the lease has a client of its own, so that
    /// a body that uses all connections of the pool does not lose it, and whatever the connection string says about read
    /// preference and concerns, migrations read from the primary and write with majority and journal.
    /// [`database`](Self::database) is the handle that the application may go on using; for it, the connection string counts.
    ///
    /// White space around the connection string is dropped. Whatever database the string names is only where the user is looked
    /// up: `database` is the one that is migrated.
    ///
    /// Fails with [`Error::ConnectionString`], [`Error::HostNotFound`], [`Error::ReservedDatabase`] or [`Error::DatabaseName`]. None
    /// quotes the connection string, which may carry a password.
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

    /// Connects to a database with the driver's options; see [`connect`](Self::connect). Call it within a Tokio runtime.
    ///
    /// While a migration runs, its clients have these options, too, but for read preference, concerns, and a suffix to the
    /// application name.
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
