//! `up`: apply what is pending.

mod acquire;
mod check;

use std::collections::HashSet;
use std::future::IntoFuture;

use mongodb::BoxFuture;
use mongodb::bson::doc;

use self::acquire::Acquired;
use super::Migrator;
use crate::Error;
use crate::executor::{Ended, Executor};
use crate::graph::Graph;
use crate::migration::{Kind, Migration, State};
use crate::options::{Policy, Transactions};
use crate::plan::{Plan, Step};
use crate::registry::NOTHING_LINKED;
use crate::report::{Execution, Outcome, Report};
use crate::signals;
use crate::stop::{Reason, Stop};
use crate::tracker::Records;

/// What to tell when there are no transactions.
const NO_TRANSACTIONS: &str = "this server has no transactions (it is a standalone mongod): a migration that fails or \
     is interrupted can leave data half changed. Run it as a replica set, if only of one node.";

/// An `up` that is about to run: set its options, then await it.
///
/// Dropping the future stops the run: the server call under way ends, the transaction is rolled back, the lease is
/// released. SIGTERM and SIGINT (ctrl-C) do the same while it runs, unless the application handles them itself; the
/// result is [`Error::Interrupted`] then.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// // A manual migration, and what it depends on, in the name of a person.
/// let report = migrator.up().only("007_shrink_orders").by("ana").await?;
/// println!("{report}");
/// # Ok(()) }
/// ```
#[must_use = "nothing runs until this is awaited"]
#[derive(Clone, Debug)]
pub struct Up {
    migrator: Migrator,
    only: Option<Vec<String>>,
    by: Option<String>,
    continue_on_error: bool,
}

impl Up {
    pub(super) fn new(migrator: Migrator) -> Self {
        Self { migrator, only: None, by: None, continue_on_error: false }
    }

    /// Only this migration (qualified id) with its pending dependencies. Call it again to name more. This is also how
    /// a manual migration is run.
    pub fn only(mut self, id: impl Into<String>) -> Self {
        self.only.get_or_insert_default().push(id.into());
        self
    }

    /// Who applies, for the record, in place of the migrator's actor.
    pub fn by(mut self, name: impl Into<String>) -> Self {
        self.by = Some(name.into());
        self
    }

    /// After a failure, go on with what does not depend on the failed one. Default: stop at the first failure. Either
    /// way the result is an error.
    pub fn continue_on_error(mut self, go_on: bool) -> Self {
        self.continue_on_error = go_on;
        self
    }
}

impl IntoFuture for Up {
    type Output = Result<Report, Error>;
    type IntoFuture = BoxFuture<'static, Result<Report, Error>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let stop = Stop::new();
            let _interrupt = InterruptOnDrop(stop.clone());
            self.migrator.clone().whole(move |_| self.run(stop)).await
        })
    }
}

/// Tells the run to stop when the caller drops its future.
pub(super) struct InterruptOnDrop(pub(super) Stop);

impl Drop for InterruptOnDrop {
    fn drop(&mut self) {
        self.0.raise(Reason::Interrupted);
    }
}

impl Up {
    pub(super) async fn run(self, stop: Stop) -> Result<Report, Error> {
        let inner = &self.migrator.0;
        let graph = self.migrator.graph()?;
        let records = inner.tracker.records().await?;
        self.accept(&graph, &records)?;
        let plan = self.plan(&graph, &records)?;
        if plan.is_empty() {
            return Ok(self.report(&graph, &records, &plan));
        }
        let signals = signals::Watch::new(stop.clone());
        let result = self.run_pending(&graph, records.newest_token(), &stop).await;
        match (signals.end(), result) {
            // Too late to stop anything, but the process was told to end, and would go on to serve.
            (true, Ok(report)) => Err(stopped(Reason::Interrupted, report)),
            (_, result) => result,
        }
    }

    /// `newest` is the newest token on record.
    async fn run_pending(&self, graph: &Graph, newest: i64, stop: &Stop) -> Result<Report, Error> {
        let inner = &self.migrator.0;
        let transactional = self.migrator.has_transactions().await?;
        let session = inner.database.client().start_session().await;
        let session = session.map_err(|error| Error::server("start a session", error))?;
        let lease = match self.acquire(graph, session.id(), newest, stop).await? {
            Acquired::Lease(lease) => lease,
            Acquired::NotNeeded(records, plan) => {
                self.accept(graph, &records)?;
                return Ok(self.report(graph, &records, &plan).by_another());
            }
            Acquired::Stopped => return Err(Error::Interrupted { report: Box::default() }),
        };
        let mut executor = Executor {
            database: &inner.database,
            options: &inner.options,
            tracker: &inner.tracker,
            lock: &inner.lock,
            lease: &lease,
            stop,
            transactional,
            batch: 0,
            by: self.by.clone().or_else(|| inner.options.actor.clone()),
            session: Some(session),
        };
        let result = self.under_lease(graph, &mut executor).await;
        drop(executor);
        lease.release().await;
        result
    }

    /// What is pending now, as far as it is asked for.
    fn plan(&self, graph: &Graph, records: &Records) -> Result<Plan, Error> {
        Plan::up(graph, self.only.as_deref(), |id| records.state(id))
    }

    /// Refuses what the policies forbid. Asked of the records on which a run acts, each time that they were read: a
    /// replica of another version may have applied something meanwhile.
    fn accept(&self, graph: &Graph, records: &Records) -> Result<(), Error> {
        let ids = records.drifted(graph.order());
        match self.migrator.0.options.drift {
            Policy::Error if !ids.is_empty() => Err(Error::Drift { ids }),
            Policy::Error | Policy::Warn => Ok(()),
        }
    }

    /// A report of nothing yet, with what a person should know although nothing has failed.
    fn report(&self, graph: &Graph, records: &Records, plan: &Plan) -> Report {
        let mut report = Report::default();
        let drifted = records.drifted(graph.order());
        if !drifted.is_empty() {
            report.warn(format!("changed since they were applied: {}", drifted.join(", ")));
        }
        let orphans = records.orphans(|id| graph.find(id).is_some());
        if !orphans.is_empty() {
            let ids: Vec<_> = orphans.iter().map(|record| record.id.as_str()).collect();
            report.warn(format!(
                "on record, but not linked into this program (removed, renamed, or of another build): {}",
                ids.join(", ")
            ));
        }
        if self.migrator.0.registry.is_empty() {
            report.warn(NOTHING_LINKED.to_owned());
        }
        // What waits for a manual migration is not to be run, but must not be forgotten either.
        report.wait(plan.blocked());
        report
    }

    async fn under_lease(&self, graph: &Graph, executor: &mut Executor<'_>) -> Result<Report, Error> {
        executor.tracker.prepare().await?;
        let records = executor.tracker.records().await?;
        self.accept(graph, &records)?;
        let plan = self.plan(graph, &records)?;
        let mut report = self.report(graph, &records, &plan);
        if !executor.transactional {
            report.warn(NO_TRANSACTIONS.to_owned());
        }
        if plan.is_empty() {
            // Something was pending before the lease was ours.
            return Ok(report.by_another());
        }
        executor.batch = records.next_batch();
        let mut held_up = HashSet::new();
        let mut stopped_by = None;
        for step in &plan {
            let id = step.migration().id();
            let over = stopped_by.is_some()
                || report.failed().any(|failed| !self.continue_on_error || is_partial(failed, &plan, executor));
            if over || held_up.contains(id) {
                report.leave_out(id);
                continue;
            }
            if let Err(reason) = executor.lease.check() {
                stopped_by = Some(reason);
                report.leave_out(id);
                continue;
            }
            if step.state() == State::Interrupted {
                report.warn(format!("'{id}' was interrupted the last time, and runs again from its beginning"));
            }
            match executor.run(step.migration(), records.get(id)).await {
                Ended::Execution(execution) => {
                    if matches!(execution.outcome, Outcome::Failed { .. }) {
                        held_up.extend(graph.dependants_of([id]).iter().map(Migration::id));
                    }
                    report.push(execution);
                }
                Ended::Stopped(reason, execution) => {
                    stopped_by = Some(reason);
                    report.push(execution);
                }
            }
        }
        match stopped_by {
            Some(reason) => Err(stopped(reason, report)),
            None => conclude(report, &plan, executor),
        }
    }
}

/// A run that was stopped between or within steps.
fn stopped(reason: Reason, report: Report) -> Error {
    let report = Box::new(report);
    match reason {
        Reason::LeaseLost => Error::LeaseLost { report },
        Reason::Interrupted | Reason::TimedOut(_) => Error::Interrupted { report },
    }
}

/// The report, or the first failure with it.
fn conclude(report: Report, plan: &Plan, executor: &Executor<'_>) -> Result<Report, Error> {
    let Some(failed) = report.failed().next() else { return Ok(report) };
    let partial = is_partial(failed, plan, executor);
    let id = failed.id.clone();
    let Outcome::Failed { error: source, message, rolled_back } = failed.outcome.clone() else { return Ok(report) };
    let report = Box::new(report);
    Err(if partial {
        Error::Partial { id, message, source, report }
    } else {
        Error::Failed { id, message, source, report, rolled_back }
    })
}

/// Whether a `Tx` failed without a transaction. Nothing must go on after that.
fn is_partial(failed: &Execution, plan: &Plan, executor: &Executor<'_>) -> bool {
    let is_tx = |step: &Step| step.migration().id() == failed.id && step.migration().kind() == Kind::Tx;
    !executor.transactional && plan.iter().any(is_tx)
}

impl Migrator {
    /// Whether the server has transactions. A standalone one does not, and says so only in a misleading way when one
    /// is used, so it is asked before.
    async fn has_transactions(&self) -> Result<bool, Error> {
        let hello = self.0.database.run_command(doc! { "hello": 1 }).await;
        let hello = hello.map_err(|error| Error::server("ask the server what it is", error))?;
        let transactional = hello.contains_key("setName") || hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid");
        if !transactional && self.0.options.transactions == Transactions::Required {
            return Err(Error::TransactionsRequired);
        }
        Ok(transactional)
    }
}
