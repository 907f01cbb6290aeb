//! The status of migrations.

use std::collections::BTreeMap;

use serde::Serialize;

use super::history::Entry;
use super::{History, Holder, Migration, Record};
use crate::migration::{Source, State};
use crate::record::Act;

/// The status of every migration of a database.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status<'a> {
    /// In plan order, including manual ones.
    pending: Vec<Standing<'a>>,
    /// In plan order.
    completed: Vec<Standing<'a>>,
    /// Those that their condition excludes from this database, in plan order.
    excluded: Vec<Standing<'a>>,
    /// Records of migrations that are not linked into this program.
    orphans: Vec<Record<'a>>,
    /// Null if the lock is free.
    holder: Option<Holder<'a>>,
    /// Whether a process is currently migrating.
    is_running: bool,
    /// The number of pending migrations, without those that run only when they are named.
    total_pending: usize,
    total_completed: usize,
    /// The number of pending migrations that run only when they are named: manual ones and canceled backfills.
    manual: usize,
}

/// A migration with its status and its record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing<'a> {
    #[serde(flatten)]
    migration: Migration,
    /// `pending`, `completed`, `failed`, `rolled-back`, `interrupted`, `partial`, `running`, `underway`, `canceled`,
    /// `manual` or `excluded`.
    status: String,
    drifted: bool,
    /// Whether it is pending and depends on no pending migration, and no pending migration depends on it.
    isolated: bool,
    record: Option<Record<'a>>,
}

/// The pending migrations of a database.
#[derive(Debug, Serialize)]
pub struct Pending<'a> {
    /// In plan order, including manual ones.
    migrations: Vec<Standing<'a>>,
}

/// Everything about one migration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown<'a> {
    id: &'a str,
    /// Null if it is not linked into this program.
    migration: Option<Standing<'a>>,
    /// The record of a migration that is not linked into this program.
    orphan: Option<Record<'a>>,
    is_pending: bool,
    /// Qualified ids of the direct dependents.
    dependents: Vec<&'static str>,
    /// The executions among the entries of the history.
    executions: Vec<Entry<'a>>,
    /// The newest entries of its history.
    history: History<'a>,
}

impl<'a> Shown<'a> {
    /// Converts the details of a migration.
    #[must_use]
    pub fn of(details: &'a crate::migrator::Details) -> Self {
        let executions = details.history().entries.iter().filter(|entry| matches!(entry.act, Act::Up | Act::Down));
        Self {
            id: details.id(),
            migration: details.standing().map(Standing::from),
            orphan: details.orphan().map(Record::from),
            is_pending: details.is_pending(),
            dependents: details.dependents().iter().map(crate::migration::Migration::id).collect(),
            executions: executions.map(Entry::from).collect(),
            history: History::of(details.history()),
        }
    }
}

impl<'a> Status<'a> {
    /// Converts a status.
    #[must_use]
    pub fn of(status: &'a crate::migrator::Status) -> Self {
        Self::part_of(status, status.iter())
    }

    /// Converts a part of a status: these migrations, and the totals, orphans and holder of the whole database.
    #[must_use]
    pub fn part_of(
        status: &'a crate::migrator::Status,
        part: impl IntoIterator<Item = crate::migrator::Standing<'a>>,
    ) -> Self {
        let all_pending = status.iter().filter(|standing| standing.state.is_pending());
        let (manual, total_pending): (Vec<_>, Vec<_>) =
            all_pending.partition(crate::migrator::Standing::runs_only_by_name);
        let (pending, others): (Vec<_>, Vec<_>) = part.into_iter().partition(|standing| standing.state.is_pending());
        let (excluded, completed): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|standing| standing.state == State::Excluded);
        Self {
            total_pending: total_pending.len(),
            total_completed: status.completed().count(),
            manual: manual.len(),
            pending: pending.into_iter().map(Standing::from).collect(),
            completed: completed.into_iter().map(Standing::from).collect(),
            excluded: excluded.into_iter().map(Standing::from).collect(),
            orphans: status.orphans().iter().map(Record::from).collect(),
            holder: status.holder().map(Holder::from),
            is_running: status.is_migrating(),
        }
    }
}

impl<'a> Pending<'a> {
    /// Selects the pending migrations of a status.
    #[must_use]
    pub fn of(status: &'a crate::migrator::Status) -> Self {
        let pending = status.iter().filter(|standing| standing.state.is_pending());
        Self { migrations: pending.map(Standing::from).collect() }
    }
}

impl<'a> From<crate::migrator::Standing<'a>> for Standing<'a> {
    fn from(standing: crate::migrator::Standing<'a>) -> Self {
        Self {
            migration: standing.migration.into(),
            status: kebab_case(standing.label()),
            drifted: standing.has_drifted(),
            isolated: standing.is_isolated,
            record: standing.record.map(Record::from),
        }
    }
}

/// Converts a status word such as `rolled back` to kebab case.
#[must_use]
pub fn kebab_case(word: &str) -> String {
    word.replace(' ', "-")
}

/// The version of each source.
#[derive(Debug, Serialize)]
pub struct Versions {
    /// System first, then modules, then plugins, each by name.
    pub sources: Vec<Version>,
}

/// The version of a source: its last completed migration.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// `system`, `module:<name>` or `plugin:<name>`.
    pub source: String,
    /// Qualified id of the last completed migration in plan order.
    pub current: Option<&'static str>,
    /// Qualified id of the last migration in plan order.
    pub latest: Option<&'static str>,
    /// The number of pending migrations, without those that run only when they are named.
    pub pending: usize,
    /// The number of pending migrations that run only when they are named: manual ones and canceled backfills.
    pub manual: usize,
}

impl Versions {
    /// Finds the version of each source in a status.
    #[must_use]
    pub fn of(status: &crate::migrator::Status) -> Self {
        let mut sources: BTreeMap<Source<'static>, Version> = BTreeMap::new();
        for standing in status.iter() {
            let (source, id) = (standing.migration.source(), standing.migration.id());
            let version = sources.entry(source).or_default();
            version.source = source.to_string();
            version.latest = Some(id);
            match standing.state {
                State::Completed => version.current = Some(id),
                State::Excluded => {}
                _ if standing.runs_only_by_name() => version.manual += 1,
                _ => version.pending += 1,
            }
        }
        Self { sources: sources.into_values().collect() }
    }
}
