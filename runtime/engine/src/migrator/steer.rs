//! Pausing, resuming and tuning a backfill, from any process.

use std::future::IntoFuture;
use std::num::NonZeroU32;

use mongodb::BoxFuture;
use mongodb::bson::{Bson, Document};

use super::Migrator;
use super::backfills::Pause;
use super::entry::entry;
use crate::context::Pace;
use crate::error::Error;
use crate::record::{Act, HistoryEntry};
use crate::store::now;

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
    /// Whether `workers` and `pace` are as in the code if they are `None`. Otherwise, that changes nothing.
    as_coded: bool,
    workers: Option<NonZeroU32>,
    pace: Option<Pace>,
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
            workers: None,
            pace: None,
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

    /// Takes the number of workers and the pace from the code again, unless they are set here.
    pub fn as_coded(mut self) -> Self {
        self.as_coded = true;
        self
    }

    /// Sets the number of batches that run at the same time, over all processes.
    pub fn workers(mut self, workers: NonZeroU32) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Sets the pace.
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = Some(pace);
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

    /// Summarizes the changes: `paused, workers 4, pace polite`.
    fn summary(&self) -> String {
        let paused = self.paused.map(|paused| if paused { "paused" } else { "resumed" }.to_owned());
        let coded = || self.as_coded.then(|| "as in the code".to_owned());
        let workers = self.workers.map(|workers| workers.to_string()).or_else(coded);
        let pace = self.pace.map(|pace| pace.to_string()).or_else(coded);
        let named = |name: &str, value: Option<String>| value.map(|value| format!("{name} {value}"));
        let all = [paused, named("workers", workers), named("pace", pace)];
        all.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    async fn steer(self, migrator: Migrator) -> Result<(), Error> {
        let inner = &migrator.0;
        let summary = self.summary();
        let by = self.by.or_else(|| inner.options.actor.clone());
        if summary.is_empty() {
            return Err(Error::Refused("nothing to change: pause, resume, or set workers or a pace".to_owned()));
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
        change("workers", self.workers.map(|workers| i64::from(workers.get()).into()), self.as_coded);
        change("pace", self.pace.map(|pace| pace.to_string().into()), self.as_coded);
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
