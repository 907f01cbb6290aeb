//! The commands, as a table of contents.

use std::iter;

use clap::{CommandFactory, Parser, Subcommand};

use super::exit::Exit;
use super::failure::Failure;
use super::session::Session;
use super::{
    Cli, NAME, check, completions, deploy, down, graph, history, lock, lock_file, mark, new, plan, shell, show, status,
    up, validate, version,
};

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Tells where every migration stands
    Status(status::Status),
    /// Lists what is pending
    Pending(plan::Pending),
    /// Tells what `up` would run, in order
    Plan(plan::Plan),
    /// Applies what is pending: all of it, or what is named with what that depends on
    Up(up::Up),
    /// Reverts what was applied last, or what is named
    Down(down::Down),
    /// Applies one migration, also a manual one, with what it depends on
    Run(up::Run),
    /// Tells what is wrong: what changed, what is missing, what failed
    Validate(validate::Validate),
    /// Tells what was done, when, by whom and why
    History(history::History),
    /// Tells all about one migration
    Show(show::Show),
    /// Tells the current and the latest migration of each source
    Version(version::Version),
    /// Looks at the migration lock, or takes it away from its holder
    #[command(subcommand)]
    Lock(lock::Lock),
    /// Says that migrations are applied or pending, without running anything
    #[command(subcommand)]
    Mark(mark::Mark),
    /// Says that a migration and everything before it is applied
    Baseline(mark::Baseline),
    /// Accepts an applied migration as it is now, although it has changed or failed to verify
    Accept(mark::Accept),
    /// Removes the record of a migration that is not linked into this program any more
    Prune(mark::Prune),
    /// For a step of the deployment: validates, applies what is pending, validates again
    Deploy(deploy::Deploy),
    /// Checks what is linked in, without a database; for CI
    Check(check::Check),
    /// Draws the graph of dependencies
    Graph(graph::Graph),
    /// Writes a new migration into the source tree
    New(new::New),
    /// Writes migrations.lock: from then on an edited migration that is in it fails the build
    LockFile(lock_file::LockFile),
    /// Opens a menu of what can be done now
    Shell(shell::Shell),
    /// Writes a completion script for a shell
    Completions(completions::Completions),
}

impl Command {
    pub(super) fn needs_database(&self) -> bool {
        match self {
            Self::Check(_) | Self::New(_) | Self::LockFile(_) | Self::Completions(_) => false,
            Self::Graph(graph) => !graph.offline,
            _ => true,
        }
    }

    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        match self {
            Self::Status(it) => it.run(session).await,
            Self::Pending(it) => it.run(session).await,
            Self::Plan(it) => it.run(session).await,
            Self::Up(it) => it.run(session).await,
            Self::Down(it) => it.run(session).await,
            Self::Run(it) => it.run(session).await,
            Self::Validate(it) => it.run(session).await,
            Self::History(it) => it.run(session).await,
            Self::Show(it) => it.run(session).await,
            Self::Version(it) => it.run(session).await,
            Self::Lock(it) => it.run(session).await,
            Self::Mark(it) => it.run(session).await,
            Self::Baseline(it) => it.run(session).await,
            Self::Accept(it) => it.run(session).await,
            Self::Prune(it) => it.run(session).await,
            Self::Deploy(it) => it.run(session).await,
            Self::Graph(it) => it.run(session).await,
            Self::Shell(it) => it.run(session).await,
            Self::Check(it) => it.run(session),
            Self::New(it) => it.run(session),
            Self::LockFile(it) => it.run(session),
            Self::Completions(it) => it.run(session),
        }
    }
}

/// The whole command line of a program of this name, as far as it is Mongrate's.
pub(super) fn within(program: String) -> clap::Command {
    clap::Command::new(program).subcommand_required(true).subcommand(Cli::command().name(NAME))
}

/// The command that these arguments are, for who is past its options already.
pub(super) fn parse(arguments: &[String]) -> Result<Command, clap::Error> {
    let arguments = iter::once(NAME).chain(arguments.iter().map(String::as_str));
    Ok(Cli::try_parse_from(arguments)?.command)
}

/// The names of all commands.
pub(super) fn names() -> Vec<String> {
    Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}
