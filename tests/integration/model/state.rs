//! The state of a database, as far as the model covers it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use mongrate::history::Act;
use mongrate::migration::{Direction, State};
use mongrate::record::RecordStatus;

/// Records, history and effects; migrations are known by their places. The same for the model and for what is observed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct World {
    pub(super) records: BTreeMap<usize, Stored>,
    pub(super) history: Vec<Entry>,
    /// How often `Tx` and raw bodies took effect, by place and whether up.
    pub(super) ledger: BTreeMap<(usize, bool), u32>,
    /// Whose index is there.
    pub(super) shelf: BTreeSet<usize>,
}

/// A record.
#[derive(Clone, PartialEq)]
pub(super) struct Stored {
    pub(super) status: RecordStatus,
    pub(super) direction: Direction,
    pub(super) batch: i64,
    pub(super) attempts: i64,
    pub(super) version: u32,
    pub(super) has_error: bool,
}

/// A history entry.
#[derive(Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) act: Act,
    pub(super) place: Option<usize>,
    pub(super) status: Option<RecordStatus>,
    pub(super) batch: Option<i64>,
    pub(super) attempts: i64,
    pub(super) version: Option<u32>,
    pub(super) has_error: bool,
}

impl Stored {
    pub(super) fn state(&self) -> State {
        match self.status {
            RecordStatus::Running => State::Interrupted,
            RecordStatus::Completed => State::Completed,
            RecordStatus::Failed => State::Failed,
            RecordStatus::RolledBack => State::RolledBack,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn is_half_reverted(&self) -> bool {
        self.direction == Direction::Down && matches!(self.status, RecordStatus::Running | RecordStatus::Failed)
    }
}

impl World {
    pub(super) fn state(&self, place: usize) -> State {
        self.records.get(&place).map_or(State::New, Stored::state)
    }

    pub(super) fn is_completed(&self, place: usize) -> bool {
        self.state(place) == State::Completed
    }

    /// Whether there is something of it to revert.
    pub(super) fn is_applied(&self, place: usize) -> bool {
        self.is_completed(place) || self.records.get(&place).is_some_and(Stored::is_half_reverted)
    }

    pub(super) fn completed(&self) -> BTreeSet<usize> {
        self.records.keys().copied().filter(|&place| self.is_completed(place)).collect()
    }

    /// When it was applied last, as the place of that entry in the history.
    pub(super) fn applied(&self, place: usize) -> Option<usize> {
        let applies = |entry: &Entry| matches!(entry.act, Act::Up | Act::MarkApplied | Act::Baseline);
        self.history.iter().rposition(|entry| {
            entry.place == Some(place) && applies(entry) && entry.status == Some(RecordStatus::Completed)
        })
    }

    pub(super) fn next_batch(&self) -> i64 {
        let records = self.records.values().map(|record| record.batch);
        records.chain(self.history.iter().filter_map(|entry| entry.batch)).max().unwrap_or(0) + 1
    }

    /// Whoever finds an execution that was interrupted writes its entry, before its own.
    pub(super) fn note_interrupted(&mut self, place: usize) {
        let found = self.records.get(&place).filter(|record| record.status == RecordStatus::Running);
        let entry = found.map(|record| Entry {
            act: if record.direction == Direction::Up { Act::Up } else { Act::Down },
            place: Some(place),
            status: Some(RecordStatus::Running),
            batch: Some(record.batch),
            attempts: record.attempts,
            version: Some(record.version),
            has_error: false,
        });
        self.history.extend(entry);
    }

    pub(super) fn attempts(&self, place: usize) -> i64 {
        self.records.get(&place).map_or(0, |record| record.attempts)
    }
}

// On one line each: a failure prints whole worlds.
impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, direction, batch, attempts, version, has_error } = self;
        write!(f, "{status:?} {direction:?}, batch {batch}, attempts {attempts}, version {version}, error {has_error}")
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { act, place, status, batch, attempts, version, has_error } = self;
        write!(
            f,
            "{act:?} {place:?} {status:?}, batch {batch:?}, attempts {attempts}, version {version:?}, error {has_error}"
        )
    }
}
