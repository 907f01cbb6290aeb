//! `rerun`: run an applied migration once more, as after a crash.

use std::collections::HashSet;
use std::future::IntoFuture;
use std::slice;
use std::time::Duration;

use mongodb::BoxFuture;

use super::Migrator;
use super::run::{Run, Settings, Work, stopped};
use crate::error::Error;
use crate::executor::{Executor, Failure};
use crate::migration::State;
use crate::options::Limit;
use crate::plan::{Plan, Reach};
use crate::report::{Purpose, Report};
use crate::store::Records;

/// A future that runs an applied migration once more; returned by [`Migrator::rerun`]. Set its options, then await it.
#[must_use = "nothing runs until this is awaited"]
#[derive(Clone, Debug)]
pub struct Rerun {
    migrator: Migrator,
    settings: Settings,
    again: Again,
}

#[derive(Clone, Debug)]
struct Again {
    id: String,
    dies_after: Option<u32>,
}

impl Migrator {
    /// Runs an applied migration (qualified id) once more, as the next run does after a crash. Use it in a test, to find out
    /// whether a body that runs outside a transaction can be repeated.
    ///
    /// The record becomes that of an interrupted execution. Then its `verify` function is asked: if it returns
    /// [`Effect::Present`](crate::Effect::Present), the body does not run. A `Schema` body starts from its first operation.
    /// Dependents stay applied.
    ///
    /// Fails with [`Error::NotApplied`] if the migration is not applied.
    ///
    /// ```no_run
    /// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
    /// migrator.up().await?;
    /// migrator.rerun("004_index_orders").await?;
    /// # Ok(()) }
    /// ```
    pub fn rerun(&self, id: impl Into<String>) -> Rerun {
        let again = Again { id: id.into(), dies_after: None };
        Rerun { migrator: self.clone(), settings: Settings::default(), again }
    }
}

impl Rerun {
    /// Ends the run after this number of operations of a `Schema` body without storing anything more, like a process that is
    /// killed. The result is [`Error::Interrupted`], and the next `up` resumes. Has no effect on other bodies.
    ///
    /// ```no_run
    /// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
    /// for operations in 1..=3 {
    ///     migrator.rerun("004_index_orders").dying_after(operations).await.unwrap_err();
    ///     migrator.up().await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn dying_after(mut self, operations: u32) -> Self {
        self.again.dies_after = Some(operations);
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

    /// Limits the duration of the whole run, like [`Up::timeout`](super::Up::timeout).
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
}

impl IntoFuture for Rerun {
    type Output = Result<Report, Error>;
    type IntoFuture = BoxFuture<'static, Result<Report, Error>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.migrator.run(self.settings, self.again))
    }
}

impl Work for Again {
    type Todo = Plan;

    fn todo(&self, run: &Run, records: &Records) -> Result<Plan, Error> {
        run.graph.named(slice::from_ref(&self.id))?;
        if records.state(&self.id) != State::Completed {
            return Err(Error::NotApplied { id: self.id.clone() });
        }
        let interrupted = |id: &str| if id == self.id { State::Interrupted } else { records.state(id) };
        let (reach, limit) = (Reach::Only(vec![self.id.clone()]), HashSet::from([self.id.clone()]));
        Plan::up_limited(&run.graph, &reach, Some(&limit), interrupted)
    }

    fn is_nothing(todo: &Plan) -> bool {
        todo.is_empty()
    }

    fn plan(todo: &Plan) -> Option<&Plan> {
        Some(todo)
    }

    fn report(&self, run: &Run, records: &Records, todo: &Plan) -> Report {
        run.report(records, todo, Purpose::UpNamed)
    }

    async fn act(
        &self,
        run: &Run,
        records: &Records,
        todo: &Plan,
        executor: &mut Executor<'_>,
        report: Report,
    ) -> Result<Report, Error> {
        if let Some(record) = records.get(&self.id) {
            executor.interrupt(record).await.map_err(|failure| match failure {
                Failure::Stopped(reason) => stopped(reason, Report::default()),
                Failure::Failed(error) => Error::unboxed(error),
            })?;
        }
        executor.dies_after = self.dies_after;
        let records = executor.tracker.records().await?.settled(records);
        run.steps(todo, &records, false, executor, report).await
    }
}
