//! `up`: apply pending migrations.

use std::collections::HashSet;
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use mongodb::BoxFuture;

use super::Migrator;
use super::run::{Run, Settings, Work};
use crate::error::Error;
use crate::executor::Executor;
use crate::migration::{Direction, State};
use crate::options::Limit;
use crate::plan::{Plan, Reach};
use crate::report::{Purpose, Report};
use crate::store::{Records, WorkedOn};

/// A future that applies pending migrations; returned by [`Migrator::up`]. Set its options, then await it.
///
/// SIGTERM, SIGINT (Ctrl-C) and SIGHUP stop the run, unless the application handles them itself. The run finishes its current
/// server call, rolls back its transaction and releases the lease. The result is [`Error::Interrupted`].
///
/// For a time limit, use [`timeout`](Self::timeout). Dropping the future, as `tokio::time::timeout` does, stops the run as
/// well, and blocks the thread for up to 2 seconds until the run has released its resources. On a `current_thread` runtime,
/// the run cannot make progress meanwhile. There, a migrator from [`Migrator::connect`] releases the lease from a separate
/// thread. A migrator with a given database handle does not wait: if the process ends at once, the lease has to expire, and
/// the transaction stays open until the next run or the server ends it.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// // A manual migration and its dependencies, recorded as applied by a person.
/// let report = migrator.up().only("007_shrink_orders").by("ana").await?;
/// println!("{report}");
/// # Ok(()) }
/// ```
#[must_use = "nothing runs until this is awaited"]
#[derive(Clone, Debug)]
pub struct Up {
    migrator: Migrator,
    settings: Settings,
    pending: Pending,
}

/// The pending migrations to apply.
#[derive(Clone, Debug, Default)]
struct Pending {
    reach: Reach,
    /// The qualified ids of the only migrations to apply.
    limit: Option<HashSet<String>>,
    continue_on_error: bool,
    background: bool,
    with_changed_code: bool,
    boot: Option<OfBoot>,
}

/// What a run of a boot knows.
#[derive(Clone, Debug)]
struct OfBoot {
    /// The backfills on which the boot has worked.
    worked_on: WorkedOn,
    /// Whether the application serves meanwhile.
    beside_service: bool,
}

impl Migrator {
    /// Returns the plan of [`up`](Self::up) without applying it. Reads once, and more on a database without records; never
    /// writes.
    pub async fn plan(&self) -> Result<Plan, Error> {
        self.clone()
            .complete(async |this| {
                let graph = this.graph()?;
                let records = this.records().await?;
                super::unlinked::refuse(this.partially_applied_elsewhere(&graph, &records).await?)?;
                let plan = Plan::up(&graph, &Reach::All, |id| records.state(id))?;
                if plan.is_empty() || !records.is_empty() {
                    return Ok(plan);
                }
                let run = Run::new(this.clone(), Settings::default(), this.0.shutdown.child(), Arc::default())?;
                let Some(baseline) = run.first_use(&this.0.database, &records).await? else { return Ok(plan) };
                let records = records.presuming(&baseline.migrations);
                Plan::up(&graph, &Reach::All, |id| records.state(id))
            })
            .await
    }

    /// Applies the pending migrations in order, exactly once, however many processes do this at the same time.
    ///
    /// If nothing is pending, this reads once. Otherwise, it takes the lease, waiting up to
    /// [`lock_wait`](crate::MigratorBuilder::lock_wait) for another process to finish, and applies one migration after another
    /// until one fails.
    ///
    /// Works on [backfills](crate::Backfill) until they are completed, together with other processes and without the lease,
    /// unless [`background`](Up::background) is set. A [`timeout`](Up::timeout) ends that, too.
    ///
    /// On a database without records, a function of the application ([`first_use`](crate::MigratorBuilder::first_use)) is asked
    /// first, or else the `verify` functions: [`Error::AlreadyInEffect`].
    ///
    /// Fails with [`Error::Failed`] if a migration fails, and with [`Error::LockTimeout`] if another process keeps the lease.
    pub fn up(&self) -> Up {
        Up::new(self.clone())
    }
}

impl Up {
    pub(super) fn new(migrator: Migrator) -> Self {
        Self { migrator, settings: Settings::default(), pending: Pending::default() }
    }

    /// Applies only this migration (qualified id) and its pending dependencies. Call it again to add migrations. Manual and
    /// partially applied migrations ([`Error::PartiallyApplied`]), and canceled backfills, run only if they are named here.
    pub fn only(mut self, id: impl Into<String>) -> Self {
        match &mut self.pending.reach {
            Reach::Only(ids) => ids.push(id.into()),
            other => *other = Reach::Only(vec![id.into()]),
        }
        self
    }

    /// Applies everything in plan order up to and including this migration (qualified id). Replaces earlier calls of this and of
    /// [`only`](Self::only), which in turn replaces this.
    pub fn to(mut self, id: impl Into<String>) -> Self {
        self.pending.reach = Reach::To(id.into());
        self
    }

    /// Sets the person or program to record, instead of the migrator's actor.
    pub fn by(mut self, name: impl Into<String>) -> Self {
        self.settings.by = Some(name.into());
        self
    }

    /// Sets the reason to record in the history.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.settings.because = Some(reason.into());
        self
    }

    /// Limits the duration of the whole run, including the wait for the lease. At the limit, the current migration is stopped
    /// between two server calls and recorded as failed. The result is [`Error::RunTimedOut`]. If the server does not respond,
    /// the run still returns within 5 seconds of the limit, with [`Error::Unacknowledged`].
    pub fn timeout(mut self, limit: impl Into<Limit>) -> Self {
        self.settings.timeout = Some(limit.into());
        self
    }

    /// Sets how long to wait for another process that is migrating, instead of the migrator's
    /// [`lock_wait`](crate::MigratorBuilder::lock_wait). Zero does not wait.
    pub fn lock_wait(mut self, wait: Duration) -> Self {
        self.settings.lock_wait = Some(wait);
        self
    }

    /// Continues after a failure with the migrations that do not depend on the failed one. Default: stop at the first failure.
    /// The result is an error either way.
    pub fn continue_on_error(mut self, continue_on_error: bool) -> Self {
        self.pending.continue_on_error = continue_on_error;
        self
    }

    /// Starts backfills without working on them, so that the run returns early; except for those that are
    /// [blocking](crate::context::Documents::blocking). Default: work on them, together with other processes, until they are completed.
    pub fn background(mut self, background: bool) -> Self {
        self.pending.background = background;
        self
    }

    /// Continues the backfills that [`only`](Self::only) names although their bodies describe another change than when they
    /// started, perhaps because a mistake was corrected. Documents that were passed are not visited again, except by sweeps, and no
    /// batch of the former code commits any more. The collection must be the same, and the server must have transactions. Default:
    /// programs with other code do not work on a backfill.
    pub fn with_changed_code(mut self, with_changed_code: bool) -> Self {
        self.pending.with_changed_code = with_changed_code;
        self
    }

    /// Belongs to a boot, or to what goes on `beside_service` after it. Leaves what was reverted since a run with the same
    /// `worked_on` has worked on it.
    pub(super) fn of_boot(mut self, worked_on: WorkedOn, beside_service: bool) -> Self {
        self.pending.boot = Some(OfBoot { worked_on, beside_service });
        self
    }

    /// Applies only the steps of this plan, whatever became pending since the plan was made. Use it after a person confirmed the
    /// plan.
    ///
    /// Fails with [`Error::PlanChanged`] if a step depends on a migration that has become pending since, and applies nothing.
    pub fn limited_to(mut self, plan: &Plan) -> Self {
        self.pending.limit = Some(plan.ids().collect());
        self
    }

    /// Simulates the run without changing the database: takes no lease, records nothing and creates no collection. The `Display`
    /// of the report suits a change request, but it quotes documents.
    ///
    /// - `Tx` bodies *run*, in plan order and in one transaction, which is rolled back at the end. Each operation is reported
    ///   with its counts and up to three documents before and after. Side effects outside the database are real, and the written
    ///   documents are locked for others until the end.
    /// - `Schema` operations are checked by reads: what exists already, how many documents an index would scan, and which
    ///   documents it or a validator would reject. Names and indexes are assumed to be as earlier steps would leave them,
    ///   documents to be as they are now.
    /// - `&Database` bodies are not run, nor are `Tx` bodies on a server without transactions:
    ///   [`Outcome::NotSimulated`](crate::report::Outcome::NotSimulated).
    ///
    /// If a body fails, the result is [`Error::Failed`]. If a check finds an obstacle, the report has an
    /// [`Outcome::WouldFail`](crate::report::Outcome::WouldFail).
    ///
    /// ```no_run
    /// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
    /// println!("{}", migrator.up().dry_run(true).await?);
    /// # Ok(()) }
    /// ```
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.settings.dry_run = dry_run;
        self
    }

    /// Returns the plan without applying it. Reads once, and twice more if a migration that is not linked in may have left
    /// partial changes. Never writes.
    pub async fn plan(self) -> Result<Plan, Error> {
        self.migrator.look(self.pending).await.map(|(plan, _)| plan)
    }

    /// Checks that nothing is pending, and no [blocking](crate::context::Documents::blocking) backfill is underway. Returns an empty
    /// report with warnings, or fails with [`Error::Pending`]. Reads like [`plan`](Self::plan); never writes.
    pub async fn check(self) -> Result<Report, Error> {
        self.migrator.check(self.pending).await
    }
}

impl IntoFuture for Up {
    type Output = Result<Report, Error>;
    type IntoFuture = BoxFuture<'static, Result<Report, Error>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.migrator.run(self.settings, self.pending))
    }
}

impl Pending {
    fn names(&self, id: &str) -> bool {
        matches!(&self.reach, Reach::Only(ids) if ids.iter().any(|named| named == id))
    }

    /// Returns whether a backfill that is underway goes on with changed code.
    fn exchanges(&self, id: &str, records: &Records) -> bool {
        let is_up = || records.get(id).is_some_and(|record| record.direction == Direction::Up);
        self.with_changed_code && self.names(id) && !records.is_worked_on(id) && is_up()
    }
}

impl Work for Pending {
    type Todo = Plan;

    fn todo(&self, run: &Run, records: &Records) -> Result<Plan, Error> {
        run.enforce_policies(records)?;
        let state = |id: &str| match records.state(id) {
            // The next pass under the lease exchanges the code, unless it has done so.
            State::Underway if self.exchanges(id, records) => State::Interrupted,
            state => state,
        };
        Plan::up_limited(&run.graph, &self.reach, self.limit.as_ref(), state)
    }

    fn plan(todo: &Plan) -> Option<&Plan> {
        Some(todo)
    }

    fn is_nothing(todo: &Plan) -> bool {
        todo.is_empty()
    }

    fn asks_first_use(&self) -> bool {
        true
    }

    fn works_along(&self, id: &str, started: bool) -> bool {
        let reached = match &self.reach {
            Reach::All => self.limit.as_ref().is_none_or(|ids| ids.contains(id)),
            Reach::Only(_) => self.names(id),
            Reach::To(last) => last == id,
        };
        started || reached
    }

    fn is_in_background(&self) -> bool {
        self.background
    }

    fn is_beside_service(&self) -> bool {
        self.boot.as_ref().is_some_and(|boot| boot.beside_service)
    }

    fn worked_on(&self) -> Option<WorkedOn> {
        Some(self.boot.as_ref().map(|boot| boot.worked_on.clone()).unwrap_or_default())
    }

    /// A named migration may be part of the repair.
    fn requires_complete_data(&self) -> bool {
        !matches!(self.reach, Reach::Only(_))
    }

    fn report(&self, run: &Run, records: &Records, todo: &Plan) -> Report {
        let purpose = if matches!(self.reach, Reach::All) { Purpose::Up } else { Purpose::UpNamed };
        run.report(records, todo, purpose)
    }

    async fn rehearse(&self, run: &Run, todo: &Plan, report: Report) -> Result<Report, Error> {
        run.rehearse(todo, self.continue_on_error, report).await
    }

    async fn act(
        &self,
        run: &Run,
        records: &Records,
        todo: &Plan,
        executor: &mut Executor<'_>,
        report: Report,
    ) -> Result<Report, Error> {
        if let (true, Reach::Only(ids)) = (self.with_changed_code, &self.reach) {
            executor.with_changed_code.clone_from(ids);
        }
        run.steps(todo, records, self.continue_on_error, executor, report).await
    }
}
