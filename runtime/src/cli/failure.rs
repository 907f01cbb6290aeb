//! What has gone wrong, as it is told: what, where, why, and what to do next.

use super::exit::Exit;
use super::migrate;
use crate::error::source_chain;
use crate::migration::Migration;
use crate::report::Report;
use crate::{Error, Registry};

/// An error of the command line.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    /// For programs.
    pub(super) code: &'static str,
    pub(super) message: String,
    /// File and line of the migration that it is about.
    pub(super) at: Option<(&'static str, u32)>,
    /// Its causes beneath the message, if somebody wants to know.
    pub(super) causes: Vec<String>,
    pub(super) help: Option<Box<str>>,
    /// What was done before.
    pub(super) report: Option<Box<Report>>,
}

impl Failure {
    pub(super) fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { exit, code, message, at: None, causes: Vec::new(), help: None, report: None }
    }

    /// The command was called in a way that cannot be meant.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// Something beside the database: a file, the terminal.
    pub(super) fn io(doing: &str, error: &std::io::Error) -> Self {
        Self::new(Exit::Failed, "io", format!("could not {doing}: {error}"))
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into().into_boxed_str());
        self
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let told = Told::of(&error);
        let at = told.id.and_then(|id| Registry::linked().get(id)).map(|migration: Migration| migration.location());
        // The outermost one is the message itself.
        let causes = match &error {
            Error::Failed { source, .. } | Error::Partial { source, .. } => source_chain(&**source),
            other => source_chain(other).split_off(1),
        };
        Self {
            exit: Exit::of(&error),
            code: told.code,
            at,
            causes,
            help: told.help.map(String::into_boxed_str),
            report: error.report().cloned().map(Box::new),
            message: told.message,
        }
    }
}

/// The words for an error where they differ from those for a program: which command to give instead of which method to call.
struct Told<'e> {
    code: &'static str,
    message: String,
    /// Of the migration whose place in the code is of interest.
    id: Option<&'e str>,
    help: Option<String>,
}

impl<'e> Told<'e> {
    #[expect(clippy::too_many_lines, reason = "a table, one line or two for each error")]
    fn of(error: &'e Error) -> Self {
        let migrate = migrate();
        let whole = || error.to_string();
        let (code, id, message, help) = match error {
            Error::Unreachable { .. } => ("unreachable", None, whole(), None),
            Error::NotAuthorized { .. } => ("not-authorized", None, whole(), None),
            Error::ForeignCollection { .. } => ("foreign-collection", None, whole(), None),
            Error::UnreadableRecord { .. } => ("unreadable-record", None, whole(), None),
            Error::Drift { ids } => (
                "drift",
                ids.first().map(String::as_str),
                format!("applied migrations have changed since they ran: {}", ids.join(", ")),
                Some(format!("undo the change and write a new migration instead, or `{migrate} accept ID`")),
            ),
            Error::Pending { .. } => (
                "pending",
                None,
                whole().split(". ").next().unwrap_or_default().to_owned(),
                Some(format!("`MONGRATE_AUTO=true {migrate} up` applies them")),
            ),
            Error::LockTimeout { holder, waited } => (
                "lock-timeout",
                None,
                format!(
                    "gave up after {}: this database is being migrated by {holder}",
                    crate::elapsed::Elapsed(*waited)
                ),
                Some(format!(
                    "wait longer with `--lock-wait 30m`; if that process is gone, its lease ends by itself, or `{migrate} lock \
                     release` takes it away"
                )),
            ),
            Error::LeaseLost { .. } => {
                ("lease-lost", None, whole(), Some(format!("`{migrate} status` tells what is applied")))
            }
            Error::Interrupted { .. } => ("interrupted", None, whole(), None),
            Error::RunTimedOut { .. } => ("run-timed-out", None, whole(), None),
            Error::TransactionsRequired => ("transactions-required", None, whole(), None),
            Error::Failed { id, report, .. } => (
                "failed",
                Some(id.as_str()),
                whole(),
                Some(if report.is_dry_run() {
                    format!("it would fail in earnest, too; `{migrate} show {id}` tells what is known of it")
                } else {
                    format!("correct it and run `{migrate} up` again; `{migrate} show {id}` tells what is on record")
                }),
            ),
            Error::Partial { id, message, .. } => (
                "partial",
                Some(id.as_str()),
                format!(
                    "'{id}' failed half-way on a server without transactions, so the data may be half changed: {message}"
                ),
                Some(half_changed(&migrate, id)),
            ),
            Error::HalfChanged { ids } => (
                "half-changed",
                ids.first().map(String::as_str),
                format!(
                    "half-way through on a server without transactions, so the data may be half changed: {}",
                    ids.join(", ")
                ),
                Some(half_changed(&migrate, ids.first().map_or("ID", String::as_str))),
            ),
            Error::Irreversible { id, .. } => ("irreversible", Some(*id), whole(), None),
            Error::DependantsApplied { id, dependants, selected } => (
                "dependants-applied",
                Some(*id),
                format!(
                    "'{id}' cannot be taken back while these depend on it and are applied: {}",
                    dependants.join(", ")
                ),
                Some(if *selected {
                    format!("name them as well, or take them along: `{migrate} down {id} --with-dependants`")
                } else {
                    "not all of them belong to the selected source: take those back first".to_owned()
                }),
            ),
            Error::DependenciesPending { id, dependencies } => (
                "dependencies-pending",
                Some(*id),
                format!(
                    "'{id}' cannot be marked as applied while these, on which it depends, are pending: {}",
                    dependencies.join(", ")
                ),
                Some(format!("mark them as well, or all up to there: `{migrate} baseline {id}`")),
            ),
            Error::NotAnOrphan { id } => (
                "not-an-orphan",
                Some(*id),
                format!("'{id}' is linked into this program, so its record is no orphan and stays"),
                Some(format!("to have it run again: `{migrate} mark pending {id}`")),
            ),
            Error::OrphansAppliedLater { ids } => (
                "orphans-applied-later",
                None,
                format!(
                    "these were applied later, but are not linked into this program, so that they cannot be reverted first: {}",
                    ids.join(", ")
                ),
                Some(format!(
                    "name what is to be reverted: `{migrate} down ID`; or remove their records: `{migrate} prune ID`"
                )),
            ),
            Error::NotApplied { id } => ("not-applied", Some(id.as_str()), whole(), None),
            Error::PageSize { .. } => (
                "usage",
                None,
                "a page of the history has 1 to 500 entries".to_owned(),
                Some(format!("the next ones are there with `{migrate} history --limit 500 --skip 500`")),
            ),
            Error::UnknownMigration { .. } => (
                "unknown-migration",
                None,
                whole(),
                Some(format!(
                    "`{migrate} check` lists what is linked in; an id is written in full, like module:menu:001_init"
                )),
            ),
            Error::NotSelected { id } => ("not-selected", Some(*id), whole(), None),
            Error::UnknownSource { .. } => ("unknown-source", None, whole(), None),
            Error::UnselectedDependency { migration, .. } => ("unselected-dependency", Some(*migration), whole(), None),
            Error::ManualDependency { migration, dependency } => (
                "manual-dependency",
                Some(*dependency),
                format!("'{migration}' depends on '{dependency}', which is manual and not completed"),
                Some(format!("name it as well: `{migrate} up {dependency} {migration}`")),
            ),
            Error::Cycle { path } => ("cycle", path.first().copied(), whole(), None),
            Error::MissingDependency { migration, .. } => ("missing-dependency", Some(*migration), whole(), None),
            Error::DuplicateId { id, .. } => ("duplicate-id", Some(*id), whole(), None),
            Error::Several { .. } => ("several", None, whole(), None),
            Error::Variable { .. } => ("variable", None, whole(), None),
            _ => ("server", None, whole(), None),
        };
        Self { code, message, id, help }
    }
}

fn half_changed(migrate: &str, id: &str) -> String {
    format!(
        "repair the data; then `{migrate} up {id}` runs it again, or `{migrate} mark applied {id}` (or `pending`) says how it \
         is now"
    )
}
