#![doc = include_str!("cli.md")]

mod arguments;
mod check;
mod command;
mod completions;
mod conclusion;
mod confirm;
mod connect;
mod deploy;
mod down;
mod exit;
mod failure;
#[cfg(test)]
mod fixtures;
mod format;
mod graph;
mod history;
mod ink;
mod invocation;
mod json;
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
mod redacted;
mod released;
mod session;
mod shell;
mod show;
mod signals;
mod source_tree;
mod status;
mod style;
mod table;
mod up;
mod validate;
mod version;

use std::ffi::OsString;
use std::fmt;
use std::process::{ExitCode, exit};
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser};
use tokio::time::sleep;

use self::command::Command;
use self::conclusion::conclude;
use self::exit::Exit;
use self::failure::Failure;
use self::invocation::SUBCOMMAND;
pub(crate) use self::invocation::migrate;
use self::invocation::program;
use self::options::Options;
use self::output::Output;
use self::redacted::Secrets;
use self::session::{Place, Session};
use self::signals::{Attended, attend, nobody_is_asked};
use mongrate::migrator::MigratorBuilder;

/// That of the library: the program's own is the application's to tell.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " of mongrate");

/// A command line that was given: what to do, and how. See the [module](self).
#[derive(Clone, Parser)]
#[command(name = SUBCOMMAND, about = "Migrates this application's database", version = VERSION, max_term_width = 120, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    options: Options,

    #[command(subcommand)]
    command: Command,
}

/// Without the arguments, any of which may carry a password.
impl fmt::Debug for Cli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cli").finish_non_exhaustive()
    }
}

impl Cli {
    /// The command, if this program was called as `my-app migrate <command>`; `None` if its first argument is another one, or
    /// if it has none. A mistake in what follows ends the process with the exit code 2, `--help` with 0, as clap does.
    #[must_use]
    pub fn from_args() -> Option<Self> {
        let cli = Self::try_from_args(std::env::args_os()).unwrap_or_else(|error| error.exit());
        if cli.is_some() {
            attend();
        }
        cli
    }

    /// The same of other arguments, the first of which is the name of the program.
    ///
    /// ```
    /// use mongrate_cli::Cli;
    ///
    /// assert!(Cli::try_from_args(["shop", "migrate", "status"]).unwrap().is_some());
    /// assert!(Cli::try_from_args(["shop", "serve"]).unwrap().is_none());
    /// assert!(Cli::try_from_args(["shop", "migrate", "sattus"]).is_err());
    /// ```
    pub fn try_from_args(
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Result<Option<Self>, clap::Error> {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        if arguments.get(1).is_none_or(|first| first != SUBCOMMAND) {
            return Ok(None);
        }
        let parser = within(program(arguments.first()));
        let matches = parser.try_get_matches_from(&arguments).map_err(|error| {
            let arguments = arguments.iter().map(|argument| argument.to_string_lossy().into_owned());
            Secrets::of(arguments).hidden_in(error)
        })?;
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
    /// [`Migrator::connect`](mongrate::migrator::Migrator::connect).
    ///
    /// Gives the exit code: 0 done or nothing to do, 1 failed or refused, 2 called wrongly, 3 the lock was not obtained,
    /// 4 the server cannot be reached, 5 something is pending, 130 interrupted.
    ///
    /// A signal ends a command that only reads or waits within a second, and the process with it. A run of migrations ends in
    /// good order within 5 seconds; whatever it is that keeps the process then, the process ends.
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
        let signals = Attended::new();
        let Self { options, command } = self;
        let output = Output::new(&options);
        log::to_stderr(options.verbose);
        let session = Session::new(output, options, Cli::command, place);
        let result = tokio::select! {
            biased;
            result = run(command, &session) => result,
            () = abandoned(&session, &signals) => {
                conclude(output, Err(Failure::interrupted()));
                // The runtime would wait for what is left behind: a name that is looked up, a server that does not answer.
                exit(Exit::Interrupted.code().into())
            }
        };
        let exit = conclude(output, result);
        session.close().await;
        exit.into()
    }
}

async fn run(command: Command, session: &Session) -> Result<Exit, Failure> {
    arguments::check(&command)?;
    command.run(session).await
}

/// How long a command that nothing keeps any more may take to say how it ended.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// Waits until a signal has come and the command neither runs migrations nor asks anybody, but has not ended: it only reads or
/// waits.
async fn abandoned(session: &Session, signals: &Attended) {
    signals.interrupted().await;
    session.stop().await;
    nobody_is_asked().await;
    sleep(LAST_WORDS).await;
    // A run that has begun meanwhile may have taken the lock.
    session.stop().await;
}

/// The parser of a program of this name that has the subcommand and nothing else.
fn within(program: String) -> clap::Command {
    clap::Command::new(program).subcommand_required(true).subcommand(Cli::command().name(SUBCOMMAND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_debug_output_has_no_argument() {
        let arguments = ["shop", "migrate", "show", "mongodb://ana:secret@a", "--uri", "mongodb://ana:secret@b"];
        let cli = Cli::try_from_args(arguments).unwrap().unwrap();
        assert_eq!(format!("{cli:?}"), "Cli { .. }");
    }

    /// An application may run it on a task.
    #[test]
    fn running_it_is_send() {
        fn is_send<T: Send>(_: T) {}

        let cli = Cli::try_from_args(["shop", "migrate", "shell"]).unwrap().unwrap();
        is_send(cli.run(|builder| builder));
    }
}
