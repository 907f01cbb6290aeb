//! The progress of backfills.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures_util::future::try_join_all;
use mongodb::bson::{Bson, DateTime};

use super::Migrator;
use crate::display::{Elapsed, plural};
use crate::error::Error;
use crate::executor::{Header, RangeState, Ranges, Seen, Skipped, Steering, look};
pub use crate::executor::{Pause, Throttle, Tuning};
use crate::migration::{Direction, State};
use crate::plan::unknown;
use crate::store::Tracker;

/// A backfill that has started and not completed, and how far it has come.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BackfillStatus {
    /// Qualified id of the migration.
    pub id: String,
    /// Whether it is applied or reverted.
    pub direction: Direction,
    /// [`State::Underway`] while it is worked on; otherwise [`State::Failed`], or [`State::Interrupted`] if the next run records
    /// its end.
    pub state: State,
    /// The name of the collection in the database.
    pub collection: String,
    /// When it was started, by the clock of the process that started it.
    pub started: DateTime,
    /// Number of documents in the collection when it was started, as estimated by the server.
    pub documents: u64,
    /// Number of documents that were passed so far, whether they match or not.
    pub scanned: u64,
    /// Number of documents that were passed by the current sweep, the pass for documents that matched `remaining` only after the
    /// batch of their `_id`. `None` before the first sweep.
    pub swept: Option<u64>,
    /// Number of documents that matched.
    pub matched: u64,
    /// Number of documents that were changed or deleted.
    pub changed: u64,
    /// Number of documents that were skipped because their change failed. [`Migrator::skipped`] lists them.
    pub skipped: u64,
    /// Number of ranges into which the collection is divided.
    pub ranges: u64,
    /// Number of ranges that are done.
    pub done: u64,
    /// The ranges that were planned at the start, in the order of `_id`. Empty if the collection was.
    pub parts: Vec<BackfillPart>,
    /// The processes that work on it, sorted.
    pub workers: Vec<BackfillWorker>,
    /// How many documents per second the processes pass now, rests included. `None` if nobody works on it.
    pub rate: Option<f64>,
    /// Who paused it, and why.
    pub paused: Option<Pause>,
    /// What a person has set in place of the code's.
    pub tuning: Tuning,
    /// Why it is slower than its pace, or stopped for the moment. `None` if nobody works on it.
    pub throttled: Option<Throttle>,
    /// Why it failed.
    pub failure: Option<String>,
}

/// A range of `_id` of a backfill.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackfillPart {
    /// Its state.
    pub state: PartState,
    /// Number of documents that were passed so far.
    pub scanned: u64,
}

/// The state of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PartState {
    /// Nobody works on it now.
    Open,
    /// A process works on it.
    Claimed,
    /// All its documents were passed.
    Done,
    /// A document of it could not be changed, or the run was stopped to revert it or to exchange its code.
    Failed,
}

/// A process that works on a backfill.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct BackfillWorker {
    /// Its host.
    pub host: String,
    /// Its process id.
    pub pid: i64,
    /// Number of ranges that it works on.
    pub ranges: u64,
}

/// A document that a backfill has skipped because its change failed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SkippedDocument {
    /// Its `_id`.
    pub id: Bson,
    /// Why its change failed.
    pub message: String,
    /// When, by the clock of the process that tried.
    pub at: DateTime,
}

impl BackfillStatus {
    /// The state as a word: `underway`, `failed` or `interrupted`.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.state.label(false)
    }

    /// The part of the documents that is done, in percent: at most 99.9, because a backfill that is completed is not listed.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a percentage needs no more")]
    pub fn percent(&self) -> f64 {
        // The estimate may be too low.
        let total = self.documents.max(self.scanned).max(1);
        (self.scanned as f64 * 100.0 / total as f64).min(99.9)
    }

    /// How long it will take, if the rate and the estimated number of documents are right. `None` if nobody works on it.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "an estimate needs no more")]
    pub fn remaining(&self) -> Option<Duration> {
        let left = self.documents.saturating_sub(self.swept.unwrap_or(self.scanned)) as f64;
        Duration::try_from_secs_f64(left / self.rate?).ok()
    }

    /// How far the current sweep is, in words: `a sweep has passed 1,200 documents`. `None` before the first sweep.
    #[must_use]
    pub fn sweep(&self) -> Option<String> {
        self.swept.map(|swept| format!("a sweep has passed {}", plural(swept, "document")))
    }

    /// What a person has set in place of the code's, in words: `4 workers, pace 7000`.
    #[must_use]
    pub fn tuned(&self) -> Option<String> {
        (self.tuning != Tuning::default()).then(|| self.tuning.to_string())
    }

    /// Its rate in words: `3,500 documents per second, about 12m 5s left`. `None` if nobody works on it.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is positive and far from the limits"
    )]
    pub fn speed(&self) -> Option<String> {
        let rate = plural(self.rate?.round() as u64, "document");
        let left = Duration::from_secs(self.remaining()?.as_secs());
        Some(format!("{rate} per second, about {} left", Elapsed(left)))
    }

    fn new(id: &str, state: State, header: Header, seen: &[Seen]) -> Self {
        let sum = |count: fn(&Seen) -> i64| u64::try_from(seen.iter().map(count).sum::<i64>()).unwrap_or(0);
        let (sweeps, first): (Vec<_>, Vec<_>) = seen.iter().partition(|range| header.is_sweep(range.id));
        let Steering { paused, tuning } = header.steering;
        let live = seen.iter().filter(|range| range.live && range.claim.is_some());
        let rate = live.map(|range| range.counts.rate).sum::<f64>();
        Self {
            id: id.to_owned(),
            direction: header.direction,
            state,
            collection: header.collection,
            started: header.started,
            documents: header.documents,
            scanned: first.into_iter().map(passed).sum(),
            swept: sweeps.into_iter().max_by_key(|range| range.id.n).map(passed),
            matched: sum(|range| range.counts.matched),
            changed: sum(|range| range.counts.changed),
            skipped: skipped(seen),
            // If some are missing, it is not done.
            ranges: u64::try_from(header.ranges).unwrap_or(0).max(seen.len() as u64),
            done: seen.iter().filter(|range| range.state == RangeState::Done).count() as u64,
            parts: seen.iter().filter(|range| range.id.n < header.ranges).map(BackfillPart::of).collect(),
            workers: workers(seen),
            rate: (rate > 0.0).then_some(rate),
            paused,
            tuning,
            throttled: throttled(seen),
            failure: seen.iter().find_map(|range| range.failure.as_ref()).map(|failure| failure.message.clone()),
        }
    }
}

impl BackfillPart {
    fn of(range: &Seen) -> Self {
        let state = match range.state {
            RangeState::Open if range.live && range.claim.is_some() => PartState::Claimed,
            RangeState::Open => PartState::Open,
            RangeState::Done => PartState::Done,
            RangeState::Failed => PartState::Failed,
        };
        Self { state, scanned: passed(range) }
    }
}

/// Number of documents that a range has passed.
fn passed(range: &Seen) -> u64 {
    u64::try_from(range.counts.scanned).unwrap_or(0)
}

/// Number of documents that were skipped.
pub(super) fn skipped(seen: &[Seen]) -> u64 {
    seen.iter().map(|range| u64::from(range.skipped)).sum()
}

/// Returns what the live claims say. Processes may have seen different signals.
pub(super) fn throttled(seen: &[Seen]) -> Option<Throttle> {
    let live = seen.iter().filter(|range| range.live).filter_map(|range| range.claim.as_ref());
    live.filter_map(|claim| claim.throttled.as_ref()).max_by_key(|throttle| throttle.stopped).cloned()
}

/// Counts the live claims of each process.
fn workers(seen: &[Seen]) -> Vec<BackfillWorker> {
    let mut ranges: BTreeMap<_, u64> = BTreeMap::new();
    for claim in seen.iter().filter(|range| range.live).filter_map(|range| range.claim.as_ref()) {
        *ranges.entry((&claim.host, claim.pid)).or_default() += 1;
    }
    ranges.into_iter().map(|((host, pid), ranges)| BackfillWorker { host: host.clone(), pid, ranges }).collect()
}

impl Migrator {
    /// Returns the backfills that have started and not completed, in the order of their ids. Reads the records, and the ranges
    /// of each; never writes.
    pub async fn backfills(&self) -> Result<Vec<BackfillStatus>, Error> {
        self.clone()
            .complete(async |this| {
                let inner = &this.0;
                let tracker = Tracker::new(&inner.database, &inner.options.names);
                let headers = tracker.backfills().await?;
                let states: HashMap<_, _> =
                    this.records().await?.iter().map(|record| (record.id.clone(), record.state())).collect();
                let open =
                    headers.iter().filter_map(|(id, stored)| Some((id, *states.get(id)?, Header::read(stored)?)));
                try_join_all(open.map(async |(id, state, header)| {
                    let ranges = &inner.options.names.ranges;
                    let seen = look(&inner.database, ranges, header.run, inner.options.lease).await;
                    let seen = seen.map_err(|error| Error::server(format!("read '{ranges}'"), error))?;
                    Ok(BackfillStatus::new(id, state, header, &seen))
                }))
                .await
            })
            .await
    }

    /// Returns the documents that a backfill (a qualified id) has skipped because their change failed. The next run tries them
    /// again. Fails with [`Error::NotUnderway`] if the backfill has not started, or has completed.
    pub async fn skipped(&self, id: impl Into<String>) -> Result<Vec<SkippedDocument>, Error> {
        let id = id.into();
        self.clone()
            .complete(async move |this| {
                let run = this.open_backfill(&id).await?.run;
                let skipped = Ranges::new(&this.0.database, &this.0.options.names.ranges).skipped(run).await?;
                let document = |Skipped { id, message, at, .. }| SkippedDocument { id, message, at };
                Ok(skipped.into_iter().map(|(_, skipped)| document(skipped)).collect())
            })
            .await
    }

    /// Reads the stored part of a backfill.
    pub(super) async fn open_backfill(&self, id: &str) -> Result<Header, Error> {
        let stored = self.0.tracker.backfill(id).await?;
        if let Some(header) = stored.and_then(|stored| Header::read(&stored)) {
            return Ok(header);
        }
        let graph = self.graph()?;
        graph.find(id).ok_or_else(|| unknown(id, graph.order()))?;
        Err(Error::NotUnderway { id: id.to_owned() })
    }
}
