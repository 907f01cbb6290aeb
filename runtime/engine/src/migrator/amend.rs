//! Changing what is on record without running anything: `mark_applied`, `mark_pending`, `baseline`, `accept`, `prune`.

use std::collections::HashMap;
use std::future::IntoFuture;

use mongodb::BoxFuture;

use super::Migrator;
use super::run::{Run, Settings, Work, stopped};
use crate::context::Footprint;
use crate::error::Error;
use crate::executor::{Edit, Executor, Failure};
use crate::migration::State;
use crate::plan;
use crate::plan::unknown;
use crate::record::Act;
use crate::report::{Purpose, Report};
use crate::store::Records;

/// A change of the records that is about to be made; made by [`Migrator::mark_applied`], [`mark_pending`],
/// [`baseline`], [`accept`] and [`prune`]. Say who and why, then await it.
///
/// It is made under the lease, all of it or nothing (on a server without transactions, one record after the other), and
/// goes into the history.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// migrator.mark_applied(["003_assign_roles"]).by("ana").because("done by hand on Friday, see OPS-17").await?;
/// # Ok(()) }
/// ```
///
/// [`mark_pending`]: Migrator::mark_pending
/// [`baseline`]: Migrator::baseline
/// [`accept`]: Migrator::accept
/// [`prune`]: Migrator::prune
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
    because: Option<String>,
    /// What the migrations from whose facts the database differs would have left, had they left what is there.
    as_it_is: HashMap<String, Footprint>,
}

impl Migrator {
    /// Says that these migrations (qualified ids) are applied, without running them: they were done by hand, or by
    /// another tool. Those that are applied already are left as they are.
    ///
    /// Refused while something that they depend on is neither applied nor among them ([`Error::DependenciesPending`]).
    pub fn mark_applied(&self, ids: impl IntoIterator<Item = impl Into<String>>) -> Amend {
        self.amend(Act::MarkApplied, ids)
    }

    /// Says that these migrations (qualified ids) are pending, without reverting them, so that the next `up` runs them.
    /// Those that are pending already are left as they are; one that is half reverted is not.
    ///
    /// Refused while something that depends on them is applied and not among them ([`Error::DependentsApplied`]).
    pub fn mark_pending(&self, ids: impl IntoIterator<Item = impl Into<String>>) -> Amend {
        self.amend(Act::MarkPending, ids)
    }

    /// Says that this migration (qualified id) and everything before it in plan order is applied, without running any: for
    /// a database that is older than its migrations. [`detect`](Self::detect) finds the place.
    pub fn baseline(&self, id: impl Into<String>) -> Amend {
        self.amend(Act::Baseline, [id])
    }

    /// Accepts an applied migration (qualified id) as it is, whatever [`validate`](Self::validate) finds about it: its code has
    /// changed since it ran, its `verify` or `down` has failed, or the database is not as it has left it. The record gets the
    /// checksum of the code, its error goes (the history keeps both), and what is in the database now counts as what it has left.
    /// It does not run again. Of one that was reverted, only what its `down` left is accepted.
    pub fn accept(&self, id: impl Into<String>) -> Amend {
        self.amend(Act::Accept, [id])
    }

    /// Removes the record of a migration (qualified id) that is not linked into this program. The history keeps it.
    /// Refused for one that is linked in ([`Error::NotAnOrphan`]) or not on record ([`Error::UnknownMigration`]).
    pub fn prune(&self, id: impl Into<String>) -> Amend {
        self.amend(Act::Prune, [id])
    }

    fn amend(&self, act: Act, ids: impl IntoIterator<Item = impl Into<String>>) -> Amend {
        let amendment =
            Amendment { act, ids: ids.into_iter().map(Into::into).collect(), because: None, as_it_is: HashMap::new() };
        Amend { migrator: self.clone(), settings: Settings::default(), amendment }
    }
}

impl Amend {
    /// Who says so, for the history, in place of the migrator's actor.
    pub fn by(mut self, name: impl Into<String>) -> Self {
        self.settings.by = Some(name.into());
        self
    }

    /// Why, for the history.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.amendment.because = Some(reason.into());
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
                amendment.as_it_is = migrator.clone().whole(async |this| this.as_it_is().await).await?;
            }
            migrator.run(settings, amendment).await
        })
    }
}

impl Amendment {
    /// Which records change; those that are as they should be do not.
    fn edits<'r>(
        &self,
        run: &Run,
        records: &'r Records,
        as_it_is: &HashMap<String, Footprint>,
    ) -> Result<Vec<Edit<'r>>, Error> {
        match self.act {
            Act::Prune => self.prune(run, records),
            Act::Accept => self.accept(run, records, as_it_is),
            Act::MarkPending => {
                let marked = plan::mark_pending(
                    &run.graph,
                    &self.ids,
                    |id| records.applied(id).is_some(),
                    |id| records.state(id),
                )?;
                Ok(marked.into_iter().filter_map(|migration| records.get(migration.id())).map(Edit::Suspend).collect())
            }
            _ => {
                let baseline = self.act == Act::Baseline;
                let marked = plan::mark_applied(&run.graph, &self.ids, baseline, |id| records.state(id))?;
                Ok(marked.into_iter().map(Edit::Apply).collect())
            }
        }
    }

    fn accept<'r>(
        &self,
        run: &Run,
        records: &'r Records,
        as_it_is: &HashMap<String, Footprint>,
    ) -> Result<Vec<Edit<'r>>, Error> {
        let mut edits = Vec::new();
        for node in run.graph.named(&self.ids)? {
            let migration = run.graph.migration(node);
            let left = as_it_is.get(migration.id());
            let record = records.get(migration.id()).filter(|record| match record.state() {
                State::Completed => true,
                State::RolledBack => left.is_some(),
                _ => false,
            });
            let record = record.ok_or_else(|| Error::NotApplied { id: migration.id().to_owned() })?;
            let wrong = record.checksum != migration.checksum() || record.verification_failed || record.error.is_some();
            if wrong || left.is_some() {
                edits.push(Edit::Accept(record, migration, left.cloned()));
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
                // Another process has removed it while this one waited.
                None if records.is_settled() => {}
                None => return Err(unknown(id, run.graph.order())),
            }
        }
        Ok(edits)
    }
}

impl Work for Amendment {
    /// Whether there is anything to do.
    type Todo = bool;

    fn todo(&self, run: &Run, records: &Records) -> Result<bool, Error> {
        Ok(!self.edits(run, records, &self.as_it_is)?.is_empty())
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
        let as_it_is = match self.act {
            // As it is now: another run may have come before this one.
            Act::Accept if !self.as_it_is.is_empty() => run.migrator.as_it_is().await?,
            _ => HashMap::new(),
        };
        let edits = self.edits(run, records, &as_it_is)?;
        if edits.is_empty() {
            return Ok(report);
        }
        let changed = edits.iter().map(|edit| edit.id().to_owned()).collect::<Vec<_>>();
        match executor.amend(&edits, self.act, self.because.as_deref(), records).await {
            Ok(()) => changed.into_iter().for_each(|id| report.amend(id, self.act)),
            Err(Failure::Stopped(reason)) => return Err(stopped(reason, report)),
            Err(Failure::Failed(error)) => return Err(Error::unboxed(error)),
        }
        Ok(report)
    }
}
