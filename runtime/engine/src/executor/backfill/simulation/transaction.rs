//! Transactions on the primary.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::server::Server;
use super::state::{Gone, INVALID, Key, LIFETIME, Open, Sabotage, Transaction, place};
use crate::executor::backfill::range::{Range, RangeState};

impl Server {
    /// Begins a transaction, which ends the former one of the session.
    fn begin(&mut self, (session, number): Transaction) -> Result<(), Gone> {
        if self.begun.get(&session).is_some_and(|begun| *begun >= number) {
            return Err(Gone::NoSuchTransaction);
        }
        self.begun.insert(session, number);
        let (since, sees) = (Instant::now(), self.newest().clone());
        let (locks, changed, checkpoint) = (BTreeSet::new(), Vec::new(), None);
        self.open.insert(session, Open { number, since, sees, locks, changed, checkpoint });
        Ok(())
    }

    fn opened(&mut self, (session, number): Transaction) -> Result<&mut Open, Gone> {
        self.open.retain(|_, open| open.since.elapsed() < LIFETIME);
        self.open.get_mut(&session).filter(|open| open.number == number).ok_or(Gone::NoSuchTransaction)
    }

    /// The first writer of a document wins; the transaction of the other is aborted.
    fn lock(&mut self, transaction: Transaction, key: Key) -> Result<(), Gone> {
        let snapshot = self.opened(transaction)?.sees.serial;
        let is_newer = self.newest().written.get(&key).is_some_and(|written| *written > snapshot);
        let has_other = self.open.iter().any(|(session, open)| *session != transaction.0 && open.locks.contains(&key));
        if is_newer || has_other {
            self.tally.conflicts += 1;
            self.open.remove(&transaction.0);
            return Err(Gone::Conflict);
        }
        self.opened(transaction)?.locks.insert(key);
        Ok(())
    }

    /// Changes the documents from `from` to before `to`, or to `to`.
    pub(super) fn change(
        &mut self,
        transaction: Transaction,
        (from, to): (i64, i64),
        including: bool,
    ) -> Result<u64, Gone> {
        self.begin(transaction)?;
        let documents = self.opened(transaction)?.sees.documents.clone();
        let inside = documents.into_keys().filter(|id| *id >= from && (*id < to || including && *id == to));
        let mut changed = 0;
        for id in inside {
            if INVALID.contains(&id) {
                return Err(Gone::Invalid);
            }
            self.lock(transaction, Key::Document(id))?;
            self.opened(transaction)?.changed.push(id);
            changed += 1;
        }
        Ok(changed)
    }

    /// Returns whether a stored range is where its worker knows it to be.
    pub(super) fn is_same(&self, stored: &Range, before: &Range) -> bool {
        stored.state == RangeState::Open
            && (stored.token == before.token || self.sabotage == Sabotage::NoToken)
            && (stored.next == before.next || self.sabotage == Sabotage::NoNext)
    }

    pub(super) fn checkpoint(&mut self, transaction: Transaction, before: &Range, after: &Range) -> Result<bool, Gone> {
        let stored = self.opened(transaction)?.sees.ranges.get(&before.id.n).cloned();
        if !stored.is_some_and(|stored| self.is_same(&stored, before)) {
            self.tally.refused += 1;
            return Ok(false);
        }
        if self.sabotage != Sabotage::OnlyRead {
            self.lock(transaction, Key::Range(before.id.n))?;
        }
        self.opened(transaction)?.checkpoint = Some((before.clone(), after.clone()));
        Ok(true)
    }

    /// Commits. Returns the serial number to wait for.
    pub(super) fn commit(&mut self, transaction: Transaction) -> Result<u64, Gone> {
        if self.newest().committed.contains(&transaction) {
            return Ok(self.newest().serial);
        }
        self.opened(transaction)?;
        let Some(open) = self.open.remove(&transaction.0) else { return Err(Gone::NoSuchTransaction) };
        self.tally.commits += 1;
        let Some((before, after)) = &open.checkpoint else {
            self.violations.push("a batch was committed without its checkpoint".to_owned());
            return Err(Gone::NoSuchTransaction);
        };
        let violation = match self.newest().ranges.get(&before.id.n) {
            None => Some("a batch of a removed range was committed"),
            Some(stored) if stored.token != before.token => Some("a batch was committed under an old token"),
            Some(stored) if place(&stored.next) > place(&after.next) => Some("a range moved backwards"),
            Some(_) => None,
        };
        self.violations.extend(violation.map(str::to_owned));
        let now = self.now();
        let keys: Vec<_> = open.locks.iter().copied().collect();
        Ok(self.write(&keys, |state| {
            state.committed.insert(transaction);
            for id in &open.changed {
                *state.documents.entry(*id).or_default() += 1;
            }
            if let Some(stored) = state.ranges.get_mut(&before.id.n) {
                (stored.next, stored.state, stored.counts, stored.active) =
                    (after.next.clone(), after.state, after.counts, now);
                if after.state == RangeState::Done {
                    stored.claim = None;
                }
            }
        }))
    }

    pub(super) fn abort(&mut self, (session, number): Transaction) {
        if self.open.get(&session).is_some_and(|open| open.number == number) {
            self.open.remove(&session);
        }
    }

    pub(super) fn kill(&mut self, session: i64) {
        if self.open.remove(&session).is_some() {
            self.tally.killed += 1;
        }
    }
}
