//! The records and history entries of a step.

use tokio::time::Instant;

use super::Executor;
use super::step::{RecordedFailure, Step};
use crate::migration::{Direction, Kind, Migration};
use crate::record::{Act, HistoryEntry, Record, RecordStatus};
use crate::report::Remains;
use crate::store::{Attachment, Change, Expected, now};

impl Executor<'_> {
    /// Returns the change for a failed step. An applied migration stays applied if its `verify` or its `down` failed.
    pub(super) fn failed(&self, step: &Step<'_>, error: RecordedFailure<'_>, remains: Remains) -> Change {
        let mut record = match (step.direction, remains, step.previous) {
            (_, Remains::All, _) => self.record(step, RecordStatus::Completed),
            (direction, Remains::Nothing | Remains::Unknown, Some(previous))
                if direction == Direction::Down || step.leaves_nothing =>
            {
                let attempts = previous.attempts + i64::from(previous.is_revertible());
                Record { token: self.lease.token(), attempts, ..previous.clone() }
            }
            // Rolled back, so the migration is as partially reverted as before.
            (Direction::Up, Remains::Nothing | Remains::Unknown, Some(previous)) if previous.is_revertible() => {
                let (status, token) = (RecordStatus::Failed, self.lease.token());
                Record { status, token, attempts: previous.attempts + 1, ..previous.clone() }
            }
            _ => self.record(step, RecordStatus::Failed),
        };
        let before = (record.error.take(), record.error_stack.take(), record.permanent);
        record.error = Some(error.message.to_owned());
        record.error_stack = Some(error.chain);
        record.permanent = error.permanent;
        let mut entry = self.entry(step, &record);
        entry.status = Some(RecordStatus::Failed);
        if step.leaves_nothing && step.previous.is_some_and(|previous| !previous.is_revertible()) {
            // It is a backfill that has not completed, and goes on as before.
            (record.error, record.error_stack, record.permanent) = before;
        }
        if step.direction == Direction::Up {
            entry.batch = Some(self.batch);
        }
        let mut expected = step.expected();
        if remains == Remains::All {
            // The execution has its entry, and its record.
            (entry.act, expected) = (Act::Verify, Expected::Applied);
        }
        let (record, entry) = (Box::new(record), Some(Box::new(entry)));
        let attachment = step.update.clone().map_or(Attachment::Kept, Attachment::Logged);
        Change::Stored { record, expected, attachment, entry }
    }

    /// Returns the change that stores a record, with a history entry if the execution `ends`.
    pub(super) fn change(&self, step: &Step<'_>, record: Record, ends: bool) -> Change {
        let entry = ends.then(|| Box::new(self.entry(step, &record)));
        let attachment = match &step.footprint {
            _ if !ends => Attachment::Kept,
            Some(footprint) => Attachment::Completed { footprint: Some(footprint.to_document()) },
            None => Attachment::Completed { footprint: None },
        };
        let expected = if self.is_first_record(step) { Expected::Absent } else { step.expected() };
        Change::Stored { record: Box::new(record), expected, attachment, entry }
    }

    /// Returns whether the step writes one record only, and there was none. The records were read behind the fence, so that
    /// only a later holder can have written one since.
    fn is_first_record(&self, step: &Step<'_>) -> bool {
        step.kind == Kind::Tx && self.transactional && step.direction == Direction::Up && step.previous.is_none()
    }

    pub(super) fn entry(&self, step: &Step<'_>, record: &Record) -> HistoryEntry {
        HistoryEntry {
            effects: step.effects.clone(),
            executed_at: step.started_at,
            execution_duration: millis(step.started),
            by: self.by.clone(),
            because: self.because.clone(),
            checksum: Some(step.migration.checksum().to_owned()),
            ..HistoryEntry::of(record, if step.direction == Direction::Down { Act::Down } else { Act::Up })
        }
    }

    /// Returns the record of a step that ends now.
    pub(super) fn record(&self, step: &Step<'_>, status: RecordStatus) -> Record {
        let before = step.previous;
        // Cleared by success, so that a crash leaves it set.
        let partial = step.kind == Kind::Tx && !self.transactional && status != step.done();
        // A backfill goes on with the execution that was started.
        let goes_on = |record: &Record| {
            step.kind == Kind::Backfill && record.status == RecordStatus::Running && record.direction == step.direction
        };
        let attempts = before.map_or(1, |record| record.attempts + i64::from(!goes_on(record)));
        let record = self.fresh_record(step.migration, status);
        match (step.direction, before) {
            (Direction::Down, Some(before)) => Record {
                direction: Direction::Down,
                partial,
                kind: Some(step.kind),
                // The history of an interrupted execution needs its start.
                reverted_at: (status != RecordStatus::Failed).then_some(step.started_at),
                reverted_by: self.by.clone(),
                attempts,
                status,
                host: record.host,
                pid: record.pid,
                environment: record.environment,
                codebase_version: record.codebase_version,
                token: record.token,
                error: None,
                error_stack: None,
                permanent: false,
                ..before.clone()
            },
            _ => Record {
                partial,
                kind: Some(step.kind),
                executed_at: step.started_at,
                execution_duration: millis(step.started),
                verification_failed: step.verification_failed && status == RecordStatus::Completed,
                attempts,
                position: Some(step.position),
                ..record
            },
        }
    }

    /// Creates a record of a linked-in migration, written by this run.
    pub(super) fn fresh_record(&self, migration: Migration, status: RecordStatus) -> Record {
        Record {
            id: migration.id().to_owned(),
            status,
            direction: Direction::Up,
            underway: false,
            canceled: false,
            partial: false,
            kind: Some(migration.kind()),
            source: migration.source().to_string(),
            description: migration.description().to_owned(),
            checksum: migration.checksum().to_owned(),
            reversible: migration.is_reversible(),
            batch: self.batch,
            executed_at: now(),
            execution_duration: 0,
            verification_failed: false,
            reverted_at: None,
            applied_by: self.by.clone(),
            reverted_by: None,
            host: self.host.clone(),
            pid: i64::from(std::process::id()),
            environment: self.options.environment.clone(),
            codebase_version: self.options.codebase_version.clone(),
            error: None,
            error_stack: None,
            permanent: false,
            attempts: 0,
            token: self.lease.token(),
            position: None,
        }
    }
}

fn millis(since: Instant) -> i64 {
    i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX)
}
