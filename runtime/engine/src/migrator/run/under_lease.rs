//! The part of a run under the lease.

use super::{Acquired, Run, Work, stopped};
use crate::error::Error;
use crate::executor::Executor;
use crate::lock::{Lock, Session};
use crate::migrator::connection::Link;
use crate::migrator::former::end_former_holders;
use crate::report::Report;
use crate::store::{Records, Tracker};
use std::slice;

/// Warning for servers without transactions.
const NO_TRANSACTIONS: &str = "this server has no transactions (it is a standalone mongod): a migration that fails or \
     is interrupted can leave data half changed. Run it as a replica set, if only of one node.";

impl Run {
    /// `first` is the first reading of the records.
    pub(super) async fn with_lease(&self, work: &impl Work, first: &Records) -> Result<Report, Error> {
        let link = self.migrator.0.connection.open().await?;
        if let Some(name) = &link.app_name {
            tracing::debug!(name, "what the migrations do is done under this application name");
        }
        let result = self.through(&link, work, first).await;
        if self.check().is_ok() {
            link.close().await;
        } else {
            // Told to stop: what was left behind may keep its connections, and the caller does not wait for these.
            tokio::spawn(link.close());
        }
        result
    }

    async fn through(&self, link: &Link, work: &impl Work, first: &Records) -> Result<Report, Error> {
        let inner = &self.migrator.0;
        let tracker = Tracker::new(&link.database, &inner.options.names);
        let lock = Lock::new(&link.database, &link.lease, &inner.options);
        let transactional = self.migrator.has_transactions().await?;
        let session = Session::start(link.database.client()).await;
        let session = session.map_err(|error| Error::server("start a session", error))?;
        self.stake.open(link.bodies());
        let lease = match self.acquire(work, &lock, session.id(), first.newest_token()).await? {
            Acquired::Lease(lease) => lease,
            Acquired::NotNeeded(report) => return Ok(report.by_another()),
            Acquired::Stopped(reason) => return Err(stopped(reason, Report::default())),
        };
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
            session: Some(session),
            executions: 0,
            footprints: Vec::new(),
            unknown: Vec::new(),
            stake: &self.stake,
            bodies: link.bodies(),
            left_running: Vec::new(),
        };
        let result = self.under_lease(work, first, &mut executor).await;
        if let (Err(_), true, Some(session)) = (&result, transactional, &executor.session) {
            // The driver does not tell whether a rollback has reached the server, nor whether a commit that failed has
            // ended the transaction. What it still holds would be in the way of whoever comes next.
            lock.kill(slice::from_ref(session.id())).await;
        }
        let (session, nothing_runs) = (executor.session.take(), executor.left_running.is_empty());
        drop(executor);
        self.progress.doing("release the migration lock");
        if !nothing_runs {
            // Nobody must migrate before what was left has ended, as far as that can be hoped for.
            lease.leave_to_expire();
        } else if let (true, Some(session)) = (lease.release().await, session) {
            session.give_back().await;
        }
        self.stake.clear();
        result
    }

    async fn under_lease<W: Work>(
        &self,
        work: &W,
        first: &Records,
        executor: &mut Executor<'_>,
    ) -> Result<Report, Error> {
        self.progress.doing("read the records");
        let records = executor.tracker.records().await?.settled(first);
        let lease = executor.lease;
        let spared = end_former_holders(executor.lock, executor.tracker, &records, lease.abandoned()).await?;
        lease.ended_former_holders(&spared);
        if work.needs_whole_data() {
            self.refuse_partially_applied(&records)?;
        }
        // Told to stop meanwhile, perhaps by a caller that has not waited: nothing of this run is written any more.
        executor.lease.check().map_err(|reason| stopped(reason, Report::default()))?;
        self.progress.doing("create its own collections");
        executor.tracker.prepare().await?;
        let todo = work.todo(self, &records)?;
        let mut report = work.report(self, &records, &todo);
        if !executor.transactional {
            report.warn(NO_TRANSACTIONS.to_owned());
        }
        if W::is_nothing(&todo) {
            // There was something to do before the lease was ours.
            return Ok(report.by_another());
        }
        executor.batch = executor.tracker.next_batch(&records).await?;
        self.progress.begin(&report);
        work.act(self, &records, &todo, executor, report).await
    }
}
