//! What the simulated server holds, and what is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::ops;
use std::time::Duration;

use mongodb::bson::Bson;
use tokio::time::Instant;

use crate::executor::backfill::range::Range;

/// A defect of the protocol that the model must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sabotage {
    Nothing,
    /// A checkpoint is not conditional on the place of the range.
    NoNext,
    /// A checkpoint is not conditional on the token of the claim.
    NoToken,
    /// A checkpoint takes no write lock.
    OnlyRead,
}

/// What happened, in numbers.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) commits: u32,
    /// Checkpoints that found another range.
    pub(super) refused: u32,
    pub(super) conflicts: u32,
    /// Writes whose sender waited for a majority that never had them.
    pub(super) undone: u32,
    /// Claims that waited for a transaction.
    pub(super) blocked: u32,
    /// Open transactions of former workers that were ended.
    pub(super) killed: u32,
    pub(super) crashed: u32,
    pub(super) skipped: u32,
    /// Renewals of claims by workers that are stopped.
    pub(super) renewed: u32,
    /// Backfills whose ranges were removed.
    pub(super) removed: u32,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.commits += other.commits;
        self.refused += other.refused;
        self.conflicts += other.conflicts;
        self.undone += other.undone;
        self.blocked += other.blocked;
        self.killed += other.killed;
        self.crashed += other.crashed;
        self.skipped += other.skipped;
        self.renewed += other.renewed;
        self.removed += other.removed;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Document(i64),
    Range(i64),
}

#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// Numbers this state among all that there ever were.
    pub(super) serial: u64,
    /// How often each document was changed.
    pub(super) documents: BTreeMap<i64, u32>,
    pub(super) ranges: BTreeMap<i64, Range>,
    /// The stretches that were skipped.
    pub(super) skipped: Vec<ops::Range<i64>>,
    pub(super) written: BTreeMap<Key, u64>,
    pub(super) committed: BTreeSet<Transaction>,
}

/// The documents that cannot be changed.
pub(super) const INVALID: [i64; 2] = [10, 34];

/// The lifetime of a transaction: the limit of 60 s, checked every 30 s.
pub(super) const LIFETIME: Duration = Duration::from_secs(90);

/// The session and the number of a transaction.
pub(super) type Transaction = (i64, u64);

/// An open transaction.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) number: u64,
    pub(super) since: Instant,
    /// Its snapshot.
    pub(super) sees: State,
    pub(super) locks: BTreeSet<Key>,
    pub(super) changed: Vec<i64>,
    /// The range before and after the batch.
    pub(super) checkpoint: Option<(Range, Range)>,
}

/// The failure of an operation in a transaction, which always ends the transaction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Gone {
    Conflict,
    NoSuchTransaction,
    /// The document cannot be changed.
    Invalid,
}

pub(super) fn place(id: &Bson) -> i64 {
    id.as_i64().expect("an id of the model")
}
