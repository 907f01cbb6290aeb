//! Works on backfills that are underway, without the lease.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::join_all;
use mongodb::bson::oid::ObjectId;
use tokio::time::{sleep, timeout};

use super::Run;
use crate::error::Error;
use crate::events::Event;
use crate::executor::{Header, Opened, RangeState, Seen, Worker, describe};
use crate::migration::Migration;
use crate::migrator::connection::Link;
use crate::migrator::joined;
use crate::record::host;
use crate::stop::Stop;
use crate::store::Tracker;

/// How often to look for a range to claim and to report progress.
const INTERVAL: Duration = Duration::from_secs(1);

impl Run {
    /// Works on these backfills (qualified ids) until each has nothing left to do or has failed, or the run must stop. Returns
    /// warnings about those that this program cannot work on.
    pub(super) async fn work_along(&self, underway: &[String]) -> Result<Vec<String>, Error> {
        let link = self.migrator.0.connection.open().await?;
        let stop = self.stop.child();
        let result = {
            let mut work = pin!(self.work_on_all(&link, underway, &stop));
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

    async fn work_on_all(&self, link: &Link, underway: &[String], stop: &Stop) -> Result<Vec<String>, Error> {
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
        let work = opened.iter().map(|(migration, opened)| self.work_on(link, *migration, opened, stop));
        Error::gather(join_all(work).await.into_iter().filter_map(Result::err).collect())?;
        Ok(warnings)
    }

    async fn opened(&self, link: &Link, migration: Migration, transactional: bool) -> Result<Option<Opened>, Error> {
        let inner = &self.migrator.0;
        let tracker = Tracker::new(&link.database, &inner.options.names);
        let stored = tracker.backfill(migration.id()).await?;
        let Some(header) = stored.and_then(|stored| Header::read(&stored)) else { return Ok(None) };
        let description = describe(migration, header.direction, &inner.options).await.map_err(Error::unboxed)?;
        let opened = Opened::new(&link.database, &inner.options, header, description, transactional);
        opened.check(&link.database, migration.id()).await?;
        Ok(Some(opened))
    }

    async fn work_on(&self, link: &Link, migration: Migration, opened: &Opened, stop: &Stop) -> Result<(), Error> {
        loop {
            self.claim_and_work(link, migration, opened, stop).await?;
            if stop.check().is_err() {
                return Ok(());
            }
            let seen = opened.look().await?;
            self.tell(migration, opened, &seen);
            if seen.iter().any(|range| range.state == RangeState::Failed)
                || seen.iter().all(|range| range.state == RangeState::Done)
            {
                return self.settle(link, migration, opened.header.run).await;
            }
            // Other workers have the open ranges.
            let _ = timeout(INTERVAL, stop.raised()).await;
        }
    }

    /// Lets workers claim ranges until there is none to claim.
    async fn claim_and_work(
        &self,
        link: &Link,
        migration: Migration,
        opened: &Opened,
        stop: &Stop,
    ) -> Result<(), Error> {
        let host = host();
        // More workers than ranges would find nothing to claim.
        let number = opened.header.ranges.min(opened.description.workers.into());
        let workers = (0..number).map(|_| async {
            let session = opened.session(&link.database).await?;
            let mut worker = Worker::new(opened.store.clone(), session, stop.clone(), opened.description.pace(), &host);
            // On any thread, because a body may compute the changes.
            let work = tokio::spawn(async move {
                let result = worker.work().await;
                worker.session.give_back().await;
                result
            });
            let name = &opened.header.collection;
            let failed = |error| Error::server(format!("change documents of '{name}'"), error);
            joined(work.await.map(|worked| worked.map_err(failed)))
        });
        let mut work = pin!(join_all(workers));
        loop {
            tokio::select! {
                worked = &mut work => return Error::gather(worked.into_iter().filter_map(Result::err).collect()),
                () = sleep(INTERVAL) => match opened.look().await {
                    Ok(seen) => self.tell(migration, opened, &seen),
                    // The workers find out by themselves.
                    Err(error) => tracing::debug!(%error, "the progress of a backfill is unknown"),
                },
            }
        }
    }

    async fn settle(&self, link: &Link, migration: Migration, run: ObjectId) -> Result<(), Error> {
        Tracker::new(&link.database, &self.migrator.0.options.names).settle_backfill(migration.id(), run).await
    }

    fn tell(&self, migration: Migration, opened: &Opened, seen: &[Seen]) {
        let done = seen.iter().map(|range| range.counts.scanned).sum::<i64>();
        let done = u64::try_from(done).unwrap_or(0);
        let total = Some(opened.header.documents.max(done));
        self.migrator.0.events.emit(|| Event::Progress { migration, done, total });
    }
}
