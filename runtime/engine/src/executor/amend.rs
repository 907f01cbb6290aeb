//! Changes records without running a migration.

use super::{Executor, Failure};
use crate::context::Footprint;
use crate::migration::{Kind, Migration};
use crate::record::{Act, HistoryEntry, Record, RecordStatus};
use crate::store::{Attachment, Change, Expected, Records, now};

/// A change of a record.
#[derive(Debug)]
pub(crate) enum Edit<'r> {
    /// Writes a new record of an applied migration.
    Apply(Migration),
    /// Changes the record to that of a pending migration.
    Suspend(&'r Record),
    /// Updates the checksum to that of the code and clears errors. Replaces the footprint, if there is a new one.
    Accept(&'r Record, Migration, Option<Footprint>),
    /// Deletes the record.
    Remove(&'r Record),
}

impl Edit<'_> {
    /// The qualified id.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Apply(migration) => migration.id(),
            Self::Suspend(record) | Self::Accept(record, ..) | Self::Remove(record) => &record.id,
        }
    }
}

impl Executor<'_> {
    /// Stores all of these edits or none, each with its history entry.
    pub(crate) async fn amend(&mut self, edits: &[Edit<'_>], act: Act, records: &Records) -> Result<(), Failure> {
        // The history entries of interrupted executions, whose records are overwritten here.
        let found = edits.iter().filter_map(|edit| records.get(edit.id()));
        let interrupted = found.filter(|record| record.status == RecordStatus::Running);
        let interrupted =
            interrupted.map(|record| Change::Noted { entry: Box::new(HistoryEntry::interrupted(record)) });
        let edited = edits.iter().zip(1_i64..).map(|(edit, number)| self.edited(edit, number, act, records));
        if !matches!(act, Act::Accept) {
            self.end_backfills(edits, records).await?;
        }
        let changes: Vec<_> = interrupted.chain(edited).collect();
        if records.is_empty() && !self.transactional {
            self.insert_all(&changes).await?;
        } else {
            self.store_all(&changes).await?;
        }
        // The positions of these records are taken.
        self.executions += i64::try_from(edits.len()).unwrap_or(i64::MAX);
        Ok(())
    }

    /// Removes the ranges of backfills whose records are overwritten, so that no batch commits afterwards.
    async fn end_backfills(&self, edits: &[Edit<'_>], records: &Records) -> Result<(), Failure> {
        let ids = edits.iter().map(Edit::id);
        let backfills = ids.filter(|id| records.get(id).is_some_and(|record| record.kind == Some(Kind::Backfill)));
        for id in backfills {
            self.lease.check()?;
            self.ranges().remove(id, self.lease.token(), None).await?;
        }
        Ok(())
    }

    /// Changes the record of an applied migration to that of an interrupted execution.
    pub(crate) async fn interrupt(&mut self, record: &Record) -> Result<(), Failure> {
        let (host, pid, token) = (self.host.clone(), i64::from(std::process::id()), self.lease.token());
        let executed_at = now();
        let record = Record { status: RecordStatus::Running, host, pid, token, executed_at, ..without_errors(record) };
        let (record, attachment) = (Box::new(record), Attachment::Archived);
        self.store_all(&[Change::Stored { record, expected: Expected::Applied, attachment, entry: None }]).await
    }

    fn edited(&self, edit: &Edit<'_>, number: i64, act: Act, records: &Records) -> Change {
        let (token, now) = (self.lease.token(), now());
        let (record, expected) = match edit {
            Edit::Apply(migration) => {
                let attempts = records.get(migration.id()).map_or(0, |record| record.attempts);
                // Batch 0, because no `up` applied it.
                let position = Some((token, number));
                let record =
                    Record { batch: 0, attempts, position, ..self.fresh_record(*migration, RecordStatus::Completed) };
                (record, Expected::Pending)
            }
            Edit::Suspend(before) => {
                let (status, reverted_by) = (RecordStatus::RolledBack, self.by.clone());
                let reverted_at = Some(now);
                let record = Record {
                    status,
                    partial: false,
                    underway: false,
                    canceled: act == Act::Cancel,
                    reverted_at,
                    reverted_by,
                    token,
                    ..without_errors(before)
                };
                // One that was canceled is pending already.
                let expected = if before.canceled { Expected::Pending } else { Expected::Applied };
                (record, expected)
            }
            // Only the footprint of its `down` is accepted.
            Edit::Accept(record, ..) if record.status == RecordStatus::RolledBack => {
                (Record { token, ..(*record).clone() }, Expected::Pending)
            }
            Edit::Accept(record, migration, _) => {
                let checksum = migration.checksum().to_owned();
                (Record { checksum, token, ..without_errors(record) }, Expected::Applied)
            }
            Edit::Remove(record) => ((*record).clone(), Expected::Applied),
        };
        let mut entry = Box::new(HistoryEntry {
            executed_at: now,
            execution_duration: 0,
            by: self.by.clone(),
            because: self.because.clone(),
            token,
            // A recorded error belongs to an earlier execution, which has its own entry.
            error: None,
            error_stack: None,
            ..HistoryEntry::of(&record, act)
        });
        let record = Box::new(record);
        match edit {
            Edit::Remove(_) => {
                (entry.status, entry.removed) = (None, Some(record.clone()));
                Change::Removed { record, entry }
            }
            Edit::Accept(before, _, footprint) => {
                entry.previous_checksum = Some(before.checksum.clone());
                let footprint = footprint.as_ref().map(Footprint::to_document);
                let attachment = footprint.map_or(Attachment::Kept, |footprint| Attachment::Accepted { footprint });
                Change::Stored { record, expected, attachment, entry: Some(entry) }
            }
            Edit::Apply(_) | Edit::Suspend(_) => {
                Change::Stored { record, expected, attachment: Attachment::Archived, entry: Some(entry) }
            }
        }
    }
}

/// Returns a copy of a record without errors, because a person has resolved them.
fn without_errors(record: &Record) -> Record {
    Record { verification_failed: false, error: None, error_stack: None, permanent: false, ..record.clone() }
}
