//! `down`: revert applied migrations.

use std::future::IntoFuture;
use std::sync::OnceLock;
use std::time::Duration;

use mongodb::BoxFuture;

use super::Migrator;
use super::run::{Run, Settings, Work};
use crate::error::Error;
use crate::executor::Executor;
use crate::migration::Kind;
use crate::options::Limit;
use crate::plan::{Plan, Target};
use crate::report::{Purpose, Report};
use crate::store::Records;

/// Why a backfill that has not completed cannot be reverted.
const UNFINISHED: &str = "it has not completed, and its `down` is not a backfill";

/// A future that reverts applied migrations; returned by [`Migrator::down`]. Select the migrations, then await it. By default,
/// it reverts the last applied migration.
///
/// Migrations are reverted one by one in the reverse order of application, with the same guarantees as when they are applied: a
/// `down` that takes `&mut Tx` takes effect exactly once together with its record, or not at all. Every migration must have a
/// `down` ([`Error::Irreversible`]), and its dependents must not stay applied ([`Error::DependentsApplied`]). Both are checked
/// before anything runs. The first failure stops the run.
///
/// The migrations are selected when the run begins. If two processes call `down()` at the same time, the same migration is
/// reverted once.
///
/// Of [`steps`](Self::steps), [`batch`](Self::batch), [`only`](Self::only) and [`to`](Self::to), the last call wins, except that
/// several calls of `only` add up.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// // Everything that the last deployment applied.
/// println!("{}", migrator.down().batch().by("ana").await?);
/// # Ok(()) }
/// ```
#[must_use = "nothing runs until this is awaited"]
#[derive(Clone, Debug)]
pub struct Down {
    migrator: Migrator,
    settings: Settings,
    applied: Applied,
}

/// The applied migrations to revert.
#[derive(Clone, Debug)]
struct Applied {
    target: Target,
    with_dependents: bool,
    /// The target as resolved when the run began.
    resolved: OnceLock<Target>,
}

impl Migrator {
    /// Reverts the last applied migration, or the selected ones, in the reverse order of application.
    pub fn down(&self) -> Down {
        Down::new(self.clone())
    }
}

impl Down {
    pub(super) fn new(migrator: Migrator) -> Self {
        let applied = Applied { target: Target::Last(1), with_dependents: false, resolved: OnceLock::new() };
        Self { migrator, settings: Settings::default(), applied }
    }

    /// Reverts the last `count` applied migrations.
    pub fn steps(mut self, count: usize) -> Self {
        self.applied.target = Target::Last(count);
        self
    }

    /// Reverts everything that the last `up` applied and that is still applied. Migrations that were marked as applied belong to
    /// no batch.
    pub fn batch(mut self) -> Self {
        self.applied.target = Target::Batch;
        self
    }

    /// Reverts only this migration (qualified id). Call it again to add migrations. A migration that is not applied is skipped.
    /// Of a [backfill](crate::Backfill) that has not completed, the part of the collection that it has passed is reverted, if its
    /// `down` is a backfill of the same collection.
    pub fn only(mut self, id: impl Into<String>) -> Self {
        match &mut self.applied.target {
            Target::Only(ids) => ids.push(id.into()),
            other => *other = Target::Only(vec![id.into()]),
        }
        self
    }

    /// Reverts everything that was applied after this migration (qualified id), which itself stays applied.
    pub fn to(mut self, id: impl Into<String>) -> Self {
        self.applied.target = Target::To(id.into());
        self
    }

    /// Reverts the dependents of the selected migrations as well. Default: applied dependents are an error that lists them.
    pub fn with_dependents(mut self, with_dependents: bool) -> Self {
        self.applied.with_dependents = with_dependents;
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

    /// Limits the duration of the whole run, like [`Up::timeout`](crate::migrator::Up::timeout).
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

    /// Returns the plan without reverting anything. Reads once; never writes.
    pub async fn plan(self) -> Result<Plan, Error> {
        self.migrator.look(self.applied).await.map(|(plan, _)| plan)
    }

    /// Reverts only the steps of this plan, whatever was applied since the plan was made. Use it after a person confirmed the
    /// plan.
    pub fn limited_to(mut self, plan: &Plan) -> Self {
        let ids = plan.ids().collect();
        self.applied.with_dependents = false;
        match &mut self.applied.target {
            Target::Only(named) if !plan.is_empty() => *named = ids,
            _ => self.applied.resolved = OnceLock::from(Target::Resolved(ids)),
        }
        self
    }

    /// Simulates the run without changing the database, like [`Up::dry_run`](crate::migrator::Up::dry_run).
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.settings.dry_run = dry_run;
        self
    }
}

impl IntoFuture for Down {
    type Output = Result<Report, Error>;
    type IntoFuture = BoxFuture<'static, Result<Report, Error>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.migrator.run(self.settings, self.applied))
    }
}

impl Work for Applied {
    type Todo = Plan;

    fn todo(&self, run: &Run, records: &Records) -> Result<Plan, Error> {
        run.enforce_policies(records)?;
        let target = self.resolved.get().unwrap_or(&self.target);
        let orphans = records.applied_orphans(|id| run.graph.find(id).is_some());
        // A backfill that has not completed is reverted only if it is named.
        let named = |id: &str| matches!(target, Target::Only(ids) if ids.iter().any(|named| named == id));
        let begun = |id: &str| records.begun(id).filter(|_| named(id));
        let plan = Plan::down(
            &run.graph,
            target,
            self.with_dependents,
            |id| records.applied(id).or_else(|| begun(id)),
            |id| records.state(id),
            &orphans,
        )?;
        for step in &plan {
            let (id, down) = (step.migration().id(), step.migration().down_kind());
            if records.applied(id).is_none() && down != Some(Kind::Backfill) {
                return Err(Error::Irreversible { id, reason: Some(UNFINISHED) });
            }
        }
        let ids = plan.ids().collect();
        self.resolved.get_or_init(|| match target {
            // Named migrations keep the privileges of being named.
            Target::Only(_) => target.clone(),
            _ => Target::Resolved(ids),
        });
        Ok(plan)
    }

    fn plan(todo: &Plan) -> Option<&Plan> {
        Some(todo)
    }

    fn is_nothing(todo: &Plan) -> bool {
        todo.is_empty()
    }

    fn works_along(&self, _: &str, _: bool) -> bool {
        true
    }

    fn report(&self, run: &Run, records: &Records, todo: &Plan) -> Report {
        run.report(records, todo, Purpose::Down)
    }

    async fn rehearse(&self, run: &Run, todo: &Plan, report: Report) -> Result<Report, Error> {
        run.rehearse(todo, false, report).await
    }

    async fn act(
        &self,
        run: &Run,
        records: &Records,
        todo: &Plan,
        executor: &mut Executor<'_>,
        report: Report,
    ) -> Result<Report, Error> {
        run.steps(todo, records, false, executor, report).await
    }
}
