//! Partial changes of migrations that are not linked into this program.

use super::Migrator;
use super::run::Run;
use crate::error::Error;
use crate::lock::LeaseDocument;
use crate::plan::Graph;
use crate::record::{Record, RecordStatus};
use crate::store::Records;

impl Migrator {
    /// Returns the qualified ids of migrations that are not linked into this program, may have left partial changes, and are not
    /// running. Reads the lease, and the records again, only if there are candidates.
    pub(super) async fn partially_applied_elsewhere(
        &self,
        graph: &Graph,
        records: &Records,
    ) -> Result<Vec<String>, Error> {
        let suspects = suspects(graph, records);
        if suspects.iter().all(|record| record.status == RecordStatus::Failed) {
            return Ok(ids(suspects));
        }
        let sighting = self.0.lock.lease_document().await?;
        // The process that ran it may have ended before the lease was read.
        let now = self.0.tracker.records().await?;
        let is_unchanged = |record: &Record| {
            now.get(&record.id).is_some_and(|now| now.token == record.token && now.status == record.status)
        };
        let partial =
            suspects.into_iter().filter(|record| is_unchanged(record) && !is_run_by(sighting.as_ref(), record));
        Ok(ids(partial))
    }
}

impl Run {
    /// Fails if a migration of another program may have left partial changes.
    pub(super) async fn refuse_partially_applied_elsewhere(&self, records: &Records) -> Result<(), Error> {
        refuse(self.migrator.partially_applied_elsewhere(&self.graph, records).await?)
    }

    /// Like [`refuse_partially_applied_elsewhere`](Self::refuse_partially_applied_elsewhere), under the lease, where no other
    /// process is running a migration.
    pub(super) fn refuse_partially_applied(&self, records: &Records) -> Result<(), Error> {
        refuse(ids(suspects(&self.graph, records)))
    }
}

fn suspects<'r>(graph: &Graph, records: &'r Records) -> Vec<&'r Record> {
    let orphans = records.orphans(|id| graph.find(id).is_some());
    orphans.into_iter().filter(|record| record.may_be_partial()).collect()
}

/// Returns whether the holder of the lease is running a migration outside a transaction.
pub(super) fn is_run_by(sighting: Option<&LeaseDocument>, record: &Record) -> bool {
    sighting.is_some_and(|sighting| {
        let alive = sighting.holder.as_ref().is_some_and(|holder| !holder.expired);
        alive && record.status == RecordStatus::Running && record.token == sighting.token
    })
}

fn ids<'r>(records: impl IntoIterator<Item = &'r Record>) -> Vec<String> {
    records.into_iter().map(|record| record.id.clone()).collect()
}

pub(super) fn refuse(ids: Vec<String>) -> Result<(), Error> {
    if ids.is_empty() { Ok(()) } else { Err(Error::PartiallyAppliedElsewhere { ids }) }
}
