//! Changes of records without running a migration: `mark_applied`, `mark_pending`, `baseline`, `accept`,
//! `prune`, `cancel_backfill`, `restart_backfill`.

use std::collections::HashMap;
use std::future::IntoFuture;
use std::time::Duration;

use mongodb::BoxFuture;

use super::Migrator;
use super::run::{Run, Settings, Work, stopped};
use crate::context::Footprint;
use crate::error::Error;
use crate::executor::{Edit, Executor, Failure};
use crate::migration::{Kind, State};
use crate::plan;
use crate::plan::unknown;
use crate::record::{Act, Record};
use crate::report::{Purpose, Report};
use crate::store::Records;

/// A future that changes records; returned by [`Migrator::mark_applied`], [`mark_pending`], [`baseline`], [`accept`],
/// [`prune`], [`cancel_backfill`] and [`restart_backfill`]. Set who and why, then await it.
///
/// The change is atomic, except on a server without transactions. It is made under the lease and recorded in the history.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// migrator.mark_applied(["003_assign_roles"]).by("ana").because("applied by hand on Friday, see OPS-17").await?;
/// # Ok(()) }
/// ```
///
/// [`mark_pending`]: Migrator::mark_pending
/// [`baseline`]: Migrator::baseline
/// [`accept`]: Migrator::accept
/// [`prune`]: Migrator::prune
/// [`cancel_backfill`]: Migrator::cancel_backfill
/// [`restart_backfill`]: Migrator::restart_backfill
#[must_use = "nothing changes until this is awaited"]
#[derive(Clone, Debug)]
pub struct Amend {
    migrator: Migrator,
    settings: Settings,
    amendment: Amendment,
}

#[derive(Clone, Debug)]
struct Amendment {
    act: Act,
    ids: Vec<String>,
    /// The current footprints of the migrations whose footprint differs from the database, by id.
    current_footprints: HashMap<String, Footprint>,
}

impl Migrator {
    /// Marks migrations (qualified ids) as applied without running them, because they were applied by hand or by another tool.
    /// Migrations that are applied already are not changed.
    ///
    /// Fails with [`Error::DependenciesPending`] if one of their dependencies is neither applied nor marked.
    pub fn mark_applied(&self, ids: impl IntoIterator<Item = impl Into<String>>) -> Amend {
        self.amend(Act::MarkApplied, ids)
    }

    /// Marks migrations (qualified ids) as pending without reverting them, so that the next `up` runs them. Migrations that are
    /// pending already are not changed, unless they would resume, as those that are partially reverted do, or were canceled.
    ///
    /// Fails with [`Error::DependentsApplied`] if one of their dependents is applied and not marked.
    pub fn mark_pending(&self, ids: impl IntoIterator<Item = impl Into<String>>) -> Amend {
        self.amend(Act::MarkPending, ids)
    }

    /// Cancels a backfill (qualified id) that has started and not completed: no batch commits afterwards (on a standalone server, one
    /// per worker may), and how far it has come is forgotten. What it has changed stays changed. It is pending, but no run starts it
    /// again unless it is named, and its dependents wait. To undo what it has changed instead, revert it with [`down`](Self::down).
    /// To stop it for a while, [pause](crate::migrator::Steer::pause) it. One that is canceled already is not changed.
    ///
    /// Fails with [`Error::NotUnderway`] if it is not a backfill that has started and not completed, and with [`Error::Refused`] while
    /// it is being reverted.
    pub fn cancel_backfill(&self, id: impl Into<String>) -> Amend {
        self.amend(Act::Cancel, [id])
    }

    /// Lets the next run start a backfill (qualified id) that has not completed from the beginning, as [`mark_pending`] does: no
    /// batch of the former run commits afterwards. Documents that it has changed are changed again, if they still match. Undoes
    /// [`cancel_backfill`](Self::cancel_backfill).
    ///
    /// Fails with [`Error::NotUnderway`] if it is not a backfill that has started and not completed, and with [`Error::Refused`] while
    /// it is being reverted.
    ///
    /// [`mark_pending`]: Self::mark_pending
    pub fn restart_backfill(&self, id: impl Into<String>) -> Amend {
        self.amend(Act::Restart, [id])
    }

    /// Marks a migration (qualified id) and everything before it in plan order as applied without running them, for a database
    /// that is older than its migrations. [`detect`](Self::detect) suggests the migration.
    pub fn baseline(&self, id: impl Into<String>) -> Amend {
        self.amend(Act::Baseline, [id])
    }

    /// Accepts the findings of [`validate`](Self::validate) about an applied migration (qualified id): its code has changed, its
    /// `verify` or `down` failed, or the database differs from what it left.
    ///
    /// The record gets the checksum of the code, its error is cleared, and the current state of the database becomes the expected
    /// one. The history keeps the old checksum and error. The migration does not run again. For a reverted migration, only
    /// differences from what its `down` left are accepted.
    ///
    /// Fails with [`Error::NotApplied`] if there is nothing to accept.
    pub fn accept(&self, id: impl Into<String>) -> Amend {
        self.amend(Act::Accept, [id])
    }

    /// Deletes the record of a migration (qualified id) that is not linked into this program. The history keeps the record.
    ///
    /// Fails with [`Error::NotAnOrphan`] if the migration is linked in, and with [`Error::UnknownMigration`] if there is no
    /// record.
    pub fn prune(&self, id: impl Into<String>) -> Amend {
        self.amend(Act::Prune, [id])
    }

    fn amend(&self, act: Act, ids: impl IntoIterator<Item = impl Into<String>>) -> Amend {
        let ids = ids.into_iter().map(Into::into).collect();
        let amendment = Amendment { act, ids, current_footprints: HashMap::new() };
        Amend { migrator: self.clone(), settings: Settings::default(), amendment }
    }
}

impl Amend {
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

    /// Sets how long to wait for another process that is migrating, instead of the migrator's
    /// [`lock_wait`](crate::MigratorBuilder::lock_wait). Zero does not wait.
    pub fn lock_wait(mut self, wait: Duration) -> Self {
        self.settings.lock_wait = Some(wait);
        self
    }
}

impl IntoFuture for Amend {
    type Output = Result<Report, Error>;
    type IntoFuture = BoxFuture<'static, Result<Report, Error>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { migrator, settings, mut amendment } = self;
            if amendment.act == Act::Accept {
                let footprints = migrator.clone().complete(async |this| this.current_footprints().await);
                amendment.current_footprints = footprints.await?;
            }
            migrator.run(settings, amendment).await
        })
    }
}

impl Amendment {
    /// Returns the edits of the records that have to change.
    fn edits<'r>(
        &self,
        run: &Run,
        records: &'r Records,
        current_footprints: &HashMap<String, Footprint>,
    ) -> Result<Vec<Edit<'r>>, Error> {
        match self.act {
            Act::Prune => self.prune(run, records),
            Act::Accept => self.accept(run, records, current_footprints),
            Act::MarkPending | Act::Cancel | Act::Restart => {
                if self.act != Act::MarkPending {
                    self.check_open(run, records)?;
                }
                let marked = plan::mark_pending(
                    &run.graph,
                    &self.ids,
                    |id| records.applied(id).is_some(),
                    |id| records.state(id),
                )?;
                let marked = marked.into_iter().filter_map(|migration| records.get(migration.id()));
                let changes = marked.filter(|record| !(self.act == Act::Cancel && record.canceled));
                Ok(changes.map(Edit::Suspend).collect())
            }
            _ => {
                let baseline = self.act == Act::Baseline;
                let marked = plan::mark_applied(&run.graph, &self.ids, baseline, |id| records.state(id))?;
                Ok(marked.into_iter().map(Edit::Apply).collect())
            }
        }
    }

    /// Fails unless all of these are backfills that have started and not completed.
    fn check_open(&self, run: &Run, records: &Records) -> Result<(), Error> {
        for node in run.graph.named(&self.ids)? {
            let migration = run.graph.migration(node);
            let id = migration.id();
            let is_open = match records.state(id) {
                State::Underway | State::Failed | State::Interrupted | State::Canceled => true,
                // Another process has restarted it while this one waited.
                State::RolledBack => self.act == Act::Restart && records.is_settled(),
                _ => false,
            };
            if migration.kind() != Kind::Backfill || !is_open {
                return Err(Error::NotUnderway { id: id.to_owned() });
            }
            if records.get(id).is_some_and(Record::is_revertible) {
                return Err(Error::Refused(format!(
                    "'{id}' is being reverted: run its `down` again, or mark it as applied or as pending"
                )));
            }
        }
        Ok(())
    }

    fn accept<'r>(
        &self,
        run: &Run,
        records: &'r Records,
        current_footprints: &HashMap<String, Footprint>,
    ) -> Result<Vec<Edit<'r>>, Error> {
        let mut edits = Vec::new();
        for node in run.graph.named(&self.ids)? {
            let migration = run.graph.migration(node);
            let footprint = current_footprints.get(migration.id());
            let record = records.get(migration.id()).filter(|record| match record.state() {
                State::Completed => true,
                State::RolledBack => footprint.is_some(),
                _ => false,
            });
            let record = record.ok_or_else(|| Error::NotApplied { id: migration.id().to_owned() })?;
            let wrong = record.checksum != migration.checksum() || record.verification_failed || record.error.is_some();
            if wrong || footprint.is_some() {
                edits.push(Edit::Accept(record, migration, footprint.cloned()));
            }
        }
        Ok(edits)
    }

    fn prune<'r>(&self, run: &Run, records: &'r Records) -> Result<Vec<Edit<'r>>, Error> {
        let mut edits = Vec::new();
        for id in &self.ids {
            if let Some(node) = run.graph.find(id) {
                return Err(Error::NotAnOrphan { id: run.graph.migration(node).id() });
            }
            match records.get(id) {
                Some(record) => edits.push(Edit::Remove(record)),
                // Another process deleted it while this one waited.
                None if records.is_settled() => {}
                None => return Err(unknown(id, run.graph.order())),
            }
        }
        Ok(edits)
    }
}

impl Work for Amendment {
    /// Whether any record has to change.
    type Todo = bool;

    fn todo(&self, run: &Run, records: &Records) -> Result<bool, Error> {
        Ok(!self.edits(run, records, &self.current_footprints)?.is_empty())
    }

    fn is_nothing(todo: &bool) -> bool {
        !todo
    }

    fn report(&self, _: &Run, _: &Records, _: &bool) -> Report {
        Report::new(Purpose::Amend)
    }

    async fn act(
        &self,
        run: &Run,
        records: &Records,
        _: &bool,
        executor: &mut Executor<'_>,
        mut report: Report,
    ) -> Result<Report, Error> {
        let current_footprints = match self.act {
            // Read again, because another run may have changed the database before this one.
            Act::Accept if !self.current_footprints.is_empty() => run.migrator.current_footprints().await?,
            _ => HashMap::new(),
        };
        let edits = self.edits(run, records, &current_footprints)?;
        if edits.is_empty() {
            return Ok(report);
        }
        let changed = edits.iter().map(|edit| edit.id().to_owned()).collect::<Vec<_>>();
        match executor.amend(&edits, self.act, records).await {
            Ok(()) => changed.into_iter().for_each(|id| report.amend(id, self.act)),
            Err(Failure::Stopped(reason)) => return Err(stopped(reason, report)),
            Err(Failure::Failed(error)) => return Err(Error::unboxed(error)),
        }
        Ok(report)
    }
}
