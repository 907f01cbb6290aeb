//! A worker that is slowed or stopped for the sake of the servers, without faults.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::memory::{CLAIM, Memory, Session};
use super::network::{FAULTY, World};
use super::server::Server;
use super::state::{INVALID, Sabotage};
use super::world::{LAST, ranges};
use crate::context::Batches;
use crate::executor::backfill::range::{Range, RangeState};
use crate::executor::backfill::terms::Terms;
use crate::executor::backfill::throttle::Throttle;
use crate::executor::backfill::worker::Worker;
use crate::stop::{Reason, Stop, seeded};

/// Much longer than a claim.
const HOUR: Duration = Duration::from_secs(3_600);

/// A worker that takes one document after another.
struct Site {
    world: Arc<World>,
    throttle: watch::Sender<Option<Throttle>>,
    stop: Stop,
    work: JoinHandle<mongodb::error::Result<()>>,
    began: Instant,
}

fn throttle(stopped: bool) -> Throttle {
    Throttle { stopped, reason: "member h2:27018 is 3 s behind, limit 2 s".to_owned() }
}

/// The documents that can be changed.
fn changeable() -> impl Iterator<Item = i64> {
    (0..=LAST).step_by(2).filter(|id| !INVALID.contains(id))
}

impl Site {
    async fn new(throttle: Option<Throttle>) -> Self {
        seeded::seed(1);
        let documents = changeable().map(|id| (id, 0)).collect();
        let world = Arc::new(World::new(Server::new(documents, ranges(), Sabotage::Nothing)));
        sleep(FAULTY).await;
        let (throttle, stop) = (watch::Sender::new(throttle), Stop::new());
        let terms = watch::channel(Terms::ALONE).1;
        let batches = Batches { first: 1, at_most: 1, skips: 0 };
        let worker = Worker::new(Memory::new(world.clone()), Session::new(0), stop.clone(), terms, batches, "host");
        let mut worker = worker.throttled_by(throttle.subscribe());
        let work = tokio::spawn(async move { worker.work().await });
        Self { world, throttle, stop, work, began: Instant::now() }
    }

    fn commits(&self) -> u32 {
        self.world.server().tally.commits
    }

    /// The tokens of the claimed ranges whose claims have not expired, with what they say.
    fn held(&self) -> Vec<(i64, Option<Throttle>)> {
        let server = self.world.server();
        let now = server.now().timestamp_millis();
        let ranges = server.majority().ranges.values();
        let live = ranges.filter(|range| now < range.active.timestamp_millis() + CLAIM);
        live.filter_map(|range| Some((range.token, range.claim.as_ref()?.throttled.clone()))).collect()
    }

    /// Waits for the end, and returns how long it took.
    async fn completes(self) -> Duration {
        self.work.await.unwrap().unwrap();
        let server = self.world.server();
        assert!(server.majority().ranges.values().all(|range| range.state == RangeState::Done));
        let once: BTreeMap<_, _> = changeable().map(|id| (id, 1)).collect();
        assert_eq!(server.majority().documents, once);
        self.began.elapsed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_slowed_worker_takes_about_three_times_as_long() {
    let (usual, slowed) =
        (Site::new(None).await.completes().await, Site::new(Some(throttle(false))).await.completes().await);
    println!("{usual:?}, {slowed:?}");
    assert!(slowed > usual * 2 && slowed < usual * 4, "{usual:?}, {slowed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stopped_worker_keeps_its_claim_and_goes_on() {
    let site = Site::new(Some(throttle(true))).await;
    sleep(Duration::from_secs(1)).await;
    let held = site.held();
    assert_eq!(held, [(1, Some(throttle(true)))]);
    sleep(HOUR).await;
    assert_eq!((site.commits(), site.held()), (0, held));
    site.throttle.send_replace(None);
    site.completes().await;
}

#[tokio::test(start_paused = true)]
async fn a_stopped_worker_gives_its_range_back_at_once_when_asked() {
    let site = Site::new(None).await;
    let is_known = || site.world.server().majority().ranges.values().any(|range| range.counts.batches > 1);
    while !is_known() {
        sleep(Duration::from_millis(10)).await;
    }
    site.throttle.send_replace(Some(throttle(true)));
    sleep(HOUR).await;
    // It keeps its rate, from which the time that is left is estimated.
    let rate = |range: &Range| range.claim.as_ref().map(|_| range.counts.rate);
    let rates: Vec<_> = site.world.server().majority().ranges.values().filter_map(rate).collect();
    assert!(rates.len() == 1 && rates[0] > 0.0, "{rates:?}");
    let asked = Instant::now();
    site.stop.raise(Reason::Requested);
    site.work.await.unwrap().unwrap();
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    let server = site.world.server();
    assert!(server.majority().ranges.values().all(|range| range.claim.is_none()));
}

/// As when the run was dropped, so that nobody asks the servers any more.
#[tokio::test(start_paused = true)]
async fn a_stopped_worker_does_not_wait_for_a_gauge_that_is_gone() {
    let mut site = Site::new(Some(throttle(true))).await;
    sleep(Duration::from_secs(1)).await;
    site.throttle = watch::Sender::new(None);
    site.completes().await;
}
