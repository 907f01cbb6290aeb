//! A process with steps to run, which is restarted until everything is done.

mod schema;
mod transaction;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use mongodb::bson::DateTime;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::memory::Memory;
use super::schedule::{Body, Call, Kind, What};
use super::server::{Sabotage, State};
use super::session::Session;
use super::world::{World, id, locked};
use crate::context::Log;
use crate::error::Error;
use crate::executor::Failure;
use crate::executor::commit::Committer;
use crate::lock::Lease;
use crate::lock::Lock;
use crate::lock::{Acquisition, Waiter};
use crate::migration::Direction;
use crate::migration::registration::BoxError;
use crate::record::{Record, RecordStatus};
use crate::stop::jitter;
use crate::stop::{Reason, Stop};
use crate::store::{Attachment, Change, Expected};

const LEASE: Duration = Duration::from_secs(60);

/// The time to restart a process after a failure or a crash.
const RESTART: Duration = Duration::from_secs(3);

/// One life of a process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) slot: usize,
    pub(super) session: i64,
    alive: watch::Sender<bool>,
    paused_until: Mutex<Instant>,
    stop: Mutex<Stop>,
    /// Whether a fault excuses that its lease is not released.
    excused: AtomicBool,
    /// Whether a release is in progress. A run does not wait for it longer than its lease lasts.
    releasing: AtomicBool,
}

impl Process {
    pub(super) fn new(slot: usize, session: i64) -> Self {
        Self {
            slot,
            session,
            alive: watch::Sender::new(true),
            paused_until: Mutex::new(Instant::now()),
            stop: Mutex::new(Stop::new()),
            excused: AtomicBool::new(false),
            releasing: AtomicBool::new(false),
        }
    }

    /// Waits while the process is stopped, or forever if it is dead.
    pub(super) async fn gate(&self) {
        loop {
            if !self.is_alive() {
                std::future::pending::<()>().await;
            }
            let until = *locked(&self.paused_until);
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }

    pub(super) fn is_alive(&self) -> bool {
        *self.alive.borrow()
    }

    pub(super) fn pause(&self, seconds: u64) {
        let mut until = locked(&self.paused_until);
        *until = (*until).max(Instant::now() + Duration::from_secs(seconds));
    }

    pub(super) fn die(&self) {
        self.alive.send_replace(false);
    }

    /// Applies the fault before a call.
    pub(super) fn suffer(&self, what: What, at: Call) {
        match what {
            What::PauseBefore(seconds) => self.pause(seconds),
            What::DieBefore => self.die(),
            What::Interrupt => locked(&self.stop).raise(Reason::Interrupted),
            _ => {}
        }
        // A claim that arrives after its process has ended is unnoticed, and a refused release is not retried.
        let refused = matches!(what, What::Refuse | What::Expire);
        if matches!((at, what), (Call::Claim | Call::TakeOver, What::Late(_)))
            || (matches!(at, Call::Free | Call::Withdraw) && refused)
        {
            self.excused.store(true, Ordering::Relaxed);
        }
    }

    /// Tracks whether a call that releases the lease is in progress.
    pub(super) fn releases(&self, at: Call, underway: bool) {
        if matches!(at, Call::Free | Call::Withdraw) {
            self.releasing.store(underway, Ordering::Relaxed);
        }
    }

    async fn died(&self) {
        let mut alive = self.alive.subscribe();
        while *alive.borrow_and_update() {
            if alive.changed().await.is_err() {
                return;
            }
        }
    }
}

/// Lives until everything is done.
pub(super) async fn live(world: Arc<World>, slot: usize) {
    loop {
        let process = world.process(slot);
        let store = Memory { world: world.clone(), process: process.clone() };
        let done = tokio::select! {
            done = run(&store) => done,
            () = process.died() => {
                world.note(|| format!("process {slot} has died"));
                false
            }
        };
        if done {
            return;
        }
        sleep(RESTART).await;
    }
}

/// The lock is released by force.
pub(super) fn unlock(world: Arc<World>) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let store = Memory { process: world.process(usize::MAX), world };
        if let Ok(state) = store.state().await {
            let lock = Lock::of(store.clone(), LEASE);
            let seized = lock.seize(None, newest_token(&state)).await;
            if let Ok(Some(seized)) = &seized {
                lock.kill(&seized.abandoned).await;
            }
            store.world.note(|| {
                format!("the lock was freed by force: {:?}", seized.map(|seized| seized.map(|seized| seized.token)))
            });
        }
    })
}

/// Somebody requests the holder to stop, if there is one.
pub(super) fn request_stop(world: Arc<World>) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let store = Memory { process: world.process(usize::MAX), world };
        let lock = Lock::of(store.clone(), LEASE);
        if let Ok(Some(lease)) = lock.lease_document().await {
            let requested = lock.request_stop(lease.token, Some(lease.token.to_string()), None).await;
            store.world.note(|| format!("the holder of {} is requested to stop: {requested:?}", lease.token));
        }
    })
}

/// Runs a process once. Returns whether everything is done.
async fn run(store: &Memory) -> bool {
    let stop = Stop::new();
    *locked(&store.process.stop) = stop.clone();
    let lock = Lock::of(store.clone(), LEASE);
    let mut session = Session::new(store.process.session);
    let done = up(store, &lock, &mut session, &stop).await;
    let held = store.world.server().newest().lease.as_ref().and_then(|lease| lease.holder.clone());
    let excused = store.process.excused.load(Ordering::Relaxed) || store.process.releasing.load(Ordering::Relaxed);
    if !excused && held.is_some_and(|holder| holder.session == session.document) {
        store.world.server().violate(&format!("I6: process {} has ended, and its lease stands", store.process.slot));
    }
    store.world.note(|| format!("process {} has ended its run: {done:?}", store.process.slot));
    matches!(done, Ok(true)) || store.world.server().waits_for_a_person
}

/// Returns whether a body is blocked by a collection that the application created.
fn waits_for_a_person(error: &BoxError) -> bool {
    match error.downcast_ref() {
        Some(Error::InDoubt { .. }) => true,
        Some(Error::Refused(why)) => why.contains("exists already"),
        _ => false,
    }
}

async fn up(store: &Memory, lock: &Lock<Memory>, session: &mut Session, stop: &Stop) -> Result<bool, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let state = store.state().await.map_err(|error| told(&error))?;
    if todo(store, &state).next().is_none() {
        return Ok(true);
    }
    let document = session.document.clone();
    let mut waiter = Waiter::new(lock, &document, newest_token(&state));
    let lease = match wait(store, &mut waiter, stop).await {
        Ok(Some(lease)) => lease,
        other => {
            waiter.give_up().await;
            return other.map(|_| true);
        }
    };
    let believer = (lease.grant(), lease.guard().clone(), store.process.clone());
    store.world.server().believers.push(believer);
    let result = under_lease(store, lock, &lease, session).await;
    lease.release().await;
    result.map_err(|failure| told(&failure)).map(|()| true)
}

/// Mirrors how a run waits. `None` if another process has done everything.
async fn wait(store: &Memory, waiter: &mut Waiter<'_, Memory>, stop: &Stop) -> Result<Option<Lease<Memory>>, String> {
    loop {
        stop.check().map_err(|reason| reason.to_string())?;
        match waiter.try_acquire(stop).await.map_err(|error| error.to_string())? {
            Acquisition::Ours(lease) => return Ok(Some(lease)),
            Acquisition::Lost => return Err("lost".to_owned()),
            Acquisition::Again => continue,
            Acquisition::Held(_) => {}
        }
        let pause = Duration::from_secs(2);
        sleep(pause + jitter(pause)).await;
        let state = store.state().await.map_err(|error| error.to_string())?;
        if todo(store, &state).next().is_none() {
            return Ok(None);
        }
    }
}

async fn under_lease(
    store: &Memory,
    lock: &Lock<Memory>,
    lease: &Lease<Memory>,
    session: &mut Session,
) -> Result<(), Failure> {
    let former = lease.abandoned();
    if store.sabotage() == Sabotage::EndsFirst {
        lock.kill(&former).await;
    }
    let state = store.state().await.map_err(|error| Failure::server("read the records", error))?;
    if store.sabotage() != Sabotage::EndsFirst {
        let mut logs = state.logs.values().filter_map(|log| Log::parse(log));
        let builds = logs.any(|log| log.builds_an_index());
        let spared = lock.end_former_holders(lease.abandoned(), builds).await;
        lease.ended_former_holders(&spared);
    }
    if store.world.may_end_commands() {
        store.world.server().look_at_former_holders(&lease.abandoned(), store.process.session);
    }
    let committer = Committer { lock, lease };
    for step in todo(store, &state) {
        let Body { seconds, kind } = store.world.schedule.bodies[step];
        let (update, result) = match kind {
            Kind::Tx { locks } => {
                (None, transaction::in_transaction(store, &committer, session, step, seconds, locks).await)
            }
            Kind::Schema(script) => {
                let takes = Duration::from_secs(seconds);
                schema::resume(store, &committer, session, step, takes, script).await
            }
        };
        if let Err(Failure::Failed(error)) = &result {
            let attachment = update.map_or(Attachment::Kept, Attachment::Logged);
            let failed = change(step, RecordStatus::Failed, lease.token(), attachment);
            let recorded = committer.store(session, &[failed]).await;
            if waits_for_a_person(error) {
                let mut server = store.world.server();
                server.waits_for_a_person = true;
                server.tally.waiting += 1;
            }
            store.world.note(|| format!("step {step} failed: {error}, recorded: {:?}", recorded.is_ok()));
        }
        result?;
    }
    Ok(())
}

/// The remaining steps in order.
fn todo(store: &Memory, state: &State) -> impl Iterator<Item = usize> + use<> {
    let pending: Vec<_> =
        (0..store.world.schedule.bodies.len()).filter(|step| !state.is_completed(&id(*step))).collect();
    pending.into_iter()
}

fn newest_token(state: &State) -> i64 {
    state.records.values().map(|record| record.token).max().unwrap_or(0)
}

fn change(step: usize, status: RecordStatus, token: i64, attachment: Attachment) -> Change {
    let record = Record {
        id: id(step),
        status,
        direction: Direction::Up,
        partial: false,
        underway: false,
        canceled: false,
        kind: None,
        source: "system".to_owned(),
        description: String::new(),
        checksum: String::new(),
        reversible: false,
        batch: 1,
        executed_at: DateTime::from_millis(0),
        execution_duration: 0,
        verification_failed: false,
        reverted_at: None,
        applied_by: None,
        reverted_by: None,
        host: String::new(),
        pid: 0,
        environment: None,
        codebase_version: None,
        error: None,
        error_stack: None,
        permanent: false,
        attempts: 1,
        token,
        position: None,
    };
    Change::Stored { record: Box::new(record), expected: Expected::Pending, attachment, entry: None }
}
