//! A primary that holds ranges and documents with counters.

use std::collections::{BTreeMap, BTreeSet};

use mongodb::bson::DateTime;
use tokio::time::Instant;

use super::state::{Key, LIFETIME, Open, Sabotage, State, Tally};
use crate::executor::backfill::range::Range;

#[derive(Debug)]
pub(super) struct Server {
    /// The states since the newest that a majority has.
    history: Vec<State>,
    serial: u64,
    /// The writes that fail-overs have undone.
    undone: BTreeSet<u64>,
    pub(super) open: BTreeMap<i64, Open>,
    /// The newest transaction of each session.
    pub(super) begun: BTreeMap<i64, u64>,
    began: Instant,
    /// The difference of the primary's clock, in milliseconds.
    skew: i64,
    pub(super) sabotage: Sabotage,
    pub(super) violations: Vec<String>,
    pub(super) tally: Tally,
}

impl Server {
    pub(super) fn new(documents: BTreeMap<i64, u32>, ranges: Vec<Range>, sabotage: Sabotage) -> Self {
        let ranges = ranges.into_iter().map(|range| (range.id.n, range)).collect();
        Self {
            history: vec![State { documents, ranges, ..State::default() }],
            serial: 0,
            undone: BTreeSet::new(),
            open: BTreeMap::new(),
            begun: BTreeMap::new(),
            began: Instant::now(),
            skew: 0,
            sabotage,
            violations: Vec::new(),
            tally: Tally::default(),
        }
    }

    pub(super) fn majority(&self) -> &State {
        &self.history[0]
    }

    pub(super) fn newest(&self) -> &State {
        &self.history[self.history.len() - 1]
    }

    pub(super) fn now(&self) -> DateTime {
        let elapsed = i64::try_from(self.began.elapsed().as_millis()).expect("a short time");
        DateTime::from_millis(elapsed + self.skew)
    }

    /// Returns whether a transaction has written a document and is open, so that other writes wait.
    pub(super) fn is_locked(&mut self, key: Key) -> bool {
        self.open.retain(|_, open| open.since.elapsed() < LIFETIME);
        self.open.values().any(|open| open.locks.contains(&key))
    }

    /// Writes outside of a transaction. Returns the serial number to wait for.
    pub(super) fn write(&mut self, keys: &[Key], change: impl FnOnce(&mut State)) -> u64 {
        self.serial += 1;
        let mut state = self.newest().clone();
        state.serial = self.serial;
        state.written.extend(keys.iter().map(|key| (*key, self.serial)));
        change(&mut state);
        self.history.push(state);
        self.serial
    }

    /// Lets a majority have a write. Returns false if a fail-over has undone it.
    pub(super) fn replicate(&mut self, serial: u64) -> bool {
        if let Some(index) = self.history.iter().position(|state| state.serial == serial) {
            self.history.drain(..index);
        }
        !self.undone.contains(&serial)
    }

    /// Another member with another clock becomes the primary.
    pub(super) fn fail_over(&mut self, skew: i64) {
        self.undone.extend(self.history.drain(1..).map(|state| state.serial));
        self.skew = skew;
        self.open.clear();
        self.begun = self.newest().committed.iter().copied().collect();
    }
}
