//! Works on backfills that are underway, without the lease.

mod crew;
mod notices;
mod one;

use std::pin::pin;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

pub(super) use self::notices::Notices;
use self::one::{One, Worked, header};
use super::{Run, Work};
use crate::error::{Error, readable};
use crate::executor::{Gauge, Opened, describe};
use crate::migration::{Direction, Kind, Migration, State};
use crate::migrator::Migrator;
use crate::migrator::connection::Link;
use crate::stop::{Reason, Stop};
use crate::store::Records;

impl Run {
    /// Returns those of these backfills (qualified ids) for which a boot waits, because they are blocking, or others that this work
    /// reaches are blocking and depend on them.
    pub(super) async fn blocking(&self, work: &impl Work, records: &Records, underway: Vec<String>) -> Vec<String> {
        let mut all = Vec::new();
        for id in underway {
            let Some(node) = self.graph.find(&id) else { continue };
            let downstream = self.graph.downstream([node]);
            let waiting = self.graph.nodes().filter(|node| downstream[node.index()] && self.graph.is_selected(*node));
            let waiting = waiting.map(|node| self.graph.migration(node)).filter(|waiting| {
                let state = records.state(waiting.id());
                let is_pending = state.is_pending() && state != State::Canceled;
                let is_reached = waiting.id() == id || !waiting.is_manual() && work.works_along(waiting.id(), false);
                waiting.kind() == Kind::Backfill && is_pending && is_reached
            });
            for migration in waiting {
                match describe(migration, Direction::Up, &self.migrator.0.options).await {
                    Ok(description) if description.blocking => {
                        all.push(id);
                        break;
                    }
                    Ok(_) => {}
                    // The work on it fails with this error.
                    Err(error) => {
                        let (id, error) = (migration.id(), readable(&*error));
                        tracing::warn!(id, error, "cannot tell whether a boot waits for this backfill");
                    }
                }
            }
        }
        all
    }

    /// Works on these backfills (qualified ids) until one of them is done, all others have ended, or the run must stop.
    /// `beside_service` is whether the application serves meanwhile. Returns warnings about those on which this program cannot
    /// work.
    pub(super) async fn work_along(&self, underway: &[String], beside_service: bool) -> Result<Vec<String>, Error> {
        let link = self.migrator.0.connection.open().await?;
        let stop = self.stop.child();
        let result = {
            let mut work = pin!(self.work_on_all(&link, underway, beside_service, &stop));
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
        beside_service: bool,
        stop: &Stop,
    ) -> Result<Vec<String>, Error> {
        let transactional = self.migrator.has_transactions().await?;
        let (migrator, mut warnings, mut all) = (&self.migrator, Vec::new(), Vec::new());
        let (gauge, notices) = (&Gauge::new(&link.database), &self.notices);
        for id in underway {
            let Some(node) = self.graph.find(id) else { continue };
            let migration = self.graph.migration(node);
            match opened(migrator, link, migration, transactional).await {
                Ok(Some(opened)) => {
                    all.push(One { migrator, link, migration, opened, gauge, notices, beside_service, stop });
                }
                // Another process has finished it.
                Ok(None) => {}
                Err(error @ Error::Refused(_)) => warnings.push(error.message()),
                Err(error) => return Err(error),
            }
        }
        let mut errors = Vec::new();
        let mut work: FuturesUnordered<_> = all.iter().map(One::work).collect();
        let mut watch = pin!(gauge.watch());
        loop {
            let worked = tokio::select! {
                worked = work.next() => worked,
                never = &mut watch => match never {},
            };
            match worked {
                None => break,
                // What waits for it does not wait for the others, too: they go on after the next pass.
                Some(Ok(Worked::Done)) => stop.raise(Reason::Requested),
                Some(Ok(Worked::Paused(warning))) => warnings.push(warning),
                Some(Ok(Worked::Failed | Worked::Stopped)) => {}
                Some(Err(error)) => errors.push(error),
            }
        }
        Error::gather(errors)?;
        Ok(warnings)
    }
}

/// Returns a backfill that has started and not completed.
async fn opened(
    migrator: &Migrator,
    link: &Link,
    migration: Migration,
    transactional: bool,
) -> Result<Option<Opened>, Error> {
    let options = &migrator.0.options;
    let Some(header) = header(migrator, link, migration).await? else { return Ok(None) };
    let description = describe(migration, header.direction, options).await.map_err(Error::unboxed)?;
    let opened = Opened::new(&link.database, options, header, description, transactional);
    opened.check(&link.database, migration.id()).await?;
    Ok(Some(opened))
}
