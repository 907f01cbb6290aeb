//! The work of this process on one backfill.

use std::time::Duration;

use tokio::time::timeout;

use super::crew::Crew;
use super::notices::Notices;
use crate::error::Error;
use crate::events::Event;
use crate::executor::{Gauge, Header, Opened, RangeState, Seen, Steering, reading_ranges};
use crate::migration::Migration;
use crate::migrator::Migrator;
use crate::migrator::connection::Link;
use crate::stop::Stop;
use crate::store::Tracker;

/// How often a process that works looks at the ranges and at what a person has set.
const INTERVAL: Duration = Duration::from_secs(1);

/// How often a process that has nothing to do looks.
const IDLE: Duration = Duration::from_secs(5);

/// How the work on a backfill ended.
pub(super) enum Worked {
    /// All ranges are done. The next pass under the lease records it.
    Done,
    /// A range has failed. The next pass under the lease records it.
    Failed,
    /// It is paused, as the warning says.
    Paused(String),
    Stopped,
}

/// A backfill, and how this process works on it.
pub(super) struct One<'r> {
    pub(super) migrator: &'r Migrator,
    pub(super) link: &'r Link,
    pub(super) migration: Migration,
    pub(super) opened: Opened,
    pub(super) gauge: &'r Gauge,
    pub(super) notices: &'r Notices,
    /// Whether the application serves meanwhile.
    pub(super) beside_service: bool,
    pub(super) stop: &'r Stop,
}

impl One<'_> {
    pub(super) async fn work(&self) -> Result<Worked, Error> {
        let mut crew = Crew::new(&self.link.database, &self.opened, self.gauge, self.beside_service, self.stop);
        let worked = self.keep_at_work(&mut crew).await;
        let dismissed = crew.dismiss().await;
        let worked = worked?;
        if matches!(worked, Worked::Done | Worked::Failed) {
            self.tracker().settle_backfill(self.migration.id(), self.opened.header.run).await?;
        }
        dismissed?;
        Ok(worked)
    }

    async fn keep_at_work(&self, crew: &mut Crew<'_>) -> Result<Worked, Error> {
        while self.stop.check().is_ok() {
            match self.look().await {
                Ok((seen, _)) if seen.iter().any(|range| range.state == RangeState::Failed) => {
                    return Ok(Worked::Failed);
                }
                Ok((seen, _)) if seen.iter().all(|range| range.state == RangeState::Done) => return Ok(Worked::Done),
                // Another process has completed it, or it was marked by hand.
                Ok((_, None)) => return Ok(Worked::Done),
                Ok((_, Some(Steering { paused: Some(pause), .. }))) => {
                    crew.dismiss().await?;
                    if !self.beside_service {
                        let id = self.migration.id();
                        return Ok(Worked::Paused(format!("'{id}' is {pause}, and goes on when it is resumed")));
                    }
                }
                Ok((seen, Some(steering))) => {
                    if crew.adjust(&seen, &steering).await? {
                        continue;
                    }
                }
                // Workers find out by themselves, and a service goes on serving.
                Err(error)
                    if !crew.is_empty() || error.is_transient() || self.beside_service && error.is_temporary() =>
                {
                    tracing::debug!(%error, "the progress of a backfill is unknown");
                }
                Err(error) => return Err(error),
            }
            let interval = if crew.is_empty() { IDLE } else { INTERVAL };
            tokio::select! {
                () = crew.next_end() => {}
                _ = timeout(interval, self.stop.raised()) => {}
            }
        }
        Ok(Worked::Stopped)
    }

    /// Returns the ranges, and what a person has set, unless the backfill has ended. Reads once.
    async fn look(&self) -> Result<(Vec<Seen>, Option<Steering>), Error> {
        let (options, run) = (&self.migrator.0.options, self.opened.header.run);
        let ranges = reading_ranges(run, options.lease);
        let (header, seen) = self.tracker().backfill_with(self.migration.id(), &options.names.ranges, ranges).await?;
        self.report_progress(&seen);
        let header = header.and_then(|stored| Header::read(&stored)).filter(|header| header.run == run);
        let steering = header.map(|header| header.steering);
        if let Some(steering) = &steering {
            self.notices.update(self.migration, &seen, steering, &self.migrator.0.events);
        }
        Ok((seen, steering))
    }

    fn tracker(&self) -> Tracker {
        Tracker::new(&self.link.database, &self.migrator.0.options.names)
    }

    fn report_progress(&self, seen: &[Seen]) {
        let migration = self.migration;
        let first = seen.iter().filter(|range| !self.opened.header.is_sweep(range.id));
        let done = u64::try_from(first.map(|range| range.counts.scanned).sum::<i64>()).unwrap_or(0);
        let total = Some(self.opened.header.documents.max(done));
        self.migrator.0.events.emit(|| Event::Progress { migration, done, total });
    }
}

/// Reads the stored part of a backfill.
pub(super) async fn header(migrator: &Migrator, link: &Link, migration: Migration) -> Result<Option<Header>, Error> {
    let tracker = Tracker::new(&link.database, &migrator.0.options.names);
    Ok(tracker.backfill(migration.id()).await?.and_then(|stored| Header::read(&stored)))
}
