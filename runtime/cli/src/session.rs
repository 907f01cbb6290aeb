//! What a command has at hand.

use std::sync::{Mutex, OnceLock, PoisonError};

use tokio::sync::OnceCell;

use super::connect;
use super::failure::Failure;
use super::options::{Options, Writing};
use super::output::Output;
use mongrate::migrator::{Connection, Environment, Migrator, MigratorBuilder};
use mongrate::options::Limit;

/// Where the database is.
pub(super) enum Place {
    /// Where the options or the environment say; this makes the migrator of it.
    Named(Box<dyn FnOnce(MigratorBuilder) -> MigratorBuilder + Send>),
    /// The application's own, unless the options say otherwise.
    Own(Box<MigratorBuilder>),
}

/// One call of the program.
pub(super) struct Session {
    pub(super) output: Output,
    pub(super) options: Options,
    /// Builds the parser of the whole command line.
    pub(super) parser: fn() -> clap::Command,
    environment: OnceLock<Environment>,
    place: Mutex<Option<Place>>,
    migrator: OnceCell<Migrator>,
    /// The connection that this made itself, of which the application knows nothing.
    connection: OnceLock<Connection>,
}

impl Session {
    pub(super) fn new(output: Output, options: Options, parser: fn() -> clap::Command, place: Place) -> Self {
        let (environment, migrator, connection) = (OnceLock::new(), OnceCell::new(), OnceLock::new());
        Self { output, options, parser, environment, place: Mutex::new(Some(place)), migrator, connection }
    }

    /// What the environment says. Read at its first use: some commands need none of it.
    pub(super) fn environment(&self) -> Result<&Environment, Failure> {
        if let Some(settings) = self.environment.get() {
            return Ok(settings);
        }
        let settings = Environment::of_this_process()?;
        Ok(self.environment.get_or_init(|| settings))
    }

    /// The application's migrator, as the environment configures it. Connecting is left to its first use.
    pub(super) async fn migrator(&self) -> Result<&Migrator, Failure> {
        self.migrator_for(&Writing::default()).await
    }

    /// The same for a command that takes the lock.
    pub(super) async fn migrator_for(&self, writing: &Writing) -> Result<&Migrator, Failure> {
        self.migrator
            .get_or_try_init(|| async {
                let environment = self.environment()?;
                let place = self.place.lock().unwrap_or_else(PoisonError::into_inner).take();
                let builder = match place {
                    Some(Place::Named(configure)) => {
                        let connection = connect::by_options(&self.options).await?;
                        self.connection.get_or_init(|| connection.clone());
                        configure(MigratorBuilder::new(connection))
                    }
                    Some(Place::Own(builder)) => {
                        let connection = connect::instead_of(builder.connection(), &self.options).await?;
                        if self.options.uri.is_some() {
                            self.connection.get_or_init(|| connection.clone());
                        }
                        builder.with_connection(connection)
                    }
                    // Only after an error, which has ended the command.
                    None => return Err(Failure::usage("nothing says where the database is")),
                };
                let mut builder = environment.configure(builder, Limit::None);
                if let Some(wait) = writing.lock_wait {
                    builder = builder.lock_wait(wait);
                }
                // Others see in the lock who it is that they wait for.
                if let Some(name) = writing.by() {
                    builder = builder.actor(name);
                }
                Ok(builder.build()?)
            })
            .await
    }

    /// Stops the runs that are under way, and waits until they have ended.
    pub(super) async fn stop(&self) {
        if let Some(migrator) = self.migrator.get() {
            migrator.shutdown().await;
        }
    }

    /// Disconnects. The driver would do it in the background, and panic now and then when the program ends meanwhile.
    pub(super) async fn close(&self) {
        if let Some(connection) = self.connection.get() {
            connection.clone().shutdown().await;
        }
    }
}
