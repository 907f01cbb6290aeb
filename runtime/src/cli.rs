#![doc = include_str!("cli.md")]

mod check;
mod command;
mod completions;
mod confirm;
mod connect;
mod deploy;
mod discreet;
mod down;
mod exit;
mod failure;
#[cfg(test)]
mod fixtures;
mod graph;
mod history;
mod lock;
mod lock_file;
mod log;
mod mark;
mod new;
mod options;
mod outcome;
mod output;
mod plan;
mod progress;
mod prompt;
mod released;
mod session;
mod shell;
mod show;
mod source_tree;
mod status;
mod table;
mod up;
mod validate;
mod version;
mod words;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{FromArgMatches, Parser};

use self::command::Command;
use self::options::Options;
use self::output::Output;
use self::session::{Place, Session};
use crate::MigratorBuilder;

/// The name of the subcommand in [`Cli::from_args`].
const NAME: &str = "migrate";

/// That of the library: the program's own is the application's to tell.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " of mongrate");

/// A command line that was given: what to do, and how. See the [module](self).
#[derive(Clone, Debug, Parser)]
#[command(name = NAME, about = "Migrates this application's database", version = VERSION, max_term_width = 120, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    options: Options,

    #[command(subcommand)]
    command: Command,
}

impl Cli {
    /// The command, if this program was called as `my-app migrate <command>`; `None` if its first argument is another one, or
    /// if it has none. A mistake in what follows ends the process with the exit code 2, `--help` with 0, as clap does.
    #[must_use]
    pub fn from_args() -> Option<Self> {
        Self::try_from_args(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// The same of other arguments, the first of which is the name of the program.
    ///
    /// ```
    /// use mongrate::cli::Cli;
    ///
    /// assert!(Cli::try_from_args(["shop", "migrate", "status"]).unwrap().is_some());
    /// assert!(Cli::try_from_args(["shop", "serve"]).unwrap().is_none());
    /// assert!(Cli::try_from_args(["shop", "migrate", "sattus"]).is_err());
    /// ```
    pub fn try_from_args(
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Result<Option<Self>, clap::Error> {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        if arguments.get(1).is_none_or(|first| first != NAME) {
            return Ok(None);
        }
        let program = command::within(session::program(arguments.first()));
        let matches = program.try_get_matches_from(arguments).map_err(discreet::discreet_error)?;
        let Some((_, matches)) = matches.subcommand() else { return Ok(None) };
        Self::from_arg_matches(matches).map(Some)
    }

    /// Whether [`run_on`](Self::run_on) will use its database: `check`, `new`, `lock-file`, `completions` and
    /// `graph --offline` do not, nor does anything when `--uri` names another one.
    #[must_use]
    pub fn needs_database(&self) -> bool {
        self.command.needs_database() && self.options.uri.is_none()
    }

    /// Runs the command on the database that `--uri` or else `MONGODB_URI` names. `configure` sets the
    /// application's options; `|builder| builder` leaves the defaults. The connection is one of
    /// [`Migrator::connect`](crate::Migrator::connect).
    ///
    /// Gives the exit code: 0 done or nothing to do, 1 failed or refused, 2 called wrongly, 3 the lock was not obtained,
    /// 4 the server cannot be reached, 5 something is pending, 130 interrupted.
    pub async fn run(self, configure: impl FnOnce(MigratorBuilder) -> MigratorBuilder + Send + 'static) -> ExitCode {
        self.at(Place::Named(Box::new(configure))).await
    }

    /// Runs the command on the application's own database, or on another one if `--uri` or `--database` says so.
    ///
    /// Gives the exit code, as [`run`](Self::run) does.
    pub async fn run_on(self, builder: MigratorBuilder) -> ExitCode {
        self.at(Place::Own(Box::new(builder))).await
    }

    async fn at(self, place: Place) -> ExitCode {
        let Self { options, command } = self;
        let output = Output::new(&options);
        log::to_stderr(options.verbose);
        let session = match Session::new(output, options, place) {
            Ok(session) => session,
            Err(failure) => return output.conclude(Err(failure)).into(),
        };
        let exit = output.conclude(command.run(&session).await);
        session.close().await;
        exit.into()
    }
}

/// How this program was called, up to the command: `my-app migrate`.
fn migrate() -> String {
    session::invocation()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An application may run it on a task.
    #[test]
    fn running_it_is_send() {
        fn is_send<T: Send>(_: T) {}

        let cli = Cli::try_from_args(["shop", "migrate", "shell"]).unwrap().unwrap();
        is_send(cli.run(|builder| builder));
    }
}
