//! The workers of this process on one backfill.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use mongodb::Database;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::context::Pace;
use crate::error::Error;
use crate::executor::{Asked, Gauge, Opened, RangeState, Seen, Steering, Terms, Throttle, Worker};
use crate::migrator::joined;
use crate::record::host;
use crate::stop::{Reason, Stop};

pub(super) struct Crew<'r> {
    database: &'r Database,
    opened: &'r Opened,
    gauge: &'r Gauge,
    /// Whether the application serves meanwhile.
    beside_service: bool,
    /// Stops the work on all backfills.
    all: &'r Stop,
    /// Stops these workers.
    stop: Stop,
    terms: watch::Sender<Terms>,
    throttle: watch::Sender<Option<Throttle>>,
    /// What follows from the signals of the servers.
    strain: Option<Throttle>,
    /// What the program says.
    asked: Option<Asked>,
    /// A worker that is dropped goes on, because a call of the driver must not be dropped.
    workers: FuturesUnordered<JoinHandle<mongodb::error::Result<()>>>,
    errors: Vec<Error>,
}

impl<'r> Crew<'r> {
    pub(super) fn new(
        database: &'r Database,
        opened: &'r Opened,
        gauge: &'r Gauge,
        beside_service: bool,
        all: &'r Stop,
    ) -> Self {
        let (terms, throttle) = (watch::Sender::new(Terms::ALONE), watch::Sender::new(None));
        let asked = opened.description.throttle.as_ref().map(|ask| Asked::new(ask, database));
        Self {
            database,
            opened,
            gauge,
            beside_service,
            all,
            stop: all.child(),
            terms,
            throttle,
            strain: None,
            asked,
            workers: FuturesUnordered::new(),
            errors: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.workers.is_empty()
    }

    /// Makes the number of workers, over all processes, and their pace what they should be. Returns true if the ranges must be
    /// looked at again for that.
    pub(super) async fn adjust(&mut self, seen: &[Seen], steering: &Steering) -> Result<bool, Error> {
        let (description, tuning) = (&self.opened.description, &steering.tuning);
        let default = if self.beside_service { Pace::Polite } else { Pace::Full };
        let pace = tuning.pace.or(description.pace).unwrap_or(default);
        let workers = tuning.workers.unwrap_or(description.workers).min(pace.most_workers());
        let workers = usize::try_from(workers).unwrap_or(usize::MAX);
        let open = || seen.iter().filter(|range| range.state == RangeState::Open);
        let live = open().filter(|range| range.claim.is_some() && range.live).count();
        let free = open().count() - live;
        let sharing = u32::try_from(workers.min(open().count())).unwrap_or(u32::MAX);
        let batch_time = tuning.batch_time.unwrap_or(Terms::ALONE.batch_time);
        self.terms.send_replace(Terms { workers, pace, sharing, batch_time });
        self.throttle(tuning.max_lag).await;
        if !self.workers.is_empty() && (live > workers || self.workers.len() > workers) {
            // All of them: those that are wanted are hired again.
            self.dismiss().await?;
            return Ok(true);
        }
        let missing = workers.saturating_sub(live).min(free).min(workers.saturating_sub(self.workers.len()));
        for _ in 0..missing {
            self.hire().await?;
        }
        self.check()?;
        Ok(false)
    }

    /// Slows or stops the workers, or lets them go on.
    async fn throttle(&mut self, max_lag: Option<Duration>) {
        self.strain = self.gauge.judge(max_lag, self.strain.as_ref());
        let asked = match &mut self.asked {
            Some(asked) => asked.newest().await,
            None => None,
        };
        let throttle = [self.strain.clone(), asked].into_iter().flatten().max_by_key(|throttle| throttle.stopped);
        self.throttle.send_if_modified(|newest| {
            let is_new = *newest != throttle;
            *newest = throttle;
            is_new
        });
    }

    async fn hire(&mut self) -> Result<(), Error> {
        let session = self.opened.session(self.database).await?;
        let (store, stop, terms) = (self.opened.store.clone(), self.stop.clone(), self.terms.subscribe());
        let worker = Worker::new(store, session, stop, terms, self.opened.description.batches(), &host());
        let mut worker = worker.throttled_by(self.throttle.subscribe());
        let working = self.gauge.working();
        // On any thread, because a body may compute the changes.
        self.workers.push(tokio::spawn(async move {
            let result = worker.work().await;
            drop(working);
            // After an error, its range may still name the session, and whoever claims it ends what the session does.
            if result.is_ok() {
                worker.session.give_back().await;
            }
            result
        }));
        Ok(())
    }

    /// Waits until a worker ends. Without workers, never returns.
    pub(super) async fn next_end(&mut self) {
        match self.workers.next().await {
            Some(ended) => {
                let name = &self.opened.header.collection;
                let failed = |error| Error::server(format!("change documents of '{name}'"), error);
                self.errors.extend(joined(ended.map(|worked| worked.map_err(failed))).err());
            }
            None => std::future::pending().await,
        }
    }

    /// Lets all workers end their batches and give their ranges back. What they could not give back for a while expires.
    pub(super) async fn dismiss(&mut self) -> Result<(), Error> {
        self.stop.raise(Reason::Requested);
        while !self.workers.is_empty() {
            self.next_end().await;
        }
        self.errors.retain(|error| !error.is_temporary());
        self.stop = self.all.child();
        self.check()
    }

    /// Fails if a worker has failed.
    fn check(&mut self) -> Result<(), Error> {
        Error::gather(std::mem::take(&mut self.errors))
    }
}
