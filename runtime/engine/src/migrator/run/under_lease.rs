//! The part of a run under the lease.

use std::slice;

use super::conclusion::Beginning;
use super::{Acquired, Run, Work, stopped};
use crate::error::Error;
use crate::events::Event;
use crate::executor::Executor;
use crate::lock::Session;
use crate::migrator::connection::Link;
use crate::migrator::former::end_former_holders;
use crate::record::{Act, host};
use crate::report::Report;
use crate::store::{Records, Tracker};

/// Warning for servers without transactions.
const NO_TRANSACTIONS: &str = "this server has no transactions (it is a standalone mongod), so a migration that fails or is \
     interrupted can leave partial changes. Run it as a replica set, if only of one node.";

impl Run {
    /// Does the work under the lease. `first` is the first read of the records.
    pub(super) async fn with_lease(&self, work: &impl Work, first: &Records) -> Result<Report, Error> {
        let link = self.migrator.0.connection.open().await?;
        if let Some(name) = &link.app_name {
            tracing::debug!(name, "migrations use this application name");
        }
        let result = self.with_link(&link, work, first).await;
        if self.check().is_ok() {
            link.close().await;
        } else {
            // When the run is stopped, abandoned calls may keep their connections, and the caller does not wait for them.
            tokio::spawn(link.close());
        }
        result
    }

    async fn with_link(&self, link: &Link, work: &impl Work, first: &Records) -> Result<Report, Error> {
        let inner = &self.migrator.0;
        let tracker = Tracker::new(&link.database, &inner.options.names);
        let lock = inner.lock.through(&link.database, &link.lease, &inner.options);
        let transactional = self.migrator.has_transactions().await?;
        let session = Session::start(link.database.client()).await;
        let session = session.map_err(|error| Error::server("start a session", error))?;
        self.resources.set_bodies(link.bodies());
        let lease = match self.acquire(work, &lock, session.id(), first.newest_token()).await? {
            Acquired::Lease(lease) => lease,
            Acquired::NotNeeded(report) => return Ok(report.into_finished_elsewhere()),
            Acquired::Stopped(reason) => return Err(stopped(reason, Report::default())),
        };
        let token = *self.token.get_or_init(|| lease.token());
        inner.events.emit(|| Event::Acquired { token });
        let began = Beginning::now();
        let mut executor = Executor {
            database: &link.database,
            options: &inner.options,
            tracker: &tracker,
            lock: &lock,
            lease: &lease,
            stop: &self.stop,
            events: &inner.events,
            deadline: self.deadline,
            transactional,
            batch: 0,
            by: self.by.clone(),
            because: self.because.clone(),
            host: host(),
            session: Some(session),
            executions: 0,
            footprints: Vec::new(),
            opaque: Vec::new(),
            with_changed_code: Vec::new(),
            dies_after: None,
            resources: &self.resources,
            bodies: link.bodies(),
            left_running: Vec::new(),
        };
        let mut result = self.under_lease(work, first, &mut executor).await;
        let report = result.as_mut().map_or_else(Error::report_mut, Some);
        if let (Some(request), Some(report)) = (lease.stop_request(), report) {
            report.warn(request.to_string());
        }
        if let (Err(_), true, Some(session)) = (&result, transactional, &executor.session) {
            // The driver does not report whether a rollback reached the server, nor whether a failed commit ended the
            // transaction. An open transaction would block the next run.
            lock.kill(slice::from_ref(session.id())).await;
        }
        self.progress.doing("write the end of the run to the history");
        self.conclude(&tracker, &lease, self.conclusion(began, &executor, &result)).await;
        let (session, nothing_runs) = (executor.session.take(), executor.left_running.is_empty());
        drop(executor);
        self.progress.doing("release the migration lock");
        if !nothing_runs {
            // Gives the operations that are still running time to end before another process migrates.
            lease.leave_to_expire();
        } else if let (true, Some(session)) = (lease.release().await, session) {
            session.give_back().await;
        }
        self.resources.clear();
        result
    }

    async fn under_lease<W: Work>(
        &self,
        work: &W,
        first: &Records,
        executor: &mut Executor<'_>,
    ) -> Result<Report, Error> {
        self.progress.doing("read the records");
        let mut records = executor.tracker.records().await?.settled(first);
        let lease = executor.lease;
        let spared = end_former_holders(executor.lock, executor.tracker, &records, lease.abandoned()).await?;
        lease.ended_former_holders(&spared);
        if work.requires_complete_data() {
            self.refuse_partially_applied(&records)?;
        }
        // The run may have been stopped meanwhile, and the caller may not have waited: nothing more may be written.
        executor.lease.check().map_err(|reason| stopped(reason, Report::default()))?;
        let baseline = if work.asks_first_use() {
            self.progress.doing("find out what was applied before");
            self.first_use(executor.database, &records).await?
        } else {
            None
        };
        self.progress.doing("create its own collections");
        executor.tracker.prepare().await?;
        if let Some(baseline) = &baseline {
            self.progress.doing("record the baseline");
            self.record_baseline(executor, baseline, &records).await?;
            records = executor.tracker.records().await?.settled(first);
        }
        let todo = work.todo(self, &records)?;
        let mut report = work.report(self, &records, &todo);
        if !executor.transactional {
            report.warn(NO_TRANSACTIONS.to_owned());
        }
        for migration in baseline.iter().flat_map(|baseline| &baseline.migrations) {
            report.amend(migration.id().to_owned(), Act::Baseline);
        }
        if W::is_nothing(&todo) && baseline.is_some() {
            return Ok(report);
        }
        if W::is_nothing(&todo) {
            // Another process did the work before this run had the lease.
            return Ok(report.into_finished_elsewhere());
        }
        self.refuse_unprovided(W::plan(&todo))?;
        executor.batch = executor.tracker.next_batch(&records).await?;
        self.progress.begin(&report);
        work.act(self, &records, &todo, executor, report).await
    }
}
