//! A round: workers that come and go, fail-overs, the application, and sometimes an operator who gives up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::{Bson, DateTime, oid::ObjectId};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::memory::{Memory, Session, broken};
use super::network::{Executed, LIMIT, World, chance, up_to};
use super::server::Server;
use super::state::{Key, Sabotage, Tally};
use crate::context::Batches;
use crate::executor::backfill::range::{Counts, Range, RangeId, RangeState};
use crate::executor::backfill::terms::Terms;
use crate::executor::backfill::throttle::Throttle;
use crate::executor::backfill::worker::Worker;
use crate::stop::{Reason, Stop, seeded};

/// Number of processes, each with one worker.
const PROCESSES: i64 = 3;

/// The ranges, by their first document. The `_id`s of the planned documents are even.
const STARTS: [i64; 3] = [0, 16, 32];
pub(super) const LAST: i64 = 46;

/// Plays a round. Returns what was violated.
pub(super) fn play(seed: u64, sabotage: Sabotage) -> (Vec<String>, Tally) {
    seeded::seed((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(run(sabotage))
}

async fn run(sabotage: Sabotage) -> (Vec<String>, Tally) {
    let documents = (0..=LAST).step_by(2).map(|id| (id, 0)).collect();
    let world = Arc::new(World::new(Server::new(documents, ranges(), sabotage)));
    let removes = chance(3);
    let others = [tokio::spawn(world.clone().fail_overs()), tokio::spawn(world.clone().application())];
    let operator = tokio::spawn(world.clone().operator(removes));
    let processes = (0..PROCESSES).map(|slot| tokio::spawn(world.clone().process(slot)));
    let ended = timeout(LIMIT, futures_util::future::try_join_all(processes)).await;
    let mut violations = match ended {
        Err(_) => vec![format!("not done after {LIMIT:?}: {:?}", world.server().majority().ranges)],
        Ok(Err(panic)) => vec![panic.to_string()],
        Ok(Ok(_)) => Vec::new(),
    };
    let at_removal = operator.await.expect("the operator");
    futures_util::future::join_all(others).await;
    // Commands that are still running.
    sleep(Duration::from_secs(1_000)).await;
    let mut server = world.server();
    violations.append(&mut server.violations);
    let counts = &server.newest().documents;
    for (id, count) in counts.iter().filter(|(_, count)| **count > 1) {
        violations.push(format!("{id} was changed {count} times"));
    }
    if let Some(before) = at_removal {
        // The application may have deleted some.
        let later = counts.iter().filter(|(id, count)| before.get(*id).is_some_and(|before| before != *count));
        violations.extend(later.map(|(id, _)| format!("{id} was changed after the ranges were removed")));
    } else {
        let is_skipped = |id: &i64| server.newest().skipped.iter().any(|stretch| stretch.contains(id));
        let missing = counts.iter().filter(|(id, count)| *id % 2 == 0 && **count == 0 && !is_skipped(id));
        violations.extend(missing.map(|(id, _)| format!("{id} was not changed")));
    }
    (violations, std::mem::take(&mut server.tally))
}

pub(super) fn ranges() -> Vec<Range> {
    let run = ObjectId::new();
    let ends = STARTS.iter().skip(1).chain([&LAST]);
    let range = |((n, start), end): ((i64, &i64), &i64)| Range {
        id: RangeId { run, n },
        migration: "001_numbers".to_owned(),
        lease: 1,
        from: Bson::Int64(*start),
        next: Bson::Int64(*start),
        end: Bson::Int64(*end),
        last: *end == LAST,
        state: RangeState::Open,
        token: 0,
        claim: None,
        active: DateTime::from_millis(0),
        counts: Counts::default(),
        failure: None,
    };
    (0..).zip(&STARTS).zip(ends).map(range).collect()
}

impl World {
    /// Starts workers, which crash or are stopped, until nothing is left to do.
    async fn process(self: Arc<Self>, slot: i64) {
        for life in 0.. {
            if self.server().majority().ranges.values().all(|range| range.state == RangeState::Done) {
                return;
            }
            let (world, stop, at_most) = (self.clone(), Stop::new(), if chance(2) { 1 } else { 4 });
            let batches = Batches { first: at_most, at_most, skips: 10 };
            let throttle = watch::Sender::new(None);
            let throttled = throttle.subscribe();
            if chance(3) {
                tokio::spawn(self.clone().strain(throttle));
            }
            let own = stop.clone();
            let mut work = tokio::spawn(async move {
                let session = Session::new(slot + life * PROCESSES);
                let terms = watch::channel(Terms { workers: 2, sharing: 2, ..Terms::ALONE }).1;
                let worker = Worker::new(Memory::new(world), session, own, terms, batches, "host");
                worker.throttled_by(throttled).work().await
            });
            let lives = if self.is_faulty() && chance(2) { up_to(5_000) } else { LIMIT };
            if timeout(lives, &mut work).await.is_err() {
                if chance(2) {
                    self.server().tally.crashed += 1;
                    work.abort();
                } else {
                    stop.raise(Reason::Interrupted);
                    let _ = work.await.expect("a worker");
                }
            }
            self.reopen();
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// Slows and stops a worker at times.
    async fn strain(self: Arc<Self>, throttle: watch::Sender<Option<Throttle>>) {
        let other = |stopped| Throttle { stopped, reason: "the members are behind".to_owned() };
        while self.is_faulty() && throttle.receiver_count() > 0 {
            throttle.send_replace((!chance(3)).then(|| other(chance(2))));
            sleep(up_to(20_000)).await;
        }
    }

    /// Makes failed ranges open again.
    fn reopen(&self) {
        let mut server = self.server();
        let failed = server.majority().ranges.values().filter(|range| range.state == RangeState::Failed);
        let failed: Vec<_> = failed.map(|range| range.id.n).collect();
        for n in failed {
            let serial = server.write(&[Key::Range(n)], |state| {
                let range = state.ranges.get_mut(&n).filter(|range| range.state == RangeState::Failed);
                if let Some(range) = range {
                    (range.state, range.failure, range.token) = (RangeState::Open, None, range.token + 1);
                }
            });
            server.replicate(serial);
        }
    }

    /// The majority lags, and sometimes another member becomes the primary.
    async fn fail_overs(self: Arc<Self>) {
        while self.is_faulty() {
            sleep(up_to(10_000)).await;
            self.lag(up_to(5_000));
            if chance(2) {
                continue;
            }
            let skew = if chance(3) { 120_000 - i64::try_from(up_to(240_000).as_millis()).unwrap_or(0) } else { 0 };
            self.server().fail_over(skew);
        }
    }

    /// Changes, inserts and deletes documents.
    async fn application(self: Arc<Self>) {
        while self.is_faulty() {
            sleep(up_to(500)).await;
            let id = i64::try_from(seeded::random() % u64::try_from(LAST).unwrap_or(1)).unwrap_or(0);
            let deletes = chance(10);
            let mut server = self.server();
            let key = Key::Document(id);
            if server.is_locked(key) {
                continue;
            }
            if id % 2 == 1 {
                server.write(&[key], |state| {
                    state.documents.entry(id).or_default();
                });
            } else if server.newest().documents.contains_key(&id) {
                server.write(&[key], |state| {
                    if deletes {
                        state.documents.remove(&id);
                    }
                });
            }
        }
    }

    /// Removes the ranges at some time. Returns how often each document had been changed.
    async fn operator(self: Arc<Self>, removes: bool) -> Option<BTreeMap<i64, u32>> {
        if !removes {
            return None;
        }
        sleep(up_to(20_000)).await;
        loop {
            let remove = |server: &mut Server| {
                let numbers: Vec<_> = server.newest().ranges.keys().copied().collect();
                if numbers.iter().any(|n| server.is_locked(Key::Range(*n))) {
                    return Executed::Blocked;
                }
                let keys: Vec<_> = numbers.into_iter().map(Key::Range).collect();
                Executed::Written((), server.write(&keys, |state| state.ranges.clear()))
            };
            if self.send(self.hits(20), broken, remove).await.is_ok() {
                let mut server = self.server();
                server.tally.removed += 1;
                return Some(server.newest().documents.clone());
            }
        }
    }
}
