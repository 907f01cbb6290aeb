//! What a command has at hand.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mongodb::Database;
use tokio::sync::OnceCell;

use super::connect;
use super::failure::Failure;
use super::options::Options;
use super::output::Output;
use crate::migrator::EnvironmentSettings;
use crate::{Migrator, MigratorBuilder};

/// Where the database is.
pub(super) enum Place {
    /// Where the options or the environment say; this makes the migrator of it.
    Named(Box<dyn FnOnce(Database) -> MigratorBuilder + Send>),
    /// The application's own, unless the options say otherwise.
    Own(MigratorBuilder),
}

/// One call of the program.
pub(super) struct Session {
    pub(super) output: Output,
    pub(super) options: Options,
    pub(super) environment: EnvironmentSettings,
    place: Mutex<Option<Place>>,
    migrator: OnceCell<Migrator>,
}

impl Session {
    pub(super) fn new(output: Output, options: Options, place: Place) -> Result<Self, Failure> {
        let environment = EnvironmentSettings::of_this_process()?;
        Ok(Self { output, options, environment, place: Mutex::new(Some(place)), migrator: OnceCell::new() })
    }

    /// The application's migrator, as the environment configures it. Connecting is left to its first use.
    pub(super) async fn migrator(&self) -> Result<&Migrator, Failure> {
        self.migrator_waiting(None).await
    }

    /// The same, with another time to wait for the lock.
    pub(super) async fn migrator_waiting(&self, lock_wait: Option<Duration>) -> Result<&Migrator, Failure> {
        self.migrator
            .get_or_try_init(|| async {
                let place = self.place.lock().unwrap_or_else(PoisonError::into_inner).take();
                let builder = match place {
                    Some(Place::Named(configure)) => configure(connect::by_options(&self.options).await?),
                    Some(Place::Own(builder)) => {
                        let database = connect::instead_of(builder.database(), &self.options).await?;
                        builder.on(database)
                    }
                    // Only after an error, which has ended the command.
                    None => return Err(Failure::usage("nothing says where the database is")),
                };
                let mut builder = self.environment.configure(builder, Duration::ZERO);
                if let Some(wait) = lock_wait {
                    builder = builder.lock_wait(wait);
                }
                Ok(builder.build())
            })
            .await
    }
}

/// The name of a program, without its folder.
pub(super) fn program(argument: Option<&OsString>) -> String {
    let name = argument.and_then(|path| Path::new(path).file_stem());
    name.map_or_else(|| "my-app".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// How this program was called, up to and without the first argument that is an option or the name of a command of ours: to be
/// shown in examples.
pub(super) fn invocation() -> String {
    let (program, words) = called();
    [vec![program], words].concat().join(" ")
}

/// The same in parts: the name of the program, and the words after it.
pub(super) fn called() -> (String, Vec<String>) {
    let mut arguments = env::args_os();
    let program = program(arguments.next().as_ref());
    let ours = super::command::names();
    let words = arguments.map(|argument| argument.to_string_lossy().into_owned());
    (program, words.take_while(|word| !word.starts_with('-') && !ours.contains(word)).collect())
}
