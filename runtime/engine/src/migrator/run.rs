//! A run of any method that writes: reads the records, takes the lease, reads again, does the work, and releases the lease.

mod acquire;
mod along;
mod conclusion;
mod dropped;
mod progress;
mod supervise;
mod under_lease;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use mongodb::bson::doc;

use self::along::Notices;
pub(super) use self::dropped::InterruptOnDrop;
use self::progress::Progress;
use super::Migrator;
use crate::error::Error;
use crate::events::Event;
use crate::executor::{Executor, Resources, RunGuard};
use crate::lock::Lease;
use crate::options::{Limit, Policy, Transactions, check_lock_wait};
use crate::plan::{Graph, Plan};
use crate::report::Report;
use crate::stop::{Deadline, Reason, Stop, signals};
use crate::store::{Records, WorkedOn};

/// The work of a method that writes.
pub(super) trait Work: Send + Sync + 'static {
    /// The remaining work.
    type Todo: Send + Sync;

    /// Returns the remaining work, given these records. Called after each read, because another process, perhaps of another
    /// version, may have done some of the work.
    fn todo(&self, run: &Run, records: &Records) -> Result<Self::Todo, Error>;

    /// Returns whether there is no work, so that no lease is needed.
    fn is_nothing(todo: &Self::Todo) -> bool;

    /// Returns the steps of the work, if it runs migrations.
    fn plan(_: &Self::Todo) -> Option<&Plan> {
        None
    }

    /// Returns whether a database without records must be distinguished from one that was changed by other means.
    fn asks_first_use(&self) -> bool {
        false
    }

    /// Returns whether the work must be refused if a migration of another program may have left partial changes.
    fn requires_complete_data(&self) -> bool {
        false
    }

    /// Returns whether the run works on a backfill (qualified id) that is underway, until it is completed. `started` if this run
    /// has started it.
    fn works_along(&self, _id: &str, _started: bool) -> bool {
        false
    }

    /// Returns whether it works only on the backfills for which a boot waits.
    fn is_in_background(&self) -> bool {
        false
    }

    /// Returns whether it goes on beside an application that serves: at a polite pace, and waiting while a backfill is paused.
    fn is_beside_service(&self) -> bool {
        false
    }

    /// Returns the backfills on which it has worked. `None` if it does not matter whether they are reverted meanwhile.
    fn worked_on(&self) -> Option<WorkedOn> {
        None
    }

    /// Simulates the work without the lease and without changing anything. Called only for methods that offer a dry run.
    fn rehearse(&self, _: &Run, _: &Self::Todo, report: Report) -> impl Future<Output = Result<Report, Error>> + Send {
        async { Ok(report) }
    }

    /// Creates an empty report with warnings.
    fn report(&self, run: &Run, records: &Records, todo: &Self::Todo) -> Report;

    /// Does the work under the lease, and reports what was done even if it fails.
    fn act(
        &self,
        run: &Run,
        records: &Records,
        todo: &Self::Todo,
        executor: &mut Executor<'_>,
        report: Report,
    ) -> impl Future<Output = Result<Report, Error>> + Send;
}

/// A run of a method that writes.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) migrator: Migrator,
    pub(super) graph: Graph,
    pub(super) stop: Stop,
    /// The resources to release at the end.
    pub(super) resources: Arc<Resources>,
    pub(super) deadline: Option<Deadline>,
    /// The longest wait for another process.
    lock_wait: Duration,
    /// The person or program to record: the run's `by`, or else the migrator's actor.
    by: Option<String>,
    /// The reason to record.
    because: Option<String>,
    /// The token of its lease, once it has one.
    token: OnceLock<i64>,
    /// The progress so far.
    pub(super) progress: Progress,
    /// What was sent about backfills.
    notices: Notices,
    /// Set while signals stop the run.
    signals: Mutex<Option<signals::Watch>>,
}

/// The result of waiting for the lease.
enum Acquired {
    /// The lease was taken and the fence raised.
    Lease(Lease),
    /// Another process has done all the work, as the report says.
    NotNeeded(Report),
    /// The run was stopped.
    Stopped(Reason),
}

/// The settings that all methods that write have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) by: Option<String>,
    pub(super) because: Option<String>,
    pub(super) timeout: Option<Limit>,
    pub(super) lock_wait: Option<Duration>,
    pub(super) dry_run: bool,
}

impl Migrator {
    /// Runs the work to completion, or until the caller drops the future.
    pub(super) async fn run(self, settings: Settings, work: impl Work) -> Result<Report, Error> {
        let stop = self.0.shutdown.child();
        let resources = Arc::new(Resources::default());
        let interrupt = InterruptOnDrop::new(stop.clone(), resources.clone(), self.clone());
        let under_way = RunGuard(resources.clone());
        let result = self
            .complete(async move |migrator| {
                let counted = migrator.0.running.count();
                let dry_run = settings.dry_run;
                let result = Run::new(migrator, settings, stop, resources)?.supervised(work, dry_run).await;
                drop((counted, under_way));
                result
            })
            .await;
        interrupt.end();
        result
    }

    /// Returns the remaining work and an empty report with warnings, without doing the work. Reads once; never writes.
    pub(super) async fn look<W: Work<Todo: 'static>>(self, work: W) -> Result<(W::Todo, Report), Error> {
        self.complete(async move |migrator| {
            let stop = migrator.0.shutdown.child();
            let run = Run::new(migrator, Settings::default(), stop, Arc::default())?;
            let records = run.read(&work).await?;
            run.preview(&work, records).await
        })
        .await
    }

    /// Fails if there is work left, or a backfill for which a boot waits. Otherwise, returns an empty report with warnings.
    pub(super) async fn check<W: Work<Todo = Plan>>(self, work: W) -> Result<Report, Error> {
        self.complete(async move |migrator| {
            let stop = migrator.0.shutdown.child();
            let run = Run::new(migrator, Settings::default(), stop, Arc::default())?;
            let records = run.read(&work).await?;
            let (plan, report) = run.preview(&work, records.clone()).await?;
            if !plan.is_empty() {
                return Err(Error::Pending { ids: plan.ids().collect() });
            }
            let reached = report.underway().into_iter().filter(|id| work.works_along(id, false)).collect();
            let blocking = run.blocking(&work, &records, reached).await;
            if blocking.is_empty() { Ok(report) } else { Err(Error::Pending { ids: blocking }) }
        })
        .await
    }

    /// Returns whether the server has transactions. Asks first, because the error of a standalone server is misleading.
    pub(super) async fn has_transactions(&self) -> Result<bool, Error> {
        let hello = self.0.database.run_command(doc! { "hello": 1 }).await;
        let hello = hello.map_err(|error| Error::server("ask the server for its topology", error))?;
        let transactional = hello.contains_key("setName") || hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid");
        if !transactional && self.0.options.transactions == Transactions::Required {
            return Err(Error::TransactionsRequired);
        }
        Ok(transactional)
    }
}

impl Run {
    pub(super) fn new(
        migrator: Migrator,
        settings: Settings,
        stop: Stop,
        resources: Arc<Resources>,
    ) -> Result<Self, Error> {
        settings.timeout.map_or(Ok(()), Limit::check)?;
        settings.lock_wait.map_or(Ok(()), check_lock_wait)?;
        let limit = settings.timeout.or(migrator.0.options.timeout).and_then(Limit::duration);
        Ok(Self {
            graph: migrator.graph()?,
            stop,
            resources,
            deadline: limit.map(Deadline::after),
            lock_wait: settings.lock_wait.unwrap_or(migrator.0.options.lock_wait),
            by: settings.by.or_else(|| migrator.0.options.actor.clone()),
            because: settings.because,
            token: OnceLock::new(),
            progress: Progress::default(),
            notices: Notices::default(),
            signals: Mutex::default(),
            migrator,
        })
    }

    async fn run_with_signals<W: Work>(&self, work: &W, dry_run: bool) -> Result<Report, Error> {
        // Before the first read, because the server may be unreachable.
        self.watch_signals();
        let result = self.run_work(work, dry_run).await;
        match (self.end_signals(), result) {
            // Too late to stop anything, but without an error the process would ignore the signal.
            (true, Ok(report)) => Err(stopped(Reason::Interrupted, report)),
            (_, result) => result,
        }
    }

    async fn run_work<W: Work>(&self, work: &W, dry_run: bool) -> Result<Report, Error> {
        let worked_on = work.worked_on();
        let mut records = self.read(work).await?.with_worked_on(worked_on.as_ref());
        let todo = work.todo(self, &records)?;
        if !W::is_nothing(&todo) {
            self.migrator.refuse_foreign().await?;
        }
        if dry_run {
            let (todo, report) = self.preview(work, records).await?;
            return work.rehearse(self, &todo, report).await;
        }
        let mut report = self.one_pass(work, &records, &todo).await?;
        let mut told = HashSet::new();
        loop {
            let (started, before) = (report.started(), report.underway());
            let ours = |id: &String| work.works_along(id, started.contains(id));
            let mut underway: Vec<_> = before.into_iter().filter(ours).collect();
            if work.is_in_background() {
                underway = self.blocking(work, &records, underway).await;
            }
            if underway.is_empty() {
                return Ok(report);
            }
            self.progress.doing("work on a backfill");
            if let Some(worked_on) = &worked_on {
                worked_on.extend(underway.iter().cloned());
            }
            let warnings = self.work_along(&underway, work.is_beside_service()).await?;
            self.check().map_err(|reason| stopped(reason, report.clone()))?;
            if warnings.len() == underway.len() {
                for warning in warnings {
                    report.warn(warning);
                }
                report.set_blocking(self.blocking(work, &records, underway).await);
                return Ok(report);
            }
            records = self.read(work).await?.with_worked_on(worked_on.as_ref());
            for id in records.left().filter(|id| told.insert((*id).to_owned())) {
                let is_canceled = records.get(id).is_some_and(|record| record.canceled);
                report.warn(if is_canceled {
                    format!("'{id}' was canceled meanwhile, and runs again only when it is named")
                } else {
                    format!("'{id}' was reverted, restarted, or marked as pending, meanwhile; another run may start it again")
                });
            }
            let todo = work.todo(self, &records)?;
            let mut next = self.one_pass(work, &records, &todo).await;
            if let Some(next) = next.as_mut().map_or_else(Error::report_mut, Some) {
                next.follow(report);
            }
            report = next?;
        }
    }

    /// Does what can be done now: under the lease, unless there is nothing.
    async fn one_pass<W: Work>(&self, work: &W, records: &Records, todo: &W::Todo) -> Result<Report, Error> {
        if W::is_nothing(todo) {
            return Ok(work.report(self, records, todo));
        }
        // The answer to a first use may shorten the plan.
        if !(work.asks_first_use() && records.is_empty() && self.migrator.0.options.unrecorded.may_shorten()) {
            self.refuse_unprovided(W::plan(todo))?;
        }
        let mut result = self.with_lease(work, records).await;
        let token = self.token.get().copied();
        if let Some(report) = result.as_mut().map_or_else(Error::report_mut, Some) {
            report.set_token(token);
        }
        self.migrator.0.compared.invalidate();
        self.migrator.0.events.emit(|| Event::Ended { token });
        let shared_pool = self.migrator.0.connection.has_shared_pool();
        result.map_err(|error| match error {
            Error::LeaseLost { report, .. } => Error::LeaseLost { report, shared_pool },
            other => other,
        })
    }

    /// Returns the remaining work and an empty report with warnings, as they would be under the lease.
    async fn preview<W: Work>(&self, work: &W, records: Records) -> Result<(W::Todo, Report), Error> {
        let todo = work.todo(self, &records)?;
        if work.asks_first_use()
            && !W::is_nothing(&todo)
            && let Some(baseline) = self.first_use(&self.migrator.0.database, &records).await?
        {
            let records = records.presuming(&baseline.migrations);
            let todo = work.todo(self, &records)?;
            let mut report = work.report(self, &records, &todo);
            report.warn(baseline.foretold());
            return Ok((todo, report));
        }
        let report = work.report(self, &records, &todo);
        Ok((todo, report))
    }

    /// Reads the records before the lease is taken.
    async fn read(&self, work: &impl Work) -> Result<Records, Error> {
        let records = self.migrator.records().await?;
        if work.requires_complete_data() {
            self.refuse_partially_applied_elsewhere(&records).await?;
        }
        Ok(records)
    }

    /// Fails with [`Error::NotProvided`] if a migration needs a value that the application does not provide.
    fn refuse_unprovided(&self, plan: Option<&Plan>) -> Result<(), Error> {
        let provided = &self.migrator.0.options.provided;
        let missing = plan.into_iter().flatten().flat_map(|step| {
            let id = step.migration().id();
            let names = step.migration().missing_needs(|need| provided.has(need));
            names.map(move |name| Error::NotProvided { id, name })
        });
        Error::gather(missing.collect())
    }

    /// Enforces the configured policies.
    pub(super) fn enforce_policies(&self, records: &Records) -> Result<(), Error> {
        let ids = records.drifted(self.graph.order());
        match self.migrator.0.options.drift {
            Policy::Error if !ids.is_empty() => Err(Error::Drift { ids }),
            Policy::Error | Policy::Warn => Ok(()),
        }
    }
}

/// The error of a run that was stopped between or within steps.
pub(super) fn stopped(reason: Reason, report: Report) -> Error {
    let report = Box::new(report);
    match reason {
        Reason::LeaseLost => Error::LeaseLost { report, shared_pool: false },
        Reason::RunTimedOut(limit) => Error::RunTimedOut { limit, report },
        Reason::Interrupted | Reason::Requested | Reason::Dropped | Reason::TimedOut(_) | Reason::WaitTimedOut(_) => {
            Error::Interrupted { report }
        }
    }
}
