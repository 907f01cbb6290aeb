//! Entries of the history.

use serde::Serialize;

use super::{Holder, Record, time};

/// A page of the history.
#[derive(Debug, Serialize)]
pub struct History<'a> {
    /// Newest first.
    entries: Vec<Entry<'a>>,
    /// The number of matching entries on all pages.
    total: u64,
    /// The cursor of the next page; null on the last.
    next: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry<'a> {
    act: String,
    migration_id: Option<&'a str>,
    source: Option<&'a str>,
    status: Option<&'a str>,
    checksum: Option<&'a str>,
    batch: Option<i64>,
    executed_at: String,
    execution_duration_ms: i64,
    by: Option<&'a str>,
    because: Option<&'a str>,
    host: &'a str,
    pid: i64,
    environment: Option<&'a str>,
    codebase_version: Option<&'a str>,
    error: Option<&'a str>,
    error_stack: &'a [String],
    attempts: i64,
    token: i64,
    previous_checksum: Option<&'a str>,
    removed: Option<Record<'a>>,
    steered: Option<&'a str>,
    holder: Option<Holder<'a>>,
}

impl<'a> History<'a> {
    /// Converts a page of the history.
    #[must_use]
    pub fn of(page: &'a crate::migrator::HistoryPage) -> Self {
        Self {
            entries: page.entries.iter().map(Entry::from).collect(),
            total: page.total,
            next: page.next.map(|next| next.to_string()),
        }
    }
}

impl<'a> From<&'a crate::record::HistoryEntry> for Entry<'a> {
    fn from(entry: &'a crate::record::HistoryEntry) -> Self {
        Self {
            act: entry.act.to_string(),
            migration_id: entry.migration_id.as_deref(),
            source: entry.source.as_deref(),
            status: entry.status.map(crate::record::RecordStatus::as_str),
            checksum: entry.checksum.as_deref(),
            batch: entry.batch,
            executed_at: time(entry.executed_at),
            execution_duration_ms: entry.execution_duration,
            by: entry.by.as_deref(),
            because: entry.because.as_deref(),
            host: &entry.host,
            pid: entry.pid,
            environment: entry.environment.as_deref(),
            codebase_version: entry.codebase_version.as_deref(),
            error: entry.error.as_deref(),
            error_stack: entry.error_stack.as_deref().unwrap_or_default(),
            attempts: entry.attempts,
            token: entry.token,
            previous_checksum: entry.previous_checksum.as_deref(),
            removed: entry.removed.as_deref().map(Record::from),
            steered: entry.steered.as_deref(),
            holder: entry.holder.as_deref().map(Holder::from),
        }
    }
}
