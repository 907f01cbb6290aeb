//! The list of commands.

use std::iter;

use clap::{FromArgMatches, Subcommand};
use futures_util::future::BoxFuture;

use super::exit::Exit;
use super::failure::Failure;
use super::invocation::SUBCOMMAND;
use super::session::Session;
use super::{
    backfill, check, completions, deploy, down, graph, history, lock, lock_file, mark, new, plan, shell, show, status,
    up, validate, version,
};

/// A command.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Show the status of every migration
    Status(status::Status),
    /// List pending migrations
    Pending(plan::Pending),
    /// Show what `up` would run, in order
    Plan(plan::Plan),
    /// Apply pending migrations, or only the named ones and their dependencies
    Up(up::Up),
    /// Revert the last applied migration, or the named ones
    Down(down::Down),
    /// Apply one migration and its dependencies, even if it is manual
    Run(up::Run),
    /// Report changed, missing and failed migrations
    Validate(validate::Validate),
    /// Show what was done, when, by whom and why
    History(history::History),
    /// Show everything about one migration
    Show(show::Show),
    /// Show the current and the latest migration of each source
    Version(version::Version),
    /// Show backfills that are underway; pause, tune, retry, cancel and restart them
    Backfill(backfill::Backfill),
    /// Inspect or release the migration lock
    #[command(subcommand, arg_required_else_help = true)]
    Lock(lock::Lock),
    /// Mark migrations as applied or pending, without running them
    #[command(subcommand, arg_required_else_help = true)]
    Mark(mark::Mark),
    /// Mark a migration and everything before it as applied
    Baseline(mark::Baseline),
    /// Accept the current code of a changed migration, or one that failed to verify
    Accept(mark::Accept),
    /// Remove the record of a migration that is no longer linked into this program
    Prune(mark::Prune),
    /// Validate, apply pending migrations and validate again: one step of a deployment
    Deploy(deploy::Deploy),
    /// Check the linked-in migrations without a database, in CI for example
    Check(check::Check),
    /// Draw the dependency graph
    Graph(graph::Graph),
    /// Add a new migration to the source tree
    New(new::New),
    /// Write migrations.lock: from then on, editing a migration in it fails the build
    LockFile(lock_file::LockFile),
    /// Open a menu of what can be done now
    Shell(shell::Shell),
    /// Generate a shell completion script
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
            Self::Backfill(it) => it.run(session).await,
            Self::Lock(it) => it.run(session).await,
            Self::Mark(it) => it.run(session).await,
            Self::Baseline(it) => it.run(session).await,
            Self::Accept(it) => it.run(session).await,
            Self::Prune(it) => it.run(session).await,
            Self::Deploy(it) => it.run(session).await,
            Self::Graph(it) => it.run(session).await,
            Self::Shell(it) => it.run(session, run_words).await,
            Self::Check(it) => it.run(session),
            Self::New(it) => it.run(session),
            Self::LockFile(it) => it.run(session),
            Self::Completions(it) => it.run(session),
        }
    }
}

/// Runs the command that these words name, with the options of the session.
fn run_words(session: &Session, words: Vec<String>) -> BoxFuture<'_, Result<Exit, Failure>> {
    Box::pin(async move {
        let matches = (session.parser)().try_get_matches_from(iter::once(SUBCOMMAND.to_owned()).chain(words));
        let command = matches.and_then(|matches| Command::from_arg_matches(&matches));
        command.map_err(|error| Failure::usage(error.to_string()))?.run(session).await
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use crate::exit::Exit;
    use crate::invocation::COMMANDS;
    use crate::{Cli, within};

    /// clap finds some mistakes only at run time.
    #[test]
    fn verify_cli() {
        within("my-app".to_owned()).debug_assert();
        Cli::command().debug_assert();
        clap::Command::new("my-app").subcommand(clap::Command::new("tools").subcommand(Cli::command())).debug_assert();
    }

    #[test]
    fn the_list_of_commands_is_that_of_the_parser() {
        assert!(Cli::command().get_subcommands().map(clap::Command::get_name).eq(COMMANDS));
    }

    /// The commands and exit codes that there are, and no others.
    #[test]
    fn the_documentation_is_whole() {
        let (_, text) = include_str!("cli.md").split_once("# Commands\n").unwrap();
        let (commands, text) = text.split_once("# Confirmation").unwrap();
        let rows = commands.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
        let told: Vec<_> = rows.flat_map(|row| row.split(", ")).map(|name| name.trim_matches('`').to_owned()).collect();
        let undocumented: Vec<_> = COMMANDS.into_iter().filter(|name| !told.iter().any(|told| told == name)).collect();
        assert_eq!((undocumented, told.len()), (Vec::new(), COMMANDS.len()));

        let exits = [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::NoLock,
            Exit::Unreachable,
            Exit::Pending,
            Exit::Underway,
            Exit::Interrupted,
        ];
        let (_, rows) = text.split_once("| exit code | |\n|---|---|\n").unwrap();
        let codes: Vec<u8> = rows.lines().map(|row| row.split(['|', ' ']).nth(2).unwrap().parse().unwrap()).collect();
        assert_eq!(codes, exits.map(Exit::code));
    }

    #[test]
    fn every_command_and_every_option_has_a_help_text() {
        let mut silent = Vec::new();
        let mut command = Cli::command();
        command.build();
        visit(&command, &mut silent);
        assert!(silent.is_empty(), "without a help text: {silent:?}");
    }

    fn visit(command: &clap::Command, silent: &mut Vec<String>) {
        let name = command.get_bin_name().unwrap_or(command.get_name());
        if command.get_about().is_none() {
            silent.push(name.to_owned());
        }
        let arguments = command.get_arguments().filter(|argument| argument.get_help().is_none());
        silent.extend(arguments.map(|argument| format!("{name} {}", argument.get_id())));
        for command in command.get_subcommands() {
            visit(command, silent);
        }
    }
}
