//! Where everything stands.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Holder, Migration, Record};
use crate::Source;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status<'a> {
    migrations: Vec<Standing<'a>>,
    orphans: Vec<Record<'a>>,
    holder: Option<Holder<'a>>,
    completed: usize,
    pending: usize,
}

/// One migration, where it stands and its record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Standing<'a> {
    #[serde(flatten)]
    migration: Migration,
    /// `pending`, `completed`, `failed`, `rolled-back`, `interrupted`, `half-way`, `running` or `manual`.
    status: String,
    drifted: bool,
    record: Option<Record<'a>>,
}

impl<'a> Status<'a> {
    pub(crate) fn of(status: &'a crate::Status) -> Self {
        Self {
            migrations: status.iter().map(Standing::from).collect(),
            orphans: status.orphans().iter().map(Record::from).collect(),
            holder: status.holder().map(Holder::from),
            completed: status.completed().count(),
            pending: status.pending().count(),
        }
    }
}

impl<'a> From<crate::Standing<'a>> for Standing<'a> {
    fn from(standing: crate::Standing<'a>) -> Self {
        Self {
            migration: standing.migration.into(),
            status: standing.word().replace(' ', "-"),
            drifted: standing.has_drifted(),
            record: standing.record.map(Record::from),
        }
    }
}

/// How far each source is.
#[derive(Debug, Serialize)]
pub(crate) struct Versions {
    pub(crate) sources: Vec<Version>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Version {
    pub(crate) source: String,
    /// Qualified id of the last one in plan order that is completed.
    pub(crate) current: Option<&'static str>,
    /// Qualified id of the last one in plan order.
    pub(crate) latest: Option<&'static str>,
    pub(crate) pending: usize,
}

impl Versions {
    pub(crate) fn of(status: &crate::Status) -> Self {
        let mut sources: BTreeMap<Source<'static>, Version> = BTreeMap::new();
        for standing in status.iter() {
            let (source, id) = (standing.migration.source(), standing.migration.id());
            let version = sources.entry(source).or_default();
            version.source = source.to_string();
            version.latest = Some(id);
            if standing.state.is_pending() {
                version.pending += 1;
            } else {
                version.current = Some(id);
            }
        }
        Self { sources: sources.into_values().collect() }
    }
}
