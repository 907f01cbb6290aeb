//! `up`: apply what is pending.

use std::future::IntoFuture;

use mongodb::BoxFuture;

use super::Migrator;
use super::run::{Run, Settings, Work};
use crate::error::Error;
use crate::executor::Executor;
use crate::options::Limit;
use crate::plan::{Plan, Reach};
use crate::report::{Purpose, Report};
use crate::store::Records;

/// An `up` that is about to run: set its options, then await it.
///
/// SIGTERM, SIGINT (ctrl-C) and SIGHUP stop the run, unless the application handles them itself: the server call under way
/// ends, the transaction is rolled back, the lease is released. The result is [`Error::Interrupted`].
///
/// For a time limit, use [`timeout`](Self::timeout). Dropping the future, as `tokio::time::timeout` does, stops the run as
/// well, and blocks the thread for up to 2 seconds until the run has given back what it holds. On a `current_thread` runtime
/// the run cannot go on meanwhile. There, a migrator of [`Migrator::connect`] releases the lease from a thread of its own. One
/// with a handle that was brought does not wait: if the process ends at once, the lease has to expire, and the transaction
/// stays open until the next run or the server ends it.
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
    settings: Settings,
    pending: Pending,
}

/// Which pending migrations, and how.
#[derive(Clone, Debug, Default)]
struct Pending {
    reach: Reach,
    continue_on_error: bool,
}

impl Migrator {
    /// What [`up`](Self::up) would do now. One read, no writes.
    pub async fn plan(&self) -> Result<Plan, Error> {
        self.clone()
            .whole(async |this| {
                let graph = this.graph()?;
                let records = this.0.tracker.records().await?;
                super::unlinked::refuse(this.partially_applied_elsewhere(&graph, &records).await?)?;
                Plan::up(&graph, &Reach::All, |id| records.state(id))
            })
            .await
    }

    /// Applies what is pending, in order, exactly once, however many processes do this at the same time.
    ///
    /// With nothing pending this is one read. Otherwise it takes the lease, waiting up to `lock_wait` for another
    /// process to finish, and runs one migration after the other until one fails.
    pub fn up(&self) -> Up {
        Up::new(self.clone())
    }
}

impl Up {
    pub(super) fn new(migrator: Migrator) -> Self {
        Self { migrator, settings: Settings::default(), pending: Pending::default() }
    }

    /// Only this migration (qualified id) with its pending dependencies. Call it again to name more. This is also how
    /// a manual migration is run, and one that is half changed ([`Error::PartiallyApplied`]).
    pub fn only(mut self, id: impl Into<String>) -> Self {
        match &mut self.pending.reach {
            Reach::Only(ids) => ids.push(id.into()),
            other => *other = Reach::Only(vec![id.into()]),
        }
        self
    }

    /// Everything up to this migration (qualified id) in plan order, and this one. The last call of this and of
    /// [`only`](Self::only) counts.
    pub fn to(mut self, id: impl Into<String>) -> Self {
        self.pending.reach = Reach::To(id.into());
        self
    }

    /// Who applies, for the record, in place of the migrator's actor.
    pub fn by(mut self, name: impl Into<String>) -> Self {
        self.settings.by = Some(name.into());
        self
    }

    /// How long the run may take in all, waiting for the lease included. What is under way then is stopped between two
    /// server calls and recorded as failed; the result is [`Error::RunTimedOut`]. If the server does not answer, the run
    /// returns within 5 seconds of the limit all the same, with [`Error::Unacknowledged`].
    pub fn timeout(mut self, limit: impl Into<Limit>) -> Self {
        self.settings.timeout = Some(limit.into());
        self
    }

    /// After a failure, go on with what does not depend on the failed one. Default: stop at the first failure. Either
    /// way the result is an error.
    pub fn continue_on_error(mut self, go_on: bool) -> Self {
        self.pending.continue_on_error = go_on;
        self
    }

    /// Finds out what this would do without changing anything: no lease is taken, nothing is recorded, no collection is
    /// made. The report tells it; its `Display` can be pasted into a change request, but it quotes documents.
    ///
    /// - `Tx` bodies *run*, in plan order and in one transaction, which is rolled back at the end. Each operation is told
    ///   with its counts and up to three documents before and after. What a body does outside the database it really
    ///   does, and until the end the documents that it wrote are locked for others.
    /// - `Schema` operations are checked by reading: what is there already, how many documents an index would scan, which
    ///   ones it or a validator would refuse. Names and indexes are taken as earlier steps would leave them, documents as
    ///   they are now.
    /// - `&Database` bodies are not run, nor are `Tx` bodies on a server without transactions:
    ///   [`Outcome::NotSimulated`](crate::report::Outcome::NotSimulated).
    ///
    /// A body that fails makes the result an [`Error::Failed`]; a check that finds an obstacle does not, it is an
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

    /// What this would run. One read, and two more if a migration that is not linked in may have left data half changed. No
    /// writes.
    pub async fn plan(self) -> Result<Plan, Error> {
        self.migrator.look(self.pending).await.map(|(plan, _)| plan)
    }

    /// A report of nothing, or [`Error::Pending`]. Reads as [`plan`](Self::plan) does, no writes.
    pub async fn check(self) -> Result<Report, Error> {
        let (plan, report) = self.migrator.look(self.pending).await?;
        if plan.is_empty() {
            return Ok(report);
        }
        Err(Error::Pending { ids: plan.iter().map(|step| step.migration().id().to_owned()).collect() })
    }
}

impl IntoFuture for Up {
    type Output = Result<Report, Error>;
    type IntoFuture = BoxFuture<'static, Result<Report, Error>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.migrator.run(self.settings, self.pending))
    }
}

impl Work for Pending {
    type Todo = Plan;

    fn todo(&self, run: &Run, records: &Records) -> Result<Plan, Error> {
        run.accept(records)?;
        Plan::up(&run.graph, &self.reach, |id| records.state(id))
    }

    fn is_nothing(todo: &Plan) -> bool {
        todo.is_empty()
    }

    /// What a person names may be part of the repair.
    fn needs_whole_data(&self) -> bool {
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
        run.steps(todo, records, self.continue_on_error, executor, report).await
    }
}
