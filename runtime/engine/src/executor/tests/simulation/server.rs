//! An in-memory primary, and the state of a majority.

mod collections;
mod ddl;
mod lease;
mod transaction;
mod watch;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::Document;
use tokio::time::Instant;

use self::ddl::Running;
use self::lease::Lease;
use self::transaction::{Key, Open};
use super::process::Process;
use super::schedule::{Body, Kind};
use super::script;
use crate::lock::{Grant, millis};
use crate::record::{Record, RecordStatus};
use crate::stop::Guard;

pub(super) use collections::{Collection, Collections, DATABASE, HOME, WRITTEN, contents, indexes};
pub(super) use ddl::Ddl;
pub(super) use transaction::{Gone, Transaction};
pub(super) use watch::Tally;

/// The time without a primary at a failover.
const ELECTION: Duration = Duration::from_secs(2);

/// A deliberate bug, to show that the model finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sabotage {
    Nothing,
    /// Commits do not touch the fence.
    NoFence,
    /// Commits only read the fence.
    FenceIsOnlyRead,
    /// Effects of bodies are visible at once, not with their records.
    EffectsApart,
    /// Commands lack the UUID of their collection.
    NoCollectionUuid,
    /// A successor ends commands before it reads the records, and does not wait.
    EndsFirst,
    /// A resolved effect is not read again when it is stored.
    OneLook,
    /// Presence is inferred from reads, not from effects.
    PresenceFromLook,
    /// A body starts over although it has a log.
    FromTheTop,
}

/// A snapshot of everything stored.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) lease: Option<Lease>,
    pub(super) fence: Option<i64>,
    pub(super) records: BTreeMap<String, Arc<Record>>,
    /// How often the body of each step has taken effect.
    pub(super) effects: BTreeMap<usize, u32>,
    pub(super) collections: Arc<Collections>,
    /// The logs of unfinished bodies, and the footprints of the others.
    pub(super) logs: BTreeMap<String, Arc<Document>>,
    pub(super) footprints: BTreeMap<String, Arc<Document>>,
    /// Transactions that have committed.
    committed: BTreeSet<Transaction>,
    /// The last write of each document, counted in writes.
    written: BTreeMap<Key, u64>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records: Vec<_> = self.records.values().map(|record| (&record.id, record.status, record.token)).collect();
        write!(f, "{records:?} with effects {:?}, fence {:?}", self.effects, self.fence)
    }
}

impl State {
    pub(super) fn is_completed(&self, id: &str) -> bool {
        self.records.get(id).is_some_and(|record| record.status == RecordStatus::Completed)
    }
}

/// The primary.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "what has happened, each by itself")]
pub(super) struct Server {
    /// After each write.
    log: Vec<State>,
    /// The state of a majority.
    majority: usize,
    /// Counted up at each fail-over.
    pub(super) term: u64,
    /// The time of the next election.
    pub(super) up_at: Instant,
    began: Instant,
    /// The offset of the primary's clock in milliseconds.
    ahead: i64,
    clocks_differ: bool,
    writes: u64,
    open: HashMap<i64, Open>,
    /// The newest transaction that each session has begun.
    begun: HashMap<i64, u64>,
    pub(super) sabotage: Sabotage,
    bodies: Vec<Body>,
    /// Commands that change collections or indexes, in the order of their arrival.
    running: BTreeMap<u64, Running>,
    arrived: u64,
    /// The time at which each session took the lease.
    took: HashMap<i64, Instant>,
    /// Whether a late command changed an index.
    pub(super) stale: bool,
    /// Whether the application created a collection.
    pub(super) written: bool,
    /// Whether a body is blocked until a person intervenes.
    pub(super) waits_for_a_person: bool,
    /// Whether a failover has undone changes of collections or indexes.
    undone: bool,
    /// The time until which each process believes to hold the lease.
    pub(super) believers: Vec<(Grant, Guard, Arc<Process>)>,
    granted: BTreeSet<i64>,
    /// How often the raise of a successor's session was blocked by an open transaction.
    held_up: HashMap<i64, u32>,
    pub(super) violations: Vec<String>,
    pub(super) tally: Tally,
}

impl Server {
    pub(super) fn new(bodies: &[Body], sabotage: Sabotage) -> Self {
        Self {
            log: vec![State { collections: Arc::new(script::initial()), ..State::default() }],
            majority: 0,
            term: 0,
            up_at: Instant::now(),
            began: Instant::now(),
            ahead: 0,
            clocks_differ: false,
            writes: 0,
            open: HashMap::new(),
            begun: HashMap::new(),
            sabotage,
            bodies: bodies.to_vec(),
            running: BTreeMap::new(),
            arrived: 0,
            took: HashMap::new(),
            stale: false,
            undone: false,
            written: false,
            waits_for_a_person: false,
            believers: Vec::new(),
            granted: BTreeSet::new(),
            held_up: HashMap::new(),
            violations: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// The state of a majority.
    pub(super) fn majority(&self) -> &State {
        &self.log[self.majority]
    }

    /// The newest state of the primary.
    pub(super) fn newest(&self) -> &State {
        &self.log[self.log.len() - 1]
    }

    /// The position of the newest write, for [`Self::replicate`].
    pub(super) fn place(&self) -> usize {
        self.log.len() - 1
    }

    /// Replicates everything up to a position to a majority.
    pub(super) fn replicate(&mut self, place: usize) {
        self.majority = self.majority.max(place);
    }

    /// Like [`Self::replicate`]. Returns false if there was a failover since.
    pub(super) fn replicate_in(&mut self, term: u64, place: usize) -> bool {
        let same = self.term == term;
        if same {
            self.replicate(place);
        }
        same
    }

    /// Whether what a step does is counted: in a transaction, each time is one too many.
    fn is_counted(&self, step: usize) -> bool {
        matches!(self.bodies[step].kind, Kind::Tx { .. })
    }

    /// The primary's clock, in milliseconds.
    fn now(&self) -> i64 {
        millis(self.began.elapsed()) + self.ahead
    }

    /// Another server becomes primary.
    pub(super) fn fail_over(&mut self, survives: bool, ahead_minutes: i64) {
        if survives {
            self.majority = self.place();
        } else {
            self.tally.undone += self.place() - self.majority;
            self.undone |= self.newest().collections != self.majority().collections;
            self.log.truncate(self.majority + 1);
        }
        self.open.clear();
        self.end_all();
        self.term += 1;
        self.up_at = Instant::now() + ELECTION;
        self.ahead += ahead_minutes * 60_000;
        self.clocks_differ |= ahead_minutes != 0;
    }

    fn push(&mut self, change: impl FnOnce(&mut State)) {
        let before = self.newest();
        let (lease, fence) = (before.lease.as_ref().map(|lease| lease.token), before.fence);
        let mut next = before.clone();
        change(&mut next);
        let fell = next.lease.as_ref().map(|lease| lease.token) < lease || next.fence < fence;
        self.log.push(next);
        self.writes += 1;
        if fell {
            self.violate("a token fell");
        }
    }
}
