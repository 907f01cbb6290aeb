//! Options that several commands share.

use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use mongrate::options::Limit;

use super::format::Format;

/// The options of all commands.
#[expect(clippy::doc_markdown, reason = "help texts are no Markdown")]
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Options {
    /// Connection string of the server [default: MONGODB_URI, or the application's]
    #[arg(long, global = true, value_name = "URI")]
    pub(super) uri: Option<String>,

    /// Name of the database [default: the one in the connection string, or the application's]
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) database: Option<String>,

    /// Output format
    #[arg(long, global = true, default_value = "table", value_parser = Format::among(&["table", "json"]))]
    pub(super) format: Format,

    /// Answer every question with yes
    #[arg(long, short, global = true)]
    pub(super) yes: bool,

    /// Print only the result and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,

    /// Print more details, and log to stderr; -vv and -vvv log more
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,

    /// When to use colors; auto depends on the terminal and NO_COLOR
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,
}

/// When to use colors.
#[expect(clippy::doc_markdown, reason = "help texts are no Markdown")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The person who runs the command.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Who {
    /// Name for the record and the history [default: the logged-in user]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// Options of commands that take the lock.
#[expect(clippy::doc_markdown, reason = "help texts are no Markdown")]
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Writing {
    #[command(flatten)]
    who: Who,

    /// How long to wait for another process that is migrating, like 30s or 10m [default: MONGRATE_LOCK_WAIT_MS, the
    /// application's, or 5 minutes]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) lock_wait: Option<Duration>,
}

/// Options of commands that record a reason.
#[derive(Clone, Debug, Args)]
pub(super) struct Reasoned {
    #[command(flatten)]
    pub(super) writing: Writing,

    /// Reason for the history
    #[arg(long, value_name = "REASON")]
    pub(super) because: Option<String>,
}

/// Parses a duration like those in the help texts.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "expected a number with a unit, like 500ms, 30s, 10m or 2h".to_owned())
}

/// Parses a time limit like those in the help texts, or `none`.
pub(super) fn limit(text: &str) -> Result<Limit, String> {
    match text {
        "none" => Ok(Limit::None),
        _ => match Limit::After(time(text)?) {
            limit if limit.check().is_ok() => Ok(limit),
            _ => Err("expected 1ms to 30days, or `none` for no limit".to_owned()),
        },
    }
}

impl Options {
    /// The value of `--database` without surrounding white space.
    pub(super) fn database(&self) -> Option<&str> {
        self.database.as_deref().map(str::trim)
    }
}

impl Who {
    /// Returns the value of `--by`, or the logged-in user. Blank values count as missing.
    pub(super) fn by(&self) -> Option<String> {
        let names = ["USER", "LOGNAME", "USERNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
        let mut names = self.by.clone().into_iter().chain(names).map(|name| name.trim().to_owned());
        names.find(|name| !name.is_empty())
    }
}

impl Writing {
    pub(super) fn by(&self) -> Option<String> {
        self.who.by()
    }
}
