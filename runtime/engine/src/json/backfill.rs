//! Backfills that are underway.

use std::time::Duration;

use serde::Serialize;

use super::document::Value;
use super::status::kebab_case;
use super::time;

/// The backfills of a database that have started and not completed.
#[derive(Debug, Serialize)]
pub struct Backfills<'a> {
    /// Sorted by qualified id.
    backfills: Vec<Backfill<'a>>,
}

/// A backfill that has started and not completed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backfill<'a> {
    id: &'a str,
    /// `up` or `down`.
    direction: String,
    /// `underway`, `failed`, or `interrupted` if the next run records its end.
    status: String,
    collection: &'a str,
    started_at: String,
    /// Estimated when it was started.
    documents: u64,
    scanned: u64,
    swept: Option<u64>,
    matched: u64,
    changed: u64,
    skipped: u64,
    /// At most 99.9.
    percent: f64,
    ranges: u64,
    ranges_done: u64,
    workers: Vec<Worker<'a>>,
    documents_per_second: Option<f64>,
    remaining_ms: Option<u64>,
    paused: Option<Pause<'a>>,
    tuned_workers: Option<u32>,
    tuned_pace: Option<String>,
    tuned_max_lag_ms: Option<u64>,
    tuned_batch_ms: Option<u64>,
    throttled: Option<Throttle<'a>>,
    failure: Option<&'a str>,
}

/// The documents that a backfill has skipped.
#[derive(Debug, Serialize)]
pub struct SkippedDocuments<'a> {
    skipped: Vec<SkippedDocument<'a>>,
}

#[derive(Debug, Serialize)]
struct SkippedDocument<'a> {
    document: Id<'a>,
    message: &'a str,
    at: String,
}

#[derive(Debug, Serialize)]
struct Id<'a> {
    #[serde(rename = "_id")]
    id: Value<'a>,
}

impl<'a> SkippedDocuments<'a> {
    /// Converts documents.
    #[must_use]
    pub fn of(documents: &'a [crate::migrator::SkippedDocument]) -> Self {
        let document = |document: &'a crate::migrator::SkippedDocument| SkippedDocument {
            document: Id { id: Value(&document.id) },
            message: &document.message,
            at: time(document.at),
        };
        Self { skipped: documents.iter().map(document).collect() }
    }
}

#[derive(Debug, Serialize)]
struct Worker<'a> {
    host: &'a str,
    pid: i64,
    ranges: u64,
}

impl<'a> From<&'a crate::migrator::BackfillWorker> for Worker<'a> {
    fn from(worker: &'a crate::migrator::BackfillWorker) -> Self {
        Self { host: &worker.host, pid: worker.pid, ranges: worker.ranges }
    }
}

#[derive(Debug, Serialize)]
struct Pause<'a> {
    by: Option<&'a str>,
    because: Option<&'a str>,
    at: String,
}

impl<'a> From<&'a crate::migrator::Pause> for Pause<'a> {
    fn from(pause: &'a crate::migrator::Pause) -> Self {
        Self { by: pause.by.as_deref(), because: pause.because.as_deref(), at: time(pause.at) }
    }
}

#[derive(Debug, Serialize)]
struct Throttle<'a> {
    stopped: bool,
    reason: &'a str,
}

impl<'a> From<&'a crate::migrator::Throttle> for Throttle<'a> {
    fn from(throttle: &'a crate::migrator::Throttle) -> Self {
        Self { stopped: throttle.stopped, reason: &throttle.reason }
    }
}

impl<'a> Backfills<'a> {
    /// Converts backfills.
    #[must_use]
    pub fn of(backfills: &'a [crate::migrator::BackfillStatus]) -> Self {
        Self { backfills: backfills.iter().map(Backfill::from).collect() }
    }
}

impl<'a> From<&'a crate::migrator::BackfillStatus> for Backfill<'a> {
    fn from(backfill: &'a crate::migrator::BackfillStatus) -> Self {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let tuning = &backfill.tuning;
        Self {
            id: &backfill.id,
            direction: backfill.direction.to_string(),
            status: kebab_case(backfill.label()),
            collection: &backfill.collection,
            started_at: time(backfill.started),
            documents: backfill.documents,
            scanned: backfill.scanned,
            swept: backfill.swept,
            matched: backfill.matched,
            changed: backfill.changed,
            skipped: backfill.skipped,
            percent: backfill.percent(),
            ranges: backfill.ranges,
            ranges_done: backfill.done,
            workers: backfill.workers.iter().map(Worker::from).collect(),
            documents_per_second: backfill.rate,
            remaining_ms: backfill.remaining().map(ms),
            paused: backfill.paused.as_ref().map(Pause::from),
            tuned_workers: tuning.workers,
            tuned_pace: tuning.pace.map(|pace| pace.to_string()),
            tuned_max_lag_ms: tuning.max_lag.map(ms),
            tuned_batch_ms: tuning.batch_time.map(ms),
            throttled: backfill.throttled.as_ref().map(Throttle::from),
            failure: backfill.failure.as_deref(),
        }
    }
}
