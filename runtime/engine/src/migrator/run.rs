//! What every verb that writes has in common: it reads, takes the lease, reads again, acts, and gives the lease back.

mod acquire;
mod dropped;
mod progress;
mod supervise;
mod under_lease;

use std::sync::{Arc, Mutex};

use mongodb::bson::doc;

pub(super) use self::dropped::InterruptOnDrop;
use self::progress::Progress;
use super::Migrator;
use crate::error::Error;
use crate::events::Event;
use crate::executor::{Executor, Stake, UnderWay};
use crate::lock::Lease;
use crate::options::{Limit, Policy, Transactions};
use crate::plan::Graph;
use crate::report::Report;
use crate::stop::{Deadline, Reason, Stop, signals};
use crate::store::Records;

/// What one verb does under the lease.
pub(super) trait Work: Send + Sync + 'static {
    /// What there is to do.
    type Todo: Send + Sync;

    /// What there is to do, given these records. Asked of each reading of them: a replica, perhaps of another version, may
    /// have done something meanwhile.
    fn todo(&self, run: &Run, records: &Records) -> Result<Self::Todo, Error>;

    /// Whether that is nothing, so that no lease is needed.
    fn is_nothing(todo: &Self::Todo) -> bool;

    /// Whether it must not go on upon data that a migration of another program may have left half changed.
    fn needs_whole_data(&self) -> bool {
        false
    }

    /// Tells what it would do, without the lease and without changing anything. Asked only of verbs that offer it.
    fn rehearse(&self, _: &Run, _: &Self::Todo, report: Report) -> impl Future<Output = Result<Report, Error>> + Send {
        async { Ok(report) }
    }

    /// A report of nothing yet, with what a person should know although nothing has failed.
    fn report(&self, run: &Run, records: &Records, todo: &Self::Todo) -> Report;

    /// Does it. What was done goes into the report, whatever becomes of the rest.
    fn act(
        &self,
        run: &Run,
        records: &Records,
        todo: &Self::Todo,
        executor: &mut Executor<'_>,
        report: Report,
    ) -> impl Future<Output = Result<Report, Error>> + Send;
}

/// One run of one verb.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) migrator: Migrator,
    pub(super) graph: Graph,
    pub(super) stop: Stop,
    /// What is to be given back at the end.
    pub(super) stake: Arc<Stake>,
    pub(super) deadline: Option<Deadline>,
    /// Who does this: the run's `by`, or else the migrator's actor.
    by: Option<String>,
    /// What is known of it so far.
    pub(super) progress: Progress,
    /// While signals stop it.
    signals: Mutex<Option<signals::Watch>>,
}

/// How waiting ended.
enum Acquired {
    /// With the lease, and the fence raised to it.
    Lease(Lease),
    /// Somebody else has done everything that was to be done: the report that says so.
    NotNeeded(Report),
    /// Told to stop.
    Stopped(Reason),
}

/// What every verb that writes can be told.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) by: Option<String>,
    pub(super) timeout: Option<Limit>,
    pub(super) dry_run: bool,
}

impl Migrator {
    /// Runs a verb to its end, or until the caller drops the future.
    pub(super) async fn run(self, settings: Settings, work: impl Work) -> Result<Report, Error> {
        let stop = self.0.shutdown.child();
        let stake = Arc::new(Stake::default());
        let interrupt = InterruptOnDrop::new(stop.clone(), stake.clone(), self.clone());
        let under_way = UnderWay(stake.clone());
        let result = self
            .whole(async move |migrator| {
                let running = Running::new(&migrator);
                let dry_run = settings.dry_run;
                let result = Run::new(migrator, settings, stop, stake)?.supervised(work, dry_run).await;
                drop((running, under_way));
                result
            })
            .await;
        interrupt.end();
        result
    }

    /// The beginning of a run without the rest: what there would be to do, and a report of nothing. One read, no writes.
    pub(super) async fn look<W: Work<Todo: 'static>>(self, work: W) -> Result<(W::Todo, Report), Error> {
        self.whole(async move |migrator| {
            let stop = migrator.0.shutdown.child();
            let run = Run::new(migrator, Settings::default(), stop, Arc::default())?;
            let records = run.read(&work).await?;
            let todo = work.todo(&run, &records)?;
            let report = work.report(&run, &records, &todo);
            Ok((todo, report))
        })
        .await
    }

    /// Whether the server has transactions. A standalone one does not, and says so only in a misleading way when one
    /// is used, so it is asked before.
    pub(super) async fn has_transactions(&self) -> Result<bool, Error> {
        let hello = self.0.database.run_command(doc! { "hello": 1 }).await;
        let hello = hello.map_err(|error| Error::server("ask the server what it is", error))?;
        let transactional = hello.contains_key("setName") || hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid");
        if !transactional && self.0.options.transactions == Transactions::Required {
            return Err(Error::TransactionsRequired);
        }
        Ok(transactional)
    }
}

impl Run {
    fn new(migrator: Migrator, settings: Settings, stop: Stop, stake: Arc<Stake>) -> Result<Self, Error> {
        settings.timeout.map_or(Ok(()), Limit::check)?;
        let limit = settings.timeout.or(migrator.0.options.timeout).and_then(Limit::duration);
        Ok(Self {
            graph: migrator.graph()?,
            stop,
            stake,
            deadline: limit.map(Deadline::after),
            by: settings.by.or_else(|| migrator.0.options.actor.clone()),
            progress: Progress::default(),
            signals: Mutex::default(),
            migrator,
        })
    }

    async fn whole<W: Work>(&self, work: &W, dry_run: bool) -> Result<Report, Error> {
        // Before the first read: the server may be out of reach.
        self.watch_signals();
        let result = self.worked(work, dry_run).await;
        match (self.end_signals(), result) {
            // Too late to stop anything, but the process was told to end, and would go on to serve.
            (true, Ok(report)) => Err(stopped(Reason::Interrupted, report)),
            (_, result) => result,
        }
    }

    async fn worked<W: Work>(&self, work: &W, dry_run: bool) -> Result<Report, Error> {
        let records = self.read(work).await?;
        let todo = work.todo(self, &records)?;
        if !W::is_nothing(&todo) {
            self.migrator.refuse_foreign().await?;
        }
        if dry_run {
            return work.rehearse(self, &todo, work.report(self, &records, &todo)).await;
        }
        if W::is_nothing(&todo) {
            return Ok(work.report(self, &records, &todo));
        }
        let result = self.with_lease(work, &records).await;
        self.migrator.0.compared.forget();
        self.migrator.0.events.emit(|| Event::Ended);
        let shared_pool = self.migrator.0.connection.shares_its_pool();
        result.map_err(|error| match error {
            Error::LeaseLost { report, .. } => Error::LeaseLost { report, shared_pool },
            other => other,
        })
    }

    /// Reads the records before there is a lease.
    async fn read(&self, work: &impl Work) -> Result<Records, Error> {
        let records = self.migrator.0.tracker.records().await?;
        if work.needs_whole_data() {
            self.refuse_partially_applied_elsewhere(&records).await?;
        }
        Ok(records)
    }

    /// Refuses what the policies forbid.
    pub(super) fn accept(&self, records: &Records) -> Result<(), Error> {
        let ids = records.drifted(self.graph.order());
        match self.migrator.0.options.drift {
            Policy::Error if !ids.is_empty() => Err(Error::Drift { ids }),
            Policy::Error | Policy::Warn => Ok(()),
        }
    }
}

/// A run that was stopped between or within steps.
pub(super) fn stopped(reason: Reason, report: Report) -> Error {
    let report = Box::new(report);
    match reason {
        Reason::LeaseLost => Error::LeaseLost { report, shared_pool: false },
        Reason::RunTimedOut(limit) => Error::RunTimedOut { limit, report },
        Reason::Interrupted | Reason::Dropped | Reason::TimedOut(_) | Reason::WaitTimedOut(_) => {
            Error::Interrupted { report }
        }
    }
}

/// A run that is under way, for whoever waits for the last one to end.
struct Running(Migrator);

impl Running {
    fn new(migrator: &Migrator) -> Self {
        migrator.0.running.send_modify(|count| *count += 1);
        Self(migrator.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.running.send_modify(|count| *count -= 1);
    }
}
