//! Transactions on the primary.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::Document;
use tokio::time::Instant;

use super::{Sabotage, Server, State};
use crate::lock::Fenced;
use crate::record::{Record, RecordStatus};
use crate::store::{Change, Expected, Written};

/// The lifetime of a transaction: the limit of 60 s, checked every 30 s.
const LIFETIME: Duration = Duration::from_secs(90);

/// The documents that transactions write.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Fence,
    Record(String),
    Effect(usize),
}

/// The session and the number of a transaction.
pub(crate) type Transaction = (i64, u64);

/// An open transaction.
#[derive(Debug)]
pub(super) struct Open {
    number: u64,
    since: Instant,
    /// Its snapshot from its first operation, with its own writes.
    sees: State,
    /// Counted in writes.
    snapshot: u64,
    pub(super) wrote: BTreeSet<Key>,
    records: Vec<Arc<Record>>,
    effects: Vec<usize>,
}

/// The failure of an operation in a transaction, which always ends the transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gone {
    Conflict,
    NoSuchTransaction,
}

impl Server {
    // Transactions.

    /// Ends expired transactions.
    pub(super) fn sweep(&mut self) {
        self.open.retain(|_, open| open.since.elapsed() < LIFETIME);
    }

    /// Returns the transaction; begins it at its first operation.
    fn open(&mut self, (session, number): Transaction, first: bool) -> Result<&mut Open, Gone> {
        self.sweep();
        if first && self.begun.get(&session).is_none_or(|begun| *begun < number) {
            let (sees, snapshot) = (self.newest().clone(), self.writes);
            let (wrote, records, effects) = (BTreeSet::new(), Vec::new(), Vec::new());
            let open = Open { number, since: Instant::now(), sees, snapshot, wrote, records, effects };
            self.open.insert(session, open);
            self.begun.insert(session, number);
        }
        match self.open.get_mut(&session) {
            Some(open) if open.number == number => Ok(open),
            _ => Err(Gone::NoSuchTransaction),
        }
    }

    /// The first writer of a document wins; the transaction of the other is aborted.
    fn lock(&mut self, transaction: Transaction, key: Key) -> Result<&mut Open, Gone> {
        let snapshot = self.open(transaction, false)?.snapshot;
        let newer = self.newest().written.get(&key).is_some_and(|written| *written > snapshot);
        let other = self.open.iter().any(|(session, open)| *session != transaction.0 && open.wrote.contains(&key));
        if newer || other {
            self.open.remove(&transaction.0);
            return Err(Gone::Conflict);
        }
        let open = self.open(transaction, false)?;
        open.wrote.insert(key);
        Ok(open)
    }

    /// The effect of the body of a step: inserts a document, or updates a document that others update, too.
    pub(crate) fn body(&mut self, transaction: Transaction, first: bool, step: usize, locks: bool) -> Result<(), Gone> {
        self.open(transaction, first)?;
        let sabotage = self.sabotage;
        let open = if locks { self.lock(transaction, Key::Effect(step))? } else { self.open(transaction, false)? };
        if sabotage == Sabotage::EffectsApart {
            self.push(|state| *state.effects.entry(step).or_default() += 1);
        } else {
            open.effects.push(step);
        }
        Ok(())
    }

    pub(crate) fn write(&mut self, transaction: Transaction, first: bool, change: &Change) -> Result<Written, Gone> {
        let open = self.open(transaction, first)?;
        let Some(record) = open.sees.is_written(change) else { return Ok(Written::NotOurs) };
        let open = self.lock(transaction, Key::Record(record.id.clone()))?;
        open.records.push(record);
        Ok(Written::Yes)
    }

    pub(crate) fn pass(&mut self, transaction: Transaction, token: i64) -> Result<Fenced, Gone> {
        let fence = self.open(transaction, false)?.sees.fence;
        match self.sabotage {
            Sabotage::NoFence => return Ok(Fenced::Ours),
            _ if fence != Some(token) => {
                self.tally.fenced_off += 1;
                return Ok(Fenced::Newer);
            }
            Sabotage::FenceIsOnlyRead => return Ok(Fenced::Ours),
            _ => {}
        }
        if let Err(gone) = self.lock(transaction, Key::Fence) {
            self.tally.fenced_off += 1;
            return Err(gone);
        }
        Ok(Fenced::Ours)
    }

    pub(crate) fn commit(&mut self, transaction: Transaction) -> Result<(), Gone> {
        self.sweep();
        if self.newest().committed.contains(&transaction) {
            return Ok(());
        }
        if self.open.get(&transaction.0).is_none_or(|open| open.number != transaction.1) {
            return Err(Gone::NoSuchTransaction);
        }
        let open = self.open.remove(&transaction.0).expect("it was there");
        for record in &open.records {
            self.look_at_commit(record);
        }
        self.tally.committed += 1;
        let written = self.writes + 1;
        self.push(|state| {
            for key in &open.wrote {
                if let Key::Record(id) = key {
                    state.records.insert(id.clone(), open.sees.records[id].clone());
                    put(&mut state.logs, id, open.sees.logs.get(id));
                    put(&mut state.footprints, id, open.sees.footprints.get(id));
                }
                state.written.insert(key.clone(), written);
            }
            for step in &open.effects {
                *state.effects.entry(*step).or_default() += 1;
            }
            state.committed.insert(transaction);
        });
        self.look_at_effects();
        Ok(())
    }

    pub(crate) fn abort(&mut self, (session, number): Transaction) {
        if self.open.get(&session).is_some_and(|open| open.number == number) {
            self.open.remove(&session);
        }
    }
}

impl State {
    /// Stores a change. `None` if the record has another owner by now.
    fn is_written(&mut self, change: &Change) -> Option<Arc<Record>> {
        match change {
            Change::Stored { record, expected, attachment, .. } => {
                let found = self.records.get(&record.id);
                let is_expected = |found: &Record| match expected {
                    Expected::Absent => false,
                    Expected::Pending => found.status != RecordStatus::Completed,
                    Expected::Applied => found.status != RecordStatus::RolledBack,
                };
                if found.is_some_and(|found| !is_expected(found) || found.token > record.token) {
                    return None;
                }
                let record = Arc::new((**record).clone());
                self.records.insert(record.id.clone(), record.clone());
                self.put_beside(&record.id, attachment).then_some(record)
            }
            Change::Logged { id, token, update } => {
                let record = self.records.get(id).filter(|record| record.token == *token)?.clone();
                self.continue_log(id, update).then_some(record)
            }
            Change::Removed { .. } | Change::Noted { .. } => unreachable!("the model removes nothing"),
        }
    }
}

fn put(fields: &mut BTreeMap<String, Arc<Document>>, id: &str, field: Option<&Arc<Document>>) {
    match field {
        Some(field) => fields.insert(id.to_owned(), field.clone()),
        None => fields.remove(id),
    };
}
