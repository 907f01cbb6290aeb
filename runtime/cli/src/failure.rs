//! Errors of the command line: what happened, where, why, and what to do next.

mod table;
#[cfg(test)]
mod tests;

pub(super) use table::partially_applied;

use mongrate::Error;
use mongrate::plan::Registry;
use mongrate::report::Report;
use serde::Serialize;
use serde_json::Value;

use super::exit::Exit;

/// An error of the command line.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    /// For programs: docs/json-schema.json lists them.
    pub(super) code: &'static str,
    /// Printed after `error: `.
    pub(super) message: Box<str>,
    /// File and line of the migration that the error is about.
    pub(super) at: Option<(&'static str, u32)>,
    /// The causes beneath the message, printed with `-v`.
    pub(super) causes: Vec<String>,
    pub(super) help: Option<Box<str>>,
    /// What was done before the error.
    pub(super) report: Option<Box<Report>>,
    /// The JSON document of the command; without it, the report.
    pub(super) document: Option<Box<Value>>,
}

impl Failure {
    pub(super) fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into().into_boxed_str();
        Self { exit, code, message, at: None, causes: Vec::new(), help: None, report: None, document: None }
    }

    /// A usage error.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// A signal ended the command before it could print a result.
    pub(super) fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted", "interrupted")
    }

    /// An I/O error of a file or the terminal.
    pub(super) fn io(doing: &str, error: &std::io::Error) -> Self {
        Self::new(Exit::Failed, "io", format!("could not {doing}: {error}"))
    }

    /// What to do next.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into().into_boxed_str());
        self
    }

    /// Adds the JSON document of the command.
    pub(super) fn with(mut self, document: &impl Serialize) -> Self {
        self.document = serde_json::to_value(document).ok().map(Box::new);
        self
    }
}

/// Converts the error about an id that may be on record only.
pub(super) fn or_on_record(error: Error) -> Failure {
    match &error {
        Error::UnknownMigration { id, .. } => {
            let message = format!("no migration '{id}' is linked into this program or on record").into();
            Failure { message, ..error.into() }
        }
        _ => error.into(),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let linked = Registry::linked();
        let migration = error.migration_id().and_then(|id| linked.get(id));
        Self {
            at: migration.map(|migration| migration.location()),
            causes: error.causes(),
            help: table::help(&error).map(String::into_boxed_str),
            report: error.report().cloned().map(Box::new),
            ..Self::new(table::exit(&error), error.code(), error.message())
        }
    }
}
