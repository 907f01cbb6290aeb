//! Stored values: records and the lock.

use serde::Serialize;

use super::{millis, time};
use crate::lock::LockStatus;
use crate::migration::Direction;

/// The record of a migration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record<'a> {
    id: &'a str,
    /// `running`, `completed`, `failed` or `rolled-back`.
    status: &'a str,
    /// `up` or `down`.
    direction: &'a str,
    /// Whether its changes may be partial.
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

/// The process that holds the lock.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder<'a> {
    host: &'a str,
    pid: i64,
    actor: Option<&'a str>,
    since: String,
    /// Qualified id of the migration that it is running.
    current: Option<&'a str>,
    /// Whether its lease has expired.
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

/// The state of the migration lock.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lock<'a> {
    /// Null if the lock is free.
    holder: Option<Holder<'a>>,
    /// The token of the newest lease: that of the holder, if there is one.
    token: i64,
    held_for_ms: Option<u64>,
    expires_at: Option<String>,
    expires_in_ms: Option<u64>,
    /// Null if the holder was not requested to stop.
    stop_requested: Option<StopRequest<'a>>,
}

/// A request to the holder of the lock to stop.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StopRequest<'a> {
    by: Option<&'a str>,
    because: Option<&'a str>,
    at: String,
}

impl<'a> From<&'a crate::lock::StopRequest> for StopRequest<'a> {
    fn from(request: &'a crate::lock::StopRequest) -> Self {
        Self { by: request.by.as_deref(), because: request.because.as_deref(), at: time(request.at) }
    }
}

impl<'a> Lock<'a> {
    /// Converts the status of the lock.
    #[must_use]
    pub fn of(status: &'a LockStatus) -> Self {
        Self {
            holder: status.holder.as_ref().map(Holder::from),
            token: status.token,
            held_for_ms: status.held_for.map(millis),
            expires_at: status.expires_at.map(time),
            expires_in_ms: status.expires_in.map(millis),
            stop_requested: status.stop_requested.as_ref().map(StopRequest::from),
        }
    }
}

/// The result of a forced unlock.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Released<'a> {
    /// The former holder; null if the lock was free.
    taken_from: Option<Holder<'a>>,
}

impl<'a> Released<'a> {
    /// Converts the former holder of the lock, if there was one.
    #[must_use]
    pub fn of(holder: Option<&'a crate::record::Holder>) -> Self {
        Self { taken_from: holder.map(Holder::from) }
    }
}
