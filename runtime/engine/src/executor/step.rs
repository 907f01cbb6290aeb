//! A step of a plan while it runs.

use std::time::Duration;

use mongodb::bson::DateTime;
use tokio::time::Instant;

use crate::context::{Footprint, Position};
use crate::migration::registration::Run;
use crate::migration::{Direction, Kind, Migration, State};
use crate::plan;
use crate::record::{Effects, HistoryEntry, Record, RecordStatus};
use crate::report::Operation;
use crate::store::{Expected, LogUpdate, now};

/// A step of a plan while it runs.
pub(super) struct Step<'s> {
    pub(super) migration: Migration,
    pub(super) direction: Direction,
    pub(super) state: State,
    /// The kind of the function to run, `up` or `down`.
    pub(super) kind: Kind,
    pub(super) body: &'static dyn Run,
    pub(super) previous: Option<&'s Record>,
    pub(super) started_at: DateTime,
    pub(super) started: Instant,
    pub(super) attempts: u32,
    pub(super) operations: Vec<Operation>,
    /// The token of the run and the number of the step in it. (0, 0) in a dry run.
    pub(super) position: Position,
    /// The footprint in the database, if it is known.
    pub(super) footprint: Option<Footprint>,
    /// The effects of a `Schema` body, for the history.
    pub(super) effects: Effects,
    /// The part of the log of a `Schema` body that is not stored yet.
    pub(super) update: Option<LogUpdate>,
    /// A history entry of what happened before, such as an interrupted execution, until it is stored.
    pub(super) noted: Option<Box<HistoryEntry>>,
    /// Notes for a reader.
    pub(super) notes: Vec<String>,
    /// Whether it is a backfill that goes on without the lease.
    pub(super) underway: bool,
    /// Whether a failure leaves everything as it was, although not by a rollback.
    pub(super) leaves_nothing: bool,
    /// Whether the `verify` function failed or did not find the effect.
    pub(super) verification_failed: bool,
}

impl<'s> Step<'s> {
    pub(super) fn new(planned: plan::Step, previous: Option<&'s Record>) -> Self {
        let migration = planned.migration();
        let registration = migration.registration();
        let body = match (planned.direction(), &registration.down) {
            (Direction::Down, Some(down)) => down,
            // A plan has no `down` of a migration that has none.
            (Direction::Up, _) | (Direction::Down, None) => registration.up,
        };
        let interrupted =
            previous.filter(|record| record.status == RecordStatus::Running && record.kind != Some(Kind::Backfill));
        Self {
            migration,
            direction: planned.direction(),
            state: planned.state(),
            kind: body.kind(),
            body,
            previous,
            started_at: now(),
            started: Instant::now(),
            attempts: 0,
            operations: Vec::new(),
            position: (0, 0),
            footprint: None,
            effects: Effects::default(),
            update: None,
            noted: interrupted.map(HistoryEntry::interrupted).map(Box::new),
            notes: Vec::new(),
            underway: false,
            leaves_nothing: false,
            verification_failed: false,
        }
    }

    /// Counts the duration from an earlier time on, at which another run has started it.
    pub(super) fn began(&mut self, at: DateTime) {
        let ago = now().timestamp_millis().saturating_sub(at.timestamp_millis());
        let ago = Duration::from_millis(u64::try_from(ago).unwrap_or(0));
        self.started = Instant::now().checked_sub(ago).unwrap_or(self.started);
    }

    /// The expected state of the stored record that is overwritten.
    pub(super) fn expected(&self) -> Expected {
        match self.direction {
            Direction::Up => Expected::Pending,
            Direction::Down => Expected::Applied,
        }
    }

    /// The status of the record after success.
    pub(super) fn done(&self) -> RecordStatus {
        match self.direction {
            Direction::Up => RecordStatus::Completed,
            Direction::Down => RecordStatus::RolledBack,
        }
    }
}

/// A failure to record.
pub(super) struct RecordedFailure<'e> {
    pub(super) message: &'e str,
    pub(super) chain: Vec<String>,
    /// Whether the migration would fail again if it were retried at once.
    pub(super) permanent: bool,
}
