#![doc = include_str!("cli.md")]

mod arguments;
mod backfill;
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
use self::session::{Session, Target};
use self::signals::{RunningCommand, handle_signals, no_prompt_is_open};
use mongrate::migrator::MigratorBuilder;

/// The version of the library; the application has one of its own.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " of mongrate");

/// A parsed command line: a command and its options. See the [crate documentation](self).
#[derive(Clone, Parser)]
#[command(name = SUBCOMMAND, about = "Migrate this application's database", version = VERSION, max_term_width = 120, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    options: Options,

    #[command(subcommand)]
    command: Box<Command>,
}

/// Hides the arguments, any of which may contain a password.
impl fmt::Debug for Cli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cli").finish_non_exhaustive()
    }
}

impl Cli {
    /// Parses the arguments of this process. Returns `None` unless the first is `migrate`, as in `my-app migrate <command>`.
    /// Invalid arguments after it end the process with exit code 2, and `--help` with 0, as usual with clap.
    #[must_use]
    pub fn from_args() -> Option<Self> {
        let cli = Self::try_from_args(std::env::args_os()).unwrap_or_else(|error| error.exit());
        if cli.is_some() {
            handle_signals();
        }
        cli
    }

    /// Like [`from_args`](Self::from_args), but parses the given arguments, of which the first is the name of the program.
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

    /// Whether [`run_on`](Self::run_on) will use the application's database. `check`, `new`, `lock-file`, `completions` and
    /// `graph --offline` do not, and no command does if `--uri` names another one.
    #[must_use]
    pub fn needs_database(&self) -> bool {
        self.command.needs_database() && self.options.uri.is_none()
    }

    /// Runs the command on the database that `--uri` or `MONGODB_URI` names. `configure` sets the application's options;
    /// `|builder| builder` keeps the defaults. Connects like
    /// [`Migrator::connect`](mongrate::migrator::Migrator::connect).
    ///
    /// Returns the exit code: 0 success, 1 failed or refused, 2 usage error, 3 lock not obtained, 4 server unreachable,
    /// 5 migrations pending, 6 only backfills underway, 130 interrupted.
    ///
    /// On a signal, a command that only reads or waits ends the process within a second. A run of migrations stops in an
    /// orderly way within 5 seconds; after that, the process ends in any case.
    pub async fn run(self, configure: impl FnOnce(MigratorBuilder) -> MigratorBuilder + Send + 'static) -> ExitCode {
        self.at(Target::Named(Box::new(configure))).await
    }

    /// Runs the command on the application's own database, unless `--uri` or `--database` names another.
    ///
    /// Returns the exit code, like [`run`](Self::run).
    pub async fn run_on(self, builder: MigratorBuilder) -> ExitCode {
        self.at(Target::Own(Box::new(builder))).await
    }

    async fn at(self, target: Target) -> ExitCode {
        let running = RunningCommand::new();
        let Self { options, command } = self;
        let output = Output::new(&options);
        log::to_stderr(options.verbose);
        let session = Session::new(output, options, Cli::command, target);
        let result = tokio::select! {
            biased;
            result = run(*command, &session) => result,
            () = interrupted_while_idle(&session, &running) => {
                conclude(output, Err(Failure::interrupted()));
                // The runtime would wait for blocking tasks, such as a DNS lookup.
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

/// How long an interrupted command may take to print its result.
const GRACE_PERIOD: Duration = Duration::from_millis(300);

/// Waits until a signal has come and the command neither runs migrations nor shows a prompt, but has not ended.
async fn interrupted_while_idle(session: &Session, running: &RunningCommand) {
    running.interrupted().await;
    session.stop().await;
    no_prompt_is_open().await;
    sleep(GRACE_PERIOD).await;
    // A run that began meanwhile may have taken the lock.
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
