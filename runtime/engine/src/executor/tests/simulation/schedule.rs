//! The schedule of an interleaving.

use std::ops::RangeInclusive;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::script::Script;

/// An interleaving, except for the latencies, which are derived from `seed`.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub(super) seed: u64,
    /// When each process starts, in seconds.
    pub(super) starts: Vec<u64>,
    pub(super) bodies: Vec<Body>,
    pub(super) faults: Vec<Fault>,
    /// Whether a process may end the sessions of others.
    pub(super) may_kill: bool,
}

/// The body of a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    /// Its duration, or that of each operation of a `Schema` body.
    pub(super) seconds: u64,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Updates a shared document if `locks`, or else inserts a document.
    Tx {
        locks: bool,
    },
    Schema(Script),
}

impl Body {
    fn takes(self) -> u64 {
        match self.kind {
            Kind::Tx { .. } => self.seconds,
            Kind::Schema(script) => self.seconds * script.effects().len() as u64,
        }
    }
}

/// A fault of the process that makes a certain server call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) at: Call,
    /// The index of the call among all calls of this kind.
    pub(super) nth: usize,
    pub(super) what: What,
}

/// The server calls of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Call {
    Records,
    Seed,
    Sighting,
    Claim,
    /// A claim on the lease of a holder that has stopped.
    TakeOver,
    Withdraw,
    Prolong,
    RequestStop,
    Free,
    Revoke,
    Raise,
    Kill,
    Body,
    Write,
    Pass,
    Commit,
    Abort,
    Holds,
    UnderWay,
    /// `listCollections` or `listIndexes`.
    Look,
    /// A command that changes collections or indexes.
    Ddl,
}

impl Call {
    /// Returns whether the response waits for a majority.
    pub(super) fn waits_for_majority(self) -> bool {
        !matches!(self, Self::Body | Self::Write | Self::Pass | Self::Look | Self::UnderWay)
    }
}

/// The kind of a fault. Numbers are seconds.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// The process is stopped (SIGSTOP) before it sends the request.
    PauseBefore(u64),
    /// The process is stopped before it receives the reply.
    PauseAfter(u64),
    /// The request takes this long to arrive.
    SlowRequest(u64),
    /// The reply takes this long to arrive.
    SlowReply(u64),
    /// The process is killed before it sends the request.
    DieBefore,
    /// The process is killed before it receives the reply.
    DieAfter,
    /// The connection breaks; the request has not arrived.
    LoseRequest,
    /// The connection breaks; the request has been executed.
    LoseReply,
    /// The connection breaks; the request is executed this much later.
    Late(u64),
    /// The server has executed the request, but a majority may never have it.
    InDoubt,
    /// The server refuses with an unknown error.
    Refuse,
    /// The server has executed the request, but reports a timeout.
    Expire,
    /// Another server becomes primary, with its clock this many minutes ahead; this request was not executed. Writes
    /// without a majority may be lost.
    FailOverBefore { survives: bool, ahead: i64 },
    /// Like `FailOverBefore`, after this request was executed, but before a majority has it.
    FailOverAfter { survives: bool, ahead: i64 },
    /// The process receives SIGTERM.
    Interrupt,
    /// The lock is released by force.
    Unlock,
    /// Somebody requests the holder to stop.
    RequestStop,
    /// The application writes to a collection, which creates it if it is missing.
    ApplicationWrites(&'static str),
}

impl Schedule {
    /// The time limit of the interleaving: six leases more than the sum of its faults and bodies.
    pub(super) fn limit(&self) -> Duration {
        self.takes() + Duration::from_secs(6 * 60)
    }

    /// The sum of the durations of bodies and faults.
    pub(super) fn takes(&self) -> Duration {
        let faults: u64 = self.faults.iter().map(|fault| fault.what.seconds()).sum();
        let bodies: u64 = self.bodies.iter().map(|body| body.takes()).sum();
        Duration::from_secs(faults + bodies * (1 + self.faults.len() as u64) + self.starts.iter().sum::<u64>())
    }
}

impl What {
    fn seconds(self) -> u64 {
        match self {
            Self::PauseBefore(seconds)
            | Self::PauseAfter(seconds)
            | Self::SlowRequest(seconds)
            | Self::SlowReply(seconds)
            | Self::Late(seconds) => seconds,
            _ => 0,
        }
    }
}

/// Shorter than a heartbeat, than the margin, than a lease, than two, and longer than anything.
fn seconds() -> impl Strategy<Value = u64> {
    prop::sample::select(vec![1, 5, 20, 20, 50, 70, 70, 130, 130, 400])
}

fn call() -> impl Strategy<Value = Call> {
    use Call::*;
    prop_oneof![
        5 => Just(Commit),
        5 => Just(Pass),
        1 => Just(Claim),
        3 => Just(TakeOver),
        2 => Just(Raise),
        2 => Just(Prolong),
        2 => Just(Body),
        8 => prop::sample::select(vec![Records, Seed, Sighting, Withdraw, Free, Kill, Write, Abort, Holds, UnderWay]),
    ]
}

fn what() -> impl Strategy<Value = What> {
    let ahead = || prop::sample::select(vec![0, 0, 60, -60]);
    prop_oneof![
        6 => seconds().prop_map(What::PauseBefore),
        5 => seconds().prop_map(What::PauseAfter),
        2 => seconds().prop_map(What::SlowRequest),
        2 => seconds().prop_map(What::SlowReply),
        2 => Just(What::DieBefore),
        2 => Just(What::DieAfter),
        1 => Just(What::LoseRequest),
        2 => Just(What::LoseReply),
        2 => seconds().prop_map(What::Late),
        1 => Just(What::InDoubt),
        1 => Just(What::Refuse),
        1 => Just(What::Expire),
        2 => (any::<bool>(), ahead()).prop_map(|(survives, ahead)| What::FailOverBefore { survives, ahead }),
        3 => (any::<bool>(), ahead()).prop_map(|(survives, ahead)| What::FailOverAfter { survives, ahead }),
        1 => Just(What::Interrupt),
        1 => Just(What::Unlock),
        2 => Just(What::RequestStop),
    ]
}

fn body() -> impl Strategy<Value = Body> {
    (prop::sample::select(vec![0, 0, 3, 40]), any::<bool>())
        .prop_map(|(seconds, locks)| Body { seconds, kind: Kind::Tx { locks } })
}

/// A body whose commands end at once or outlast a lease.
fn body_of_ddl() -> impl Strategy<Value = Body> {
    let script = prop::sample::select(vec![Script::Replace, Script::Reindex]);
    (prop::sample::select(vec![0, 0, 3, 130]), script)
        .prop_map(|(seconds, script)| Body { seconds, kind: Kind::Schema(script) })
}

fn nth() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![0, 0, 0, 0, 1, 1, 2, 4])
}

fn fault(call: impl Strategy<Value = Call>) -> impl Strategy<Value = Fault> {
    (call, nth(), what()).prop_map(|(at, nth, what)| Fault { at, nth, what })
}

/// What goes together with DDL: it comes late, while its sender is held up; or it is in doubt and then undone, before that is
/// settled; or its sender dies while it is under way.
fn faults_of_ddl() -> impl Strategy<Value = Vec<Fault>> {
    use Call::*;
    let transaction = || prop::sample::select(vec![Write, Pass, Commit]);
    let late = (0..3_usize, seconds(), prop_oneof![Just(Ddl), Just(Look), Just(Prolong)], nth(), seconds()).prop_map(
        |(n, late, at, nth, pause)| {
            vec![Fault { at: Ddl, nth: n, what: What::Late(late) }, Fault { at, nth, what: What::PauseBefore(pause) }]
        },
    );
    let undone = (0..3_usize, transaction()).prop_map(|(n, at)| {
        let undo = What::FailOverBefore { survives: false, ahead: 0 };
        vec![Fault { at: Ddl, nth: n, what: What::InDoubt }, Fault { at, nth: n + 1, what: undo }]
    });
    let death = nth().prop_map(|nth| vec![Fault { at: Prolong, nth, what: What::DieBefore }]);
    let any = fault(prop_oneof![2 => Just(Ddl), 1 => Just(Look), 1 => transaction(), 1 => call()]);
    prop_oneof![4 => any.prop_map(|fault| vec![fault]), 1 => late, 1 => undone, 1 => death]
}

fn starts(processes: RangeInclusive<usize>) -> impl Strategy<Value = Vec<u64>> {
    vec(prop::sample::select(vec![0, 0, 1, 30]), processes)
}

/// Arbitrary interleavings of transactions.
pub(super) fn transactions() -> impl Strategy<Value = Schedule> {
    schedules(starts(2..=4), vec(body(), 1..=3), vec(fault(call()), 1..=6))
}

/// Arbitrary interleavings of bodies that change collections and indexes.
pub(super) fn ddl() -> impl Strategy<Value = Schedule> {
    let bodies = vec(prop_oneof![5 => body_of_ddl(), 1 => body()], 1..=2);
    schedules(starts(1..=2), bodies, vec(faults_of_ddl(), 1..=4).prop_map(|faults| faults.concat()))
}

/// Arbitrary interleavings of a body with writes of the application to its collections.
pub(super) fn ddl_and_writes() -> impl Strategy<Value = Schedule> {
    let body = body_of_ddl().prop_map(|body| vec![Body { kind: Kind::Schema(Script::Replace), ..body }]);
    let writes = (prop_oneof![Just(Call::Ddl), Just(Call::Look), Just(Call::Commit)], 0..4_usize);
    let writes = (writes, prop::sample::select(vec!["orders", "orders_old"]))
        .prop_map(|((at, nth), on)| vec![Fault { at, nth, what: What::ApplicationWrites(on) }]);
    let faults = vec(prop_oneof![1 => writes, 1 => faults_of_ddl()], 1..=4);
    schedules(starts(1..=2), body, faults.prop_map(|faults| faults.concat()))
}

fn schedules(
    starts: impl Strategy<Value = Vec<u64>>,
    bodies: impl Strategy<Value = Vec<Body>>,
    faults: impl Strategy<Value = Vec<Fault>>,
) -> impl Strategy<Value = Schedule> {
    (any::<u64>(), starts, bodies, faults, prop::bool::weighted(0.8))
        .prop_map(|(seed, starts, bodies, faults, may_kill)| Schedule { seed, starts, bodies, faults, may_kill })
}
