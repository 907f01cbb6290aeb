//! Invariants and tallies.

use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::{Document, oid::ObjectId};
use tokio::time::Instant;

use super::super::process::Process;
use super::super::schedule::Kind;
use super::super::script::undisturbed;
use super::super::world::id;
use super::{Server, WRITTEN, contents, indexes};
use crate::context::{Expectation, Footprint};
use crate::record::{Record, RecordStatus};

/// How often a raise may be blocked: killSessions itself may be lost once or twice.
const TOO_OFTEN: u32 = 6;

/// A tally of events, to show that the interesting cases occur.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) faults: usize,
    /// Leases taken over from a holder that did not release it.
    pub(crate) taken_over: usize,
    /// Transactions that did not pass the fence, because it was newer or was raised meanwhile.
    pub(crate) fenced_off: usize,
    /// Transactions of others that were ended.
    pub(crate) killed: usize,
    /// Raises that met a transaction that had passed the fence.
    pub(crate) blocked: usize,
    /// Heartbeats that read a request to stop.
    pub(crate) stopped: usize,
    /// Writes undone by a failover.
    pub(crate) undone: usize,
    pub(crate) committed: usize,
    /// Commands that changed collections or indexes, and those of them that came too late.
    pub(crate) ddl: usize,
    pub(crate) late: usize,
    /// Bodies that wait for a person.
    pub(crate) waiting: usize,
    /// The maximum time beyond the duration of faults and bodies.
    pub(crate) longest: Duration,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.faults += other.faults;
        self.taken_over += other.taken_over;
        self.fenced_off += other.fenced_off;
        self.killed += other.killed;
        self.blocked += other.blocked;
        self.stopped += other.stopped;
        self.undone += other.undone;
        self.committed += other.committed;
        self.ddl += other.ddl;
        self.late += other.late;
        self.waiting += other.waiting;
        self.longest = self.longest.max(other.longest);
    }
}

impl Server {
    pub(crate) fn violate(&mut self, what: &str) {
        let at = self.began.elapsed();
        self.violations.push(format!("after {at:?}: {what}"));
    }

    /// Checks that no live holder is taken for dead. Only if the clocks of two primaries differ, a
    /// holder must have sent heartbeats to be safe.
    pub(crate) fn look_for_believers(&mut self, nonce: ObjectId, lease: Duration, silent_for: Duration) {
        let now = Instant::now();
        let safe = !self.clocks_differ || silent_for < lease / 4;
        let believes = self
            .believers
            .iter()
            .any(|(grant, guard, process)| grant.nonce == nonce && process.is_alive() && guard.deadline() > now);
        if safe && believes {
            self.violate(&format!(
                "a holder that was silent for {silent_for:?} only lost its lease before its deadline"
            ));
        }
    }

    /// Checks that no holder acts after its deadline.
    pub(crate) fn look_at_deadline(&mut self, process: &Arc<Process>) {
        let lease = self.believers.iter().rfind(|(_, _, believer)| Arc::ptr_eq(believer, process));
        if lease.is_some_and(|(_, guard, _)| guard.deadline() <= Instant::now()) {
            self.violate("I2: somebody acts past its own deadline");
        }
    }

    /// Checks that a successor succeeds in spite of open transactions of the former holder.
    pub(super) fn watch_raise(&mut self, session: &Document, has_taken_over: bool) {
        let Ok(session) = session.get_i64("id") else { return };
        self.held_up.remove(&session);
        if has_taken_over {
            self.held_up.insert(session, 0);
        }
    }

    /// A raise has met an open transaction for as long as it may wait.
    pub(crate) fn was_held_up(&mut self, session: i64) {
        let Some(times) = self.held_up.get_mut(&session) else { return };
        *times += 1;
        if *times == TOO_OFTEN {
            self.violate("a take-over is held up by an open transaction that it could end");
        }
    }

    /// A token that somebody has been given.
    pub(crate) fn grant(&mut self, token: i64) {
        if !self.granted.insert(token) {
            self.violate(&format!("two holders have token {token}"));
        }
    }

    pub(crate) fn look_at_commit(&mut self, record: &Record) {
        let fence = self.newest().fence;
        if fence > Some(record.token) {
            self.violate(&format!("I2: {} committed with token {}, the fence is {fence:?}", record.id, record.token));
        }
        if record.status != RecordStatus::Completed {
            return;
        }
        let before: Vec<_> = (0..self.bodies.len()).map(id).take_while(|id| *id != record.id).collect();
        if let Some(missing) = before.iter().find(|id| !self.newest().is_completed(id)) {
            self.violate(&format!("I3: {} committed before {missing}", record.id));
        }
    }

    pub(crate) fn look_at_effects(&mut self) {
        for step in (0..self.bodies.len()).filter(|step| self.is_counted(*step)).collect::<Vec<_>>() {
            let effects = self.newest().effects.get(&step).copied().unwrap_or(0);
            let completed = self.newest().is_completed(&id(step));
            if effects != u32::from(completed) {
                self.violate(&format!(
                    "I1: step {step} has {effects} effects, and it is {completed} that it is completed"
                ));
            }
        }
    }

    /// Lost documents, including those of the application. In doubt, a body waits for a person instead of losing documents.
    fn losses(&self) -> Vec<String> {
        let found = contents(&self.majority().collections);
        let lost =
            ["present orders", WRITTEN].into_iter().filter(|documents| !found.values().any(|there| there == documents));
        let lost = lost.map(|documents| format!("I1: {documents} are lost: {found:?}"));
        let ends = self.waits_for_a_person || self.majority().is_completed(&id(0));
        lost.chain((!ends).then(|| "nobody gets through".to_owned())).collect()
    }

    /// Differences from the result of an undisturbed run.
    pub(crate) fn shortcomings(&self) -> Vec<String> {
        if self.written {
            return self.losses();
        }
        let (state, mut short) = (self.majority(), Vec::new());
        if self.waits_for_a_person {
            short.push("a body waits for a person without a reason".to_owned());
        }
        let mut scripts = Vec::new();
        for (step, body) in self.bodies.iter().enumerate() {
            let effects = match body.kind {
                Kind::Tx { .. } => state.effects.get(&step).copied().unwrap_or(0),
                Kind::Schema(script) => {
                    scripts.push(script);
                    1
                }
            };
            if effects != 1 || !state.is_completed(&id(step)) {
                short.push(format!("I1: step {step} has {effects} effects in the end"));
            }
        }
        let wanted = undisturbed(scripts.into_iter());
        let (found, expected) = (contents(&state.collections), contents(&wanted));
        if found != expected {
            short.push(format!("I1: the contents are {found:?} in the end, not {expected:?}"));
        }
        let footprints = state.footprints.iter().filter_map(|(id, left)| Footprint::parse(id, left)).collect();
        let differences = Expectation::of(footprints).differences(&state.look());
        let reported = differences.iter().any(|difference| !difference.is_notice);
        let (found, expected) = (indexes(&state.collections), indexes(&wanted));
        if (found != expected) != reported || (reported && !self.stale) {
            short.push(format!(
                "the indexes are {found:?} in the end, not {expected:?}, and reported is {differences:?}"
            ));
        }
        short
    }
}
