//! What is stored: records and the lock.

use serde::Serialize;

use super::{millis, time};
use crate::lock::LockStatus;
use crate::migration::Direction;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record<'a> {
    id: &'a str,
    /// `running`, `completed`, `failed` or `rolled-back`.
    status: &'a str,
    /// `up` or `down`.
    direction: &'a str,
    /// Whether it may be half changed.
    partial: bool,
    source: &'a str,
    description: &'a str,
    checksum: &'a str,
    reversible: bool,
    batch: i64,
    executed_at: String,
    execution_duration_ms: i64,
    verification_failed: bool,
    reverted_at: Option<String>,
    applied_by: Option<&'a str>,
    reverted_by: Option<&'a str>,
    host: &'a str,
    pid: i64,
    environment: Option<&'a str>,
    codebase_version: Option<&'a str>,
    error: Option<&'a str>,
    error_stack: &'a [String],
    attempts: i64,
}

impl<'a> From<&'a crate::record::Record> for Record<'a> {
    fn from(record: &'a crate::record::Record) -> Self {
        Self {
            id: &record.id,
            status: record.status.as_str(),
            direction: match record.direction {
                Direction::Up => "up",
                Direction::Down => "down",
            },
            partial: record.partial,
            source: &record.source,
            description: &record.description,
            checksum: &record.checksum,
            reversible: record.reversible,
            batch: record.batch,
            executed_at: time(record.executed_at),
            execution_duration_ms: record.execution_duration,
            verification_failed: record.verification_failed,
            reverted_at: record.reverted_at.map(time),
            applied_by: record.applied_by.as_deref(),
            reverted_by: record.reverted_by.as_deref(),
            host: &record.host,
            pid: record.pid,
            environment: record.environment.as_deref(),
            codebase_version: record.codebase_version.as_deref(),
            error: record.error.as_deref(),
            error_stack: record.error_stack.as_deref().unwrap_or_default(),
            attempts: record.attempts,
        }
    }
}

/// Who holds the lock.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder<'a> {
    host: &'a str,
    pid: i64,
    actor: Option<&'a str>,
    since: String,
    /// Qualified id of what it runs.
    current: Option<&'a str>,
    /// Whether its lease is over.
    expired: bool,
}

impl<'a> From<&'a crate::record::Holder> for Holder<'a> {
    fn from(holder: &'a crate::record::Holder) -> Self {
        Self {
            host: &holder.host,
            pid: holder.pid,
            actor: holder.actor.as_deref(),
            since: time(holder.since),
            current: holder.current.as_deref(),
            expired: holder.expired,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lock<'a> {
    /// `null` when the lock is free.
    holder: Option<Holder<'a>>,
    held_for_ms: Option<u64>,
    expires_at: Option<String>,
}

impl<'a> Lock<'a> {
    pub fn of(status: &'a LockStatus) -> Self {
        Self {
            holder: status.holder.as_ref().map(Holder::from),
            held_for_ms: status.held_for.map(millis),
            expires_at: status.expires_at.map(time),
        }
    }
}

/// From whom the lock was taken, if it was held.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Released<'a> {
    taken_from: Option<Holder<'a>>,
}

impl<'a> Released<'a> {
    pub fn of(holder: Option<&'a crate::record::Holder>) -> Self {
        Self { taken_from: holder.map(Holder::from) }
    }
}
