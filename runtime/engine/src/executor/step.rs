//! One step of a plan while it runs.

use mongodb::bson::DateTime;
use tokio::time::Instant;

use crate::context::{Footprint, Position};
use crate::migration::registration::Run;
use crate::migration::{Direction, Kind, Migration, State};
use crate::plan;
use crate::record::{Effects, HistoryEntry, Record, RecordStatus};
use crate::report::Operation;
use crate::store::{Expected, LogUpdate, now};

/// A step while it runs.
pub(super) struct Step<'s> {
    pub(super) migration: Migration,
    pub(super) direction: Direction,
    pub(super) state: State,
    /// How it runs: the kind of the function that the verb calls.
    pub(super) kind: Kind,
    pub(super) body: &'static dyn Run,
    pub(super) previous: Option<&'s Record>,
    pub(super) started_at: DateTime,
    pub(super) started: Instant,
    pub(super) attempts: u32,
    pub(super) operations: Vec<Operation>,
    /// When it is executed: the token of the run, and its number in it. A dry run has none.
    pub(super) position: Position,
    /// What it has left in the database, if that is known.
    pub(super) footprint: Option<Footprint>,
    /// Of a `Schema` body: what it has done, for the history.
    pub(super) effects: Effects,
    /// Of a `Schema` body: what its record lacks of its log.
    pub(super) update: Option<LogUpdate>,
    /// The history's entry of an execution of it that was interrupted, until it is stored.
    pub(super) interrupted: Option<Box<HistoryEntry>>,
    /// What a person should know of it.
    pub(super) notes: Vec<String>,
    /// Whether the `verify` function said no.
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
        let interrupted = previous.filter(|record| record.status == RecordStatus::Running);
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
            interrupted: interrupted.map(HistoryEntry::interrupted).map(Box::new),
            notes: Vec::new(),
            verification_failed: false,
        }
    }

    /// What is written over the stored record.
    pub(super) fn expected(&self) -> Expected {
        match self.direction {
            Direction::Up => Expected::Pending,
            Direction::Down => Expected::Applied,
        }
    }

    /// The status of a record when this has gone well.
    pub(super) fn done(&self) -> RecordStatus {
        match self.direction {
            Direction::Up => RecordStatus::Completed,
            Direction::Down => RecordStatus::RolledBack,
        }
    }
}

/// An error as it goes on record.
pub(super) struct ErrorOnRecord<'e> {
    pub(super) message: &'e str,
    pub(super) chain: Vec<String>,
    /// Whether it would be there again if the migration ran again at once.
    pub(super) permanent: bool,
}
