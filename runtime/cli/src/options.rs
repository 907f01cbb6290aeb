//! What every command can be told.

use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};

use super::format::Format;
use mongrate::options::Limit;

/// The options of all commands.
#[expect(clippy::doc_markdown, reason = "help texts are no Markdown")]
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of all commands")]
pub(super) struct Options {
    /// The server, as a connection string. Without it: MONGODB_URI, or what the application says
    #[arg(long, global = true, value_name = "URI")]
    pub(super) uri: Option<String>,

    /// The database. Without it: the one in the connection string, or what the application says
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) database: Option<String>,

    /// How the result is written
    #[arg(long, global = true, default_value = "table", value_parser = Format::among(&["table", "json"]))]
    pub(super) format: Format,

    /// Answers every question with yes
    #[arg(long, short, global = true)]
    pub(super) yes: bool,

    /// Only what was asked for, and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,

    /// More of everything, with a log on stderr; -vv and -vvv for more of that
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,

    /// Colours: auto heeds the terminal and NO_COLOR
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,
}

/// When to use colours.
#[expect(clippy::doc_markdown, reason = "help texts are no Markdown")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Who acts.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Who {
    /// Who does this, for the record. Without it: the user who is logged in
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// What commands that take the lock can be told.
#[expect(clippy::doc_markdown, reason = "help texts are no Markdown")]
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Writing {
    #[command(flatten)]
    who: Who,

    /// How long to wait for another process that is migrating, like 30s or 10m. Without it: MONGRATE_LOCK_WAIT_MS, or
    /// what the application says, or 5 minutes
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) lock_wait: Option<Duration>,
}

/// What commands that change records without running anything can be told.
#[derive(Clone, Debug, Args)]
pub(super) struct Reasoned {
    #[command(flatten)]
    pub(super) writing: Writing,

    /// Why, for the history
    #[arg(long, value_name = "REASON")]
    pub(super) because: Option<String>,
}

/// A time like those in the help texts.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "a time is a number with its unit, like 500ms, 30s, 10m or 2h".to_owned())
}

/// A time limit like those in the help texts, or `none`.
pub(super) fn limit(text: &str) -> Result<Limit, String> {
    match text {
        "none" => Ok(Limit::None),
        _ => match Limit::After(time(text)?) {
            limit if limit.check().is_ok() => Ok(limit),
            _ => Err("a time limit is 1ms to 30days, or `none` for no limit".to_owned()),
        },
    }
}

impl Options {
    /// The database that was named, without white space around it. That of the connection string is checked like this one.
    pub(super) fn database(&self) -> Option<&str> {
        self.database.as_deref().map(str::trim)
    }
}

impl Who {
    /// As said, or as logged in; what is blank is not said.
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
