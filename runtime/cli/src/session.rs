//! The state of one call of the program: output, options and connection.

use std::sync::{Mutex, OnceLock, PoisonError};

use mongrate::migrator::{Connection, Environment, Migrator, MigratorBuilder};
use mongrate::options::Limit;
use tokio::sync::OnceCell;

use super::connect;
use super::failure::Failure;
use super::options::{Options, Writing};
use super::output::Output;

/// The database to work on.
pub(super) enum Target {
    /// The database that the options or the environment name. The function configures its migrator.
    Named(Box<dyn FnOnce(MigratorBuilder) -> MigratorBuilder + Send>),
    /// The application's own database, unless the options name another.
    Own(Box<MigratorBuilder>),
}

/// One call of the program.
pub(super) struct Session {
    pub(super) output: Output,
    pub(super) options: Options,
    /// Builds the parser of the whole command line.
    pub(super) parser: fn() -> clap::Command,
    environment: OnceLock<Environment>,
    target: Mutex<Option<Target>>,
    migrator: OnceCell<Migrator>,
    /// The connection that the session opened, and has to close.
    connection: OnceLock<Connection>,
}

impl Session {
    pub(super) fn new(output: Output, options: Options, parser: fn() -> clap::Command, target: Target) -> Self {
        let (environment, migrator, connection) = (OnceLock::new(), OnceCell::new(), OnceLock::new());
        Self { output, options, parser, environment, target: Mutex::new(Some(target)), migrator, connection }
    }

    /// The settings from the environment, read at first use because some commands need none.
    pub(super) fn environment(&self) -> Result<&Environment, Failure> {
        if let Some(settings) = self.environment.get() {
            return Ok(settings);
        }
        let settings = Environment::of_this_process()?;
        Ok(self.environment.get_or_init(|| settings))
    }

    /// The application's migrator, configured by the environment. Created at first use.
    pub(super) async fn migrator(&self) -> Result<&Migrator, Failure> {
        self.migrator_for(&Writing::default()).await
    }

    /// The migrator for a command that takes the lock.
    pub(super) async fn migrator_for(&self, writing: &Writing) -> Result<&Migrator, Failure> {
        self.migrator
            .get_or_try_init(|| async {
                let environment = self.environment()?;
                let target = self.target.lock().unwrap_or_else(PoisonError::into_inner).take();
                let builder = match target {
                    Some(Target::Named(configure)) => {
                        let connection = connect::by_options(&self.options).await?;
                        self.connection.get_or_init(|| connection.clone());
                        configure(MigratorBuilder::new(connection))
                    }
                    Some(Target::Own(builder)) => {
                        let connection = connect::instead_of(builder.connection(), &self.options).await?;
                        if self.options.uri.is_some() {
                            self.connection.get_or_init(|| connection.clone());
                        }
                        builder.with_connection(connection)
                    }
                    // Only after an error that has already ended the command.
                    None => return Err(Failure::usage("no database is configured")),
                };
                let mut builder = environment.configure(builder, Limit::None);
                if let Some(wait) = writing.lock_wait {
                    builder = builder.lock_wait(wait);
                }
                // Waiting processes show the name of the holder.
                if let Some(name) = writing.by() {
                    builder = builder.actor(name);
                }
                Ok(builder.build()?)
            })
            .await
    }

    /// Stops the current runs and waits until they have ended.
    pub(super) async fn stop(&self) {
        if let Some(migrator) = self.migrator.get() {
            migrator.shutdown().await;
        }
    }

    /// Disconnects. The driver's background shutdown sometimes panics if the program ends meanwhile.
    pub(super) async fn close(&self) {
        if let Some(connection) = self.connection.get() {
            connection.clone().shutdown().await;
        }
    }
}
