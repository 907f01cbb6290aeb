//! Pausing, resuming and tuning a backfill, from any process.

use std::future::IntoFuture;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use mongodb::BoxFuture;
use mongodb::bson::{Bson, Document};

use super::Migrator;
use super::backfills::{Pause, Tuning};
use super::entry::entry;
use crate::context::Pace;
use crate::error::Error;
use crate::options::bounded;
use crate::record::{Act, HistoryEntry};
use crate::store::now;

/// From the resolution of what the servers report.
const LAGS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3_600);

/// Far below what a transaction may last.
const BATCH_TIMES: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(10);

/// A future that steers a backfill that is underway; returned by [`Migrator::steer`]. Set what to change, who and why, then await
/// it.
///
/// It takes no lock. The processes that work on the backfill, whichever they are, follow within about a second after their current
/// batches; those that have nothing to do, within 5 seconds. A paused backfill stays paused until it is resumed, over restarts
/// and deploys. The history records each change.
///
/// Fails with [`Error::NotUnderway`] if the migration is not a backfill that has started and not completed.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// migrator.steer("010_order_totals").pause().by("ana").because("sale until noon").await?;
/// migrator.steer("010_order_totals").resume().pace(mongrate::context::Pace::Polite).await?;
/// # Ok(()) }
/// ```
#[must_use = "nothing changes until this is awaited"]
#[derive(Clone, Debug)]
pub struct Steer {
    migrator: Migrator,
    id: String,
    /// `None` changes nothing.
    paused: Option<bool>,
    /// Whether what is `None` is as in the code. Otherwise, that changes nothing.
    as_coded: bool,
    tuning: Tuning,
    by: Option<String>,
    because: Option<String>,
}

impl Migrator {
    /// Pauses, resumes or tunes a backfill (qualified id) that is underway.
    pub fn steer(&self, id: impl Into<String>) -> Steer {
        Steer {
            migrator: self.clone(),
            id: id.into(),
            paused: None,
            as_coded: false,
            tuning: Tuning::default(),
            by: None,
            because: None,
        }
    }
}

impl Steer {
    /// Stops the work on it until it is [resumed](Self::resume).
    pub fn pause(mut self) -> Self {
        self.paused = Some(true);
        self
    }

    /// Lets the work go on.
    pub fn resume(mut self) -> Self {
        self.paused = Some(false);
        self
    }

    /// Takes what is not set here from the code again, and limits that the code does not have are as by default.
    pub fn as_coded(mut self) -> Self {
        self.as_coded = true;
        self
    }

    /// Sets the number of batches that run at the same time, over all processes.
    pub fn workers(mut self, workers: NonZeroU32) -> Self {
        self.tuning.workers = Some(workers.get());
        self
    }

    /// Sets the pace.
    pub fn pace(mut self, pace: Pace) -> Self {
        self.tuning.pace = Some(pace);
        self
    }

    /// Sets from which lag of a member or of the majority on no batch starts, in place of 4 seconds: from 1 second to 1 hour. From
    /// half of it on, the work is slowed. The servers report whole seconds.
    pub fn max_lag(mut self, lag: Duration) -> Self {
        self.tuning.max_lag = Some(lag);
        self
    }

    /// Sets how long a batch should take, in place of 100 ms: from 10 ms to 10 seconds. A write of the application to one of its
    /// documents waits for so long.
    pub fn batch_time(mut self, time: Duration) -> Self {
        self.tuning.batch_time = Some(time);
        self
    }

    /// Sets the person or program to record, instead of the migrator's actor.
    pub fn by(mut self, name: impl Into<String>) -> Self {
        self.by = Some(name.into());
        self
    }

    /// Sets the reason to record.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.because = Some(reason.into());
        self
    }

    /// Summarizes the changes: `paused, 4 workers, pace polite`.
    fn summary(&self) -> String {
        let paused = self.paused.map(|paused| if paused { "paused" } else { "resumed" }.to_owned());
        let tuning = Some(self.tuning.to_string()).filter(|tuning| !tuning.is_empty());
        let coded = if tuning.is_some() { "the rest as in the code" } else { "as in the code" };
        let coded = self.as_coded.then(|| coded.to_owned());
        [paused, tuning, coded].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Fails if a time is out of range.
    fn check(&self) -> Result<(), Error> {
        let Tuning { max_lag, batch_time, .. } = self.tuning;
        max_lag.map_or(Ok(()), |lag| bounded("max_lag", lag, &LAGS, "1 second to 1 hour"))?;
        batch_time.map_or(Ok(()), |time| bounded("batch_time", time, &BATCH_TIMES, "10 ms to 10 seconds"))
    }

    async fn steer(self, migrator: Migrator) -> Result<(), Error> {
        let inner = &migrator.0;
        self.check()?;
        let summary = self.summary();
        let by = self.by.or_else(|| inner.options.actor.clone());
        if summary.is_empty() {
            return Err(Error::Refused("nothing to change: pause, resume, or tune it".to_owned()));
        }
        let header = migrator.open_backfill(&self.id).await?;
        let source = migrator.records().await?.get(&self.id).map(|record| record.source.clone());
        let (mut set, mut unset) = (Document::new(), Document::new());
        let mut change = |field: &str, value: Option<Bson>, clears: bool| match value {
            Some(value) => drop(set.insert(field, value)),
            None if clears => drop(unset.insert(field, "")),
            None => {}
        };
        let pause = Pause { by: by.clone(), because: self.because.clone(), at: now() };
        let paused = self.paused == Some(true);
        change("paused", paused.then(|| pause.to_document().into()), self.paused.is_some());
        let Tuning { workers, pace, max_lag, batch_time } = self.tuning;
        let ms = |time: Duration| Bson::Int64(i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
        change("workers", workers.map(|workers| i64::from(workers).into()), self.as_coded);
        change("pace", pace.map(|pace| pace.to_string().into()), self.as_coded);
        change("maxLagMs", max_lag.map(ms), self.as_coded);
        change("batchMs", batch_time.map(ms), self.as_coded);
        if !inner.tracker.steer_backfill(&self.id, header.run, set, unset).await? {
            return Err(Error::NotUnderway { id: self.id });
        }
        let entry = entry(Act::Steer, 0, &inner.options);
        let (id, because) = (Some(self.id), self.because);
        let entry = HistoryEntry { migration_id: id, source, by, because, steered: Some(summary), ..entry };
        inner.tracker.append(&entry).await
    }
}

impl IntoFuture for Steer {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Result<(), Error>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.migrator.clone().complete(async move |migrator| self.steer(migrator).await))
    }
}
