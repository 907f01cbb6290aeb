//! A complete interleaving and its verdict.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::process::{self, Process};
use super::schedule::{Call, Fault, Schedule, What};
use super::server::{Sabotage, Server, Tally};
use crate::stop::seeded;

#[derive(Debug)]
pub(super) struct World {
    pub(super) schedule: Schedule,
    server: Mutex<Server>,
    /// The number of calls of each kind.
    calls: Mutex<HashMap<Call, usize>>,
    sessions: Mutex<i64>,
    began: Instant,
    /// A trace, if requested.
    trace: Option<Mutex<Vec<String>>>,
}

/// The result of an interleaving.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Violated invariants.
    pub(super) violations: Vec<String>,
    pub(super) trace: Vec<String>,
    pub(super) tally: Tally,
}

/// Plays one interleaving.
pub(super) fn play(schedule: &Schedule, sabotage: Sabotage, trace: bool) -> Outcome {
    seeded::seed(schedule.seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(run(schedule, sabotage, trace))
}

async fn run(schedule: &Schedule, sabotage: Sabotage, trace: bool) -> Outcome {
    let world = Arc::new(World {
        schedule: schedule.clone(),
        server: Mutex::new(Server::new(&schedule.bodies, sabotage)),
        calls: Mutex::default(),
        sessions: Mutex::default(),
        began: Instant::now(),
        trace: trace.then(Mutex::default),
    });
    let began = Instant::now();
    let processes = schedule.starts.iter().enumerate().map(|(slot, start)| {
        let (world, start) = (world.clone(), Duration::from_secs(*start));
        async move {
            sleep(start).await;
            process::live(world, slot).await;
        }
    });
    let all = futures_util::future::join_all(processes.map(tokio::spawn));
    let in_time = timeout(schedule.limit(), all).await;
    let lasted = began.elapsed();
    // Commands that are still running.
    sleep(Duration::from_secs(1_000)).await;
    let mut violations = std::mem::take(&mut world.server().violations);
    match in_time {
        Err(_) => violations.push(format!("nobody gets through: not done after {:?}", schedule.limit())),
        Ok(ended) => violations.extend(ended.into_iter().filter_map(Result::err).map(|panic| panic.to_string())),
    }
    let mut server = world.server();
    let newest = server.place();
    server.replicate(newest);
    violations.extend(server.shortcomings());
    let tally = Tally { longest: lasted.saturating_sub(schedule.takes()), ..server.tally };
    drop(server);
    let trace = world.trace.as_ref().map(|trace| std::mem::take(&mut *locked(trace))).unwrap_or_default();
    Outcome { violations, trace, tally }
}

impl World {
    pub(super) fn server(&self) -> MutexGuard<'_, Server> {
        locked(&self.server)
    }

    /// What happens to the next call of this sort.
    pub(super) fn faults(&self, at: Call) -> Vec<What> {
        let mut calls = locked(&self.calls);
        let count = calls.entry(at).or_default();
        let nth = std::mem::replace(count, *count + 1);
        let here = self.schedule.faults.iter().filter(|fault| (fault.at, fault.nth) == (at, nth));
        let here: Vec<_> = here.map(|fault| fault.what).collect();
        drop(calls);
        if !here.is_empty() {
            self.server().tally.faults += here.len();
        }
        here
    }

    pub(super) fn note(&self, what: impl FnOnce() -> String) {
        if let Some(trace) = &self.trace {
            locked(trace).push(format!("{:>9.3} {}", self.began.elapsed().as_secs_f64(), what()));
        }
    }

    /// Returns whether no fault prevents processes from ending the commands of others.
    pub(super) fn may_end_commands(&self) -> bool {
        let fails = |fault: &Fault| matches!(fault.at, Call::Kill | Call::UnderWay);
        self.schedule.may_kill && !self.schedule.faults.iter().any(fails)
    }

    /// Starts a process.
    pub(super) fn process(&self, slot: usize) -> Arc<Process> {
        let mut sessions = locked(&self.sessions);
        *sessions += 1;
        Arc::new(Process::new(slot, *sessions))
    }
}

/// The id of a step.
pub(super) fn id(step: usize) -> String {
    format!("{:03}_step", step + 1)
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
