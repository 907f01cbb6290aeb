//! Where everything stands.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{History, Holder, Migration, Record};
use crate::migration::Source;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status<'a> {
    migrations: Vec<Standing<'a>>,
    orphans: Vec<Record<'a>>,
    holder: Option<Holder<'a>>,
    completed: usize,
    /// Without the manual ones.
    pending: usize,
    /// Manual ones that are not completed.
    manual: usize,
}

/// One migration, where it stands and its record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing<'a> {
    #[serde(flatten)]
    migration: Migration,
    /// `pending`, `completed`, `failed`, `rolled-back`, `interrupted`, `half-way`, `running` or `manual`.
    status: String,
    drifted: bool,
    record: Option<Record<'a>>,
}

#[derive(Debug, Serialize)]
pub struct Pending<'a> {
    migrations: Vec<Standing<'a>>,
}

/// All that is known about one migration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown<'a> {
    pub id: &'a str,
    /// If it is linked in.
    pub migration: Option<Standing<'a>>,
    /// If it is not, but on record.
    pub orphan: Option<Record<'a>>,
    /// Qualified ids of what depends on it directly.
    pub dependents: Vec<&'static str>,
    /// Its newest entries.
    pub history: History<'a>,
}

impl<'a> Status<'a> {
    pub fn of(status: &'a crate::migrator::Status) -> Self {
        let (manual, pending): (Vec<_>, Vec<_>) = status.pending().partition(crate::migration::Migration::is_manual);
        Self {
            migrations: status.iter().map(Standing::from).collect(),
            orphans: status.orphans().iter().map(Record::from).collect(),
            holder: status.holder().map(Holder::from),
            completed: status.completed().count(),
            pending: pending.len(),
            manual: manual.len(),
        }
    }
}

impl<'a> Pending<'a> {
    pub fn of(status: &'a crate::migrator::Status) -> Self {
        let pending = status.iter().filter(|standing| standing.state.is_pending());
        Self { migrations: pending.map(Standing::from).collect() }
    }
}

impl<'a> From<crate::migrator::Standing<'a>> for Standing<'a> {
    fn from(standing: crate::migrator::Standing<'a>) -> Self {
        Self {
            migration: standing.migration.into(),
            status: word(standing.word()),
            drifted: standing.has_drifted(),
            record: standing.record.map(Record::from),
        }
    }
}

/// Where a migration stands, in one word.
pub fn word(word: &str) -> String {
    word.replace(' ', "-")
}

/// How far each source is.
#[derive(Debug, Serialize)]
pub struct Versions {
    pub sources: Vec<Version>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    pub source: String,
    /// Qualified id of the last one in plan order that is completed.
    pub current: Option<&'static str>,
    /// Qualified id of the last one in plan order.
    pub latest: Option<&'static str>,
    /// Without the manual ones.
    pub pending: usize,
    /// Manual ones that are not completed.
    pub manual: usize,
}

impl Versions {
    pub fn of(status: &crate::migrator::Status) -> Self {
        let mut sources: BTreeMap<Source<'static>, Version> = BTreeMap::new();
        for standing in status.iter() {
            let (source, id) = (standing.migration.source(), standing.migration.id());
            let version = sources.entry(source).or_default();
            version.source = source.to_string();
            version.latest = Some(id);
            match (standing.state.is_pending(), standing.migration.is_manual()) {
                (false, _) => version.current = Some(id),
                (true, true) => version.manual += 1,
                (true, false) => version.pending += 1,
            }
        }
        Self { sources: sources.into_values().collect() }
    }
}
