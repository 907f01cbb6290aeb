//! Works on backfills that are underway, without the lease.

mod crew;

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::timeout;

use self::crew::Crew;
use super::Run;
use crate::error::Error;
use crate::events::Event;
use crate::executor::{Header, Opened, RangeState, Seen, Steering, describe};
use crate::migration::Migration;
use crate::migrator::connection::Link;
use crate::stop::{Reason, Stop};
use crate::store::Tracker;

/// How often a process that works looks at the ranges and at what a person has set.
const INTERVAL: Duration = Duration::from_secs(1);

/// How often a process that has nothing to do looks.
const IDLE: Duration = Duration::from_secs(5);

/// How the work on a backfill ended.
enum Worked {
    /// All ranges are done. The next pass under the lease records it.
    Done,
    /// A range has failed. The next pass under the lease records it.
    Failed,
    /// It is paused, as the warning says.
    Paused(String),
    Stopped,
}

impl Run {
    /// Works on these backfills (qualified ids) until one of them is done, all others have ended, or the run must stop.
    /// `beside` is whether the application serves meanwhile. Returns warnings about those on which this program cannot work.
    pub(super) async fn work_along(&self, underway: &[String], beside: bool) -> Result<Vec<String>, Error> {
        let link = self.migrator.0.connection.open().await?;
        let stop = self.stop.child();
        let result = {
            let mut work = pin!(self.work_on_all(&link, underway, beside, &stop));
            tokio::select! {
                result = &mut work => result,
                reason = self.must_stop() => {
                    // A worker ends its batch and gives its range back.
                    stop.raise(reason);
                    work.await
                }
            }
        };
        link.close().await;
        result
    }

    async fn work_on_all(
        &self,
        link: &Link,
        underway: &[String],
        beside: bool,
        stop: &Stop,
    ) -> Result<Vec<String>, Error> {
        let transactional = self.migrator.has_transactions().await?;
        let mut warnings = Vec::new();
        let mut opened = Vec::new();
        for id in underway {
            let Some(node) = self.graph.find(id) else { continue };
            match self.opened(link, self.graph.migration(node), transactional).await {
                Ok(Some(backfill)) => opened.push((self.graph.migration(node), backfill)),
                // Another process has finished it.
                Ok(None) => {}
                Err(error @ Error::Refused(_)) => warnings.push(error.message()),
                Err(error) => return Err(error),
            }
        }
        let mut errors = Vec::new();
        let work = opened.iter().map(|(migration, opened)| self.work_on(link, *migration, opened, beside, stop));
        let mut work: FuturesUnordered<_> = work.collect();
        while let Some(worked) = work.next().await {
            match worked {
                // What waits for it does not wait for the others, too: they go on after the next pass.
                Ok(Worked::Done) => stop.raise(Reason::Requested),
                Ok(Worked::Paused(warning)) => warnings.push(warning),
                Ok(Worked::Failed | Worked::Stopped) => {}
                Err(error) => errors.push(error),
            }
        }
        Error::gather(errors)?;
        Ok(warnings)
    }

    async fn opened(&self, link: &Link, migration: Migration, transactional: bool) -> Result<Option<Opened>, Error> {
        let inner = &self.migrator.0;
        let Some(header) = self.header(link, migration).await? else { return Ok(None) };
        let description = describe(migration, header.direction, &inner.options).await.map_err(Error::unboxed)?;
        let opened = Opened::new(&link.database, &inner.options, header, description, transactional);
        opened.check(&link.database, migration.id()).await?;
        Ok(Some(opened))
    }

    /// Reads the stored part of a backfill.
    async fn header(&self, link: &Link, migration: Migration) -> Result<Option<Header>, Error> {
        let tracker = Tracker::new(&link.database, &self.migrator.0.options.names);
        Ok(tracker.backfill(migration.id()).await?.and_then(|stored| Header::read(&stored)))
    }

    async fn work_on(
        &self,
        link: &Link,
        migration: Migration,
        opened: &Opened,
        beside: bool,
        stop: &Stop,
    ) -> Result<Worked, Error> {
        let mut crew = Crew::new(&link.database, opened, beside, stop);
        let worked = self.work_with(&mut crew, link, migration, opened, beside, stop).await;
        let dismissed = crew.dismiss().await;
        let worked = worked?;
        if matches!(worked, Worked::Done | Worked::Failed) {
            let tracker = Tracker::new(&link.database, &self.migrator.0.options.names);
            tracker.settle_backfill(migration.id(), opened.header.run).await?;
        }
        dismissed?;
        Ok(worked)
    }

    async fn work_with(
        &self,
        crew: &mut Crew<'_>,
        link: &Link,
        migration: Migration,
        opened: &Opened,
        beside: bool,
        stop: &Stop,
    ) -> Result<Worked, Error> {
        while stop.check().is_ok() {
            match self.look(link, migration, opened).await {
                Ok((seen, _)) if seen.iter().any(|range| range.state == RangeState::Failed) => {
                    return Ok(Worked::Failed);
                }
                Ok((seen, _)) if seen.iter().all(|range| range.state == RangeState::Done) => return Ok(Worked::Done),
                // Another process has completed it, or it was marked by hand.
                Ok((_, None)) => return Ok(Worked::Done),
                Ok((_, Some(Steering { paused: Some(pause), .. }))) => {
                    crew.dismiss().await?;
                    if !beside {
                        let id = migration.id();
                        return Ok(Worked::Paused(format!("'{id}' is {pause}, and goes on when it is resumed")));
                    }
                }
                Ok((seen, Some(steering))) => {
                    if crew.adjust(&seen, &steering).await? {
                        continue;
                    }
                }
                // Workers find out by themselves, and a service goes on serving.
                Err(error) if !crew.is_empty() || beside && error.is_temporary() => {
                    tracing::debug!(%error, "the progress of a backfill is unknown");
                }
                Err(error) => return Err(error),
            }
            let interval = if crew.is_empty() { IDLE } else { INTERVAL };
            tokio::select! {
                () = crew.one_ends() => {}
                _ = timeout(interval, stop.raised()) => {}
            }
        }
        Ok(Worked::Stopped)
    }

    /// Returns the ranges, and what a person has set, unless the backfill has ended.
    async fn look(
        &self,
        link: &Link,
        migration: Migration,
        opened: &Opened,
    ) -> Result<(Vec<Seen>, Option<Steering>), Error> {
        let seen = opened.look().await?;
        self.tell(migration, opened, &seen);
        let header = self.header(link, migration).await?.filter(|header| header.run == opened.header.run);
        Ok((seen, header.map(|header| header.steering)))
    }

    fn tell(&self, migration: Migration, opened: &Opened, seen: &[Seen]) {
        let done = seen.iter().map(|range| range.counts.scanned).sum::<i64>();
        let done = u64::try_from(done).unwrap_or(0);
        let total = Some(opened.header.documents.max(done));
        self.migrator.0.events.emit(|| Event::Progress { migration, done, total });
    }
}
