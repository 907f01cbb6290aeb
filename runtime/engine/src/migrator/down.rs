//! `down`: revert what is applied.

use std::future::IntoFuture;
use std::sync::OnceLock;

use mongodb::BoxFuture;

use super::Migrator;
use super::run::{Run, Settings, Work};
use crate::error::Error;
use crate::executor::Executor;
use crate::options::Limit;
use crate::plan::{Plan, Target};
use crate::report::{Purpose, Report};
use crate::store::Records;

/// A `down` that is about to run: say what it reverts, then await it. Without a word it reverts the migration that was
/// applied last.
///
/// Migrations are reverted one by one in the reverse order of applying, each under the same rules as when it was applied: a
/// `down` that takes `&mut Tx` takes effect exactly once together with its record, or not at all. All of them must have a
/// `down` ([`Error::Irreversible`]), and nothing is reverted while something that depends on it stays applied
/// ([`Error::DependentsApplied`]); both are found before anything runs. The first failure stops the run.
///
/// What is to be reverted is decided when the run begins. If two processes say `down()` at the same time, the same
/// migration is reverted once.
///
/// The last call of [`steps`](Self::steps), [`batch`](Self::batch), [`only`](Self::only) and [`to`](Self::to) counts, but
/// several `only` add up.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// // What the last deployment has applied.
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

/// Which applied migrations.
#[derive(Clone, Debug)]
struct Applied {
    target: Target,
    with_dependents: bool,
    /// What the target stood for when the run began.
    meant: OnceLock<Target>,
}

impl Migrator {
    /// Reverts what was applied last, or whatever its options say, in the reverse order of applying.
    pub fn down(&self) -> Down {
        Down::new(self.clone())
    }
}

impl Down {
    pub(super) fn new(migrator: Migrator) -> Self {
        let applied = Applied { target: Target::Last(1), with_dependents: false, meant: OnceLock::new() };
        Self { migrator, settings: Settings::default(), applied }
    }

    /// So many of the migrations that were applied last.
    pub fn steps(mut self, count: usize) -> Self {
        self.applied.target = Target::Last(count);
        self
    }

    /// Everything of the last `up` that is still applied. What was marked as applied belongs to none.
    pub fn batch(mut self) -> Self {
        self.applied.target = Target::Batch;
        self
    }

    /// Only this migration (qualified id). Call it again to name more. One that is not applied is left out.
    pub fn only(mut self, id: impl Into<String>) -> Self {
        match &mut self.applied.target {
            Target::Only(ids) => ids.push(id.into()),
            other => *other = Target::Only(vec![id.into()]),
        }
        self
    }

    /// Everything that was applied after this migration (qualified id), which itself stays.
    pub fn to(mut self, id: impl Into<String>) -> Self {
        self.applied.target = Target::To(id.into());
        self
    }

    /// Whether to revert what depends on these as well. Default: that is refused, with the list.
    pub fn with_dependents(mut self, take_along: bool) -> Self {
        self.applied.with_dependents = take_along;
        self
    }

    /// Who reverts, for the record, in place of the migrator's actor.
    pub fn by(mut self, name: impl Into<String>) -> Self {
        self.settings.by = Some(name.into());
        self
    }

    /// How long the run may take in all, as in [`Up::timeout`](crate::migrator::up::Up::timeout).
    pub fn timeout(mut self, limit: impl Into<Limit>) -> Self {
        self.settings.timeout = Some(limit.into());
        self
    }

    /// What this would revert. One read, no writes.
    pub async fn plan(self) -> Result<Plan, Error> {
        self.migrator.look(self.applied).await.map(|(plan, _)| plan)
    }

    /// Only the steps of this plan, whatever has been applied since it was made: for a plan that somebody has confirmed.
    pub fn limited_to(mut self, plan: &Plan) -> Self {
        let ids = plan.iter().map(|step| step.migration().id().to_owned()).collect();
        self.applied.with_dependents = false;
        match &mut self.applied.target {
            Target::Only(named) if !plan.is_empty() => *named = ids,
            _ => self.applied.meant = OnceLock::from(Target::Meant(ids)),
        }
        self
    }

    /// Finds out what this would do without changing anything, as in [`Up::dry_run`](crate::migrator::up::Up::dry_run).
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
        run.accept(records)?;
        let target = self.meant.get().unwrap_or(&self.target);
        let orphans = records.applied_orphans(|id| run.graph.find(id).is_some());
        let plan = Plan::down(
            &run.graph,
            target,
            self.with_dependents,
            |id| records.applied(id),
            |id| records.state(id),
            &orphans,
        )?;
        let ids = plan.iter().map(|step| step.migration().id().to_owned()).collect();
        self.meant.get_or_init(|| match target {
            // What is named keeps what being named allows.
            Target::Only(_) => target.clone(),
            _ => Target::Meant(ids),
        });
        Ok(plan)
    }

    fn is_nothing(todo: &Plan) -> bool {
        todo.is_empty()
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
