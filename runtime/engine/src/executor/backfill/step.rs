//! `Backfill` steps: they are started and finished under the lease, and worked on without it.

use mongodb::bson::{Document, doc, oid::ObjectId};
use tokio::sync::watch;
use tokio::time::sleep;

use super::header::{Header, SWEEPS};
use super::opened::{Opened, describe};
use super::plan::{Planned, plan};
use super::range::{Range, RangeFailure, RangeId, RangeState, Seen, Skipped};
use super::steering::Steering;
use super::stored::Ranges;
use super::sweep::Sweep;
use super::terms::Terms;
use super::unfinished::unfinished;
use super::worker::Worker;
use crate::context::Description;
use crate::display::plural;
use crate::error::Error;
use crate::executor::step::Step;
use crate::executor::{Executor, Failure};
use crate::migration::Direction;
use crate::record::{Act, HistoryEntry, Record, RecordStatus};
use crate::report::{Operation, RecordedError};
use crate::stop::backoff;
use crate::store::{Attachment, Change, now};

/// Maximum attempts after fail-overs and broken connections.
const ATTEMPTS: u32 = 10;

impl Executor<'_> {
    /// Starts a backfill, or finishes one whose ranges are done. Does a small one at once.
    pub(in crate::executor) async fn backfill(&mut self, step: &mut Step<'_>) -> Result<(), Failure> {
        // Until its run is stored.
        step.leaves_nothing = step.direction == Direction::Down || self.may_exchange(step);
        loop {
            step.attempts += 1;
            match self.attempt_backfill(step).await {
                // Each part of it continues where the previous attempt ended.
                Err(failure) if self.transactional && failure.is_transient() && step.attempts < ATTEMPTS => {
                    tracing::info!(attempts = step.attempts, "{failure}; retrying");
                    sleep(backoff(step.attempts)).await;
                    self.lease.check()?;
                }
                ended => return ended,
            }
        }
    }

    async fn attempt_backfill(&mut self, step: &mut Step<'_>) -> Result<(), Failure> {
        let id = step.migration.id();
        let may_exchange = self.may_exchange(step);
        let stored = self.tracker.backfill(id).await?;
        let stored = stored.and_then(|stored| Header::read(&stored));
        let resumes = stored.as_ref().is_some_and(|header| header.direction == step.direction);
        step.leaves_nothing &= resumes == may_exchange;
        let description = describe(step.migration, step.direction, self.options).await.map_err(Failure::Failed)?;
        description.check_on(self.transactional)?;
        let is_unfinished = step.direction == Direction::Down && !step.previous.is_some_and(Record::is_revertible);
        if is_unfinished && self.tracker.has_left_changes(id).await? {
            return Err(unfinished("an earlier run has changed documents: complete it first"));
        }
        let (header, is_small) = match stored {
            Some(former) if resumes && may_exchange && !former.describes(&description) => {
                self.exchange_code(step, &former, &description).await?;
                go_on(step, &description);
                return Ok(());
            }
            Some(_) if resumes && step.previous.is_some_and(|previous| previous.underway) => {
                go_on(step, &description);
                return Ok(());
            }
            Some(header) if resumes => {
                step.leaves_nothing = false;
                (header, false)
            }
            Some(_) if step.direction == Direction::Up => return Err(Error::PartiallyReverted { id }.into()),
            Some(header) => {
                let planned = self.plan_of_revert(id, &header, &description).await?;
                self.start(step, &description, planned).await?
            }
            // It failed before it had started.
            None if is_unfinished => {
                return self.store(&self.change(step, self.record(step, step.done()), true)).await;
            }
            None => {
                let planned = plan(self.database, &description, id, self.lease.token()).await?;
                self.start(step, &description, planned).await?
            }
        };
        let opened = Opened::new(self.database, self.options, header, description, self.transactional);
        let mut seen = opened.look().await?;
        // What was skipped becomes ranges of its own, with larger numbers.
        self.check_number(id, &opened.header, seen.iter().map(|range| range.id))?;
        // Its failure is recorded once; the next run tries again.
        if step.previous.is_some_and(|record| record.status == RecordStatus::Running) {
            self.check_ranges(&opened, &seen).await?;
        }
        let is_done = |seen: &[Seen]| seen.iter().all(|range| range.state == RangeState::Done && range.skipped == 0);
        if is_done(&seen) && !is_small && self.sweeps(step, &opened, &seen).await? {
            return Ok(());
        }
        if !is_done(&seen) {
            opened.check(self.database, id).await?;
            if resumes {
                self.reopen(step, &opened).await?;
            }
            if is_small {
                seen = self.work_at_once(&opened).await?;
            }
            // A small one is done, unless the ranges were read from before a fail-over.
            if !is_small || !is_done(&seen) {
                if is_small {
                    self.store_running(step, true, Attachment::Kept).await?;
                }
                go_on(step, &opened.description);
                return Ok(());
            }
        }
        self.finish(step, &opened, &seen).await
    }

    /// Fails if ranges are missing.
    pub(super) fn check_number(
        &self,
        id: &str,
        header: &Header,
        ranges: impl Iterator<Item = RangeId>,
    ) -> Result<(), Error> {
        let planned = ranges.filter(|range| range.n < header.ranges).count();
        if planned == usize::try_from(header.ranges).unwrap_or(usize::MAX) {
            return Ok(());
        }
        Err(Error::Refused(format!(
            "ranges of '{id}' are missing in '{}', so that nobody knows how far it has come. Restart it from the \
             beginning (`backfill restart ID`)",
            self.options.names.ranges
        )))
    }

    /// Returns whether a sweep goes on with the work.
    async fn sweeps(&mut self, step: &mut Step<'_>, opened: &Opened, seen: &[Seen]) -> Result<bool, Failure> {
        let attempt = self.record(step, RecordStatus::Running).attempts;
        let next = match opened.sweep(seen, attempt) {
            Sweep::Clean => return Ok(false),
            Sweep::Endless => {
                let such_as = opened.example().await.map(|id| format!(", such as the one with the _id {id}"));
                let such_as = such_as.unwrap_or_default();
                let found = format!(
                    "each of {SWEEPS} sweeps has found documents of '{}' that match `remaining`{such_as}: the application still \
                     writes them, or the change leaves them as they are",
                    opened.header.collection
                );
                return Err(Failure::Failed(RecordedError::new(&[found]).into()));
            }
            Sweep::Next(next) => next,
        };
        opened.check(self.database, step.migration.id()).await?;
        let sweep = opened.planned_sweep(next).await?;
        self.lease.check()?;
        self.ranges().insert(sweep.as_slice()).await?;
        self.store_running(step, true, Attachment::Kept).await?;
        go_on(step, &opened.description);
        Ok(true)
    }

    /// Stores the ranges, then the record that names them. A stale holder stores ranges that no record names.
    async fn start(
        &mut self,
        step: &mut Step<'_>,
        description: &Description,
        planned: Planned,
    ) -> Result<(Header, bool), Failure> {
        let header = Header {
            run: planned.run,
            direction: step.direction,
            print: description.print(),
            collection: description.collection.clone(),
            uuid: planned.uuid,
            ranges: i64::try_from(planned.ranges.len()).unwrap_or(i64::MAX),
            documents: planned.documents,
            started: now(),
            steering: Steering::default(),
        };
        let interrupted = step.previous.filter(|up| step.direction == Direction::Down && up.is_interrupted_up());
        step.noted = interrupted.map(HistoryEntry::interrupted).map(Box::new);
        let fields = doc! { "backfill": header.to_document() };
        self.store_run(step, header.run, &planned.ranges, !planned.is_small, fields).await?;
        Ok((header, planned.is_small))
    }

    /// Goes on with the change that the body describes now.
    async fn exchange_code(
        &mut self,
        step: &mut Step<'_>,
        former: &Header,
        description: &Description,
    ) -> Result<(), Failure> {
        let (header, ranges) = self.rest_of_run(step.migration.id(), former, description).await?;
        let noted = self.entry(step, &self.record(step, RecordStatus::Running));
        let steered = Some("goes on with changed code".to_owned());
        step.noted = Some(Box::new(HistoryEntry { act: Act::Steer, status: None, batch: None, steered, ..noted }));
        let fields = doc! { "backfill.run": header.run, "backfill.print": &header.print };
        self.store_run(step, header.run, &ranges, true, fields).await
    }

    /// Returns whether it goes on although its body describes another change than when it started.
    fn may_exchange(&self, step: &Step<'_>) -> bool {
        step.direction == Direction::Up && self.with_changed_code.iter().any(|named| named == step.migration.id())
    }

    /// Stores the ranges of a run, then the record that names it, with these fields of the header. Removes other ranges.
    async fn store_run(
        &mut self,
        step: &mut Step<'_>,
        run: ObjectId,
        ranges: &[Range],
        underway: bool,
        fields: Document,
    ) -> Result<(), Failure> {
        self.lease.check()?;
        self.ranges().insert(ranges).await?;
        let stored = self.store_running(step, underway, Attachment::Backfill(fields)).await;
        step.noted = None;
        stored?;
        step.leaves_nothing = false;
        self.ranges().remove(step.migration.id(), self.lease.token(), Some(run)).await?;
        Ok(())
    }

    /// Continues after a failure or an interruption.
    async fn reopen(&mut self, step: &Step<'_>, opened: &Opened) -> Result<(), Failure> {
        self.lease.check()?;
        self.ranges().reopen(opened.header.run, opened.header.ranges, self.lease.token()).await?;
        self.store_running(step, true, Attachment::Kept).await
    }

    pub(in crate::executor) fn ranges(&self) -> Ranges {
        Ranges::new(self.database, &self.options.names.ranges)
    }

    async fn store_running(&mut self, step: &Step<'_>, underway: bool, attachment: Attachment) -> Result<(), Failure> {
        let mut record = self.record(step, RecordStatus::Running);
        record.underway = underway;
        let stored = Change::Stored { record: Box::new(record), expected: step.expected(), attachment, entry: None };
        self.store_all(&Self::with_noted(step, stored)).await
    }

    /// Changes a small collection under the lease, so that nothing has to wait for it.
    async fn work_at_once(&mut self, opened: &Opened) -> Result<Vec<Seen>, Failure> {
        let session = opened.session(self.database).await?;
        let (store, stop, batch) = (opened.store.clone(), self.stop.clone(), opened.description.batches());
        let mut worker = Worker::new(store, session, stop, watch::channel(Terms::ALONE).1, batch, &self.host);
        let result = worker.work().await;
        worker.session.give_back().await;
        let name = &opened.header.collection;
        result.map_err(|error| Failure::server(&format!("change documents of '{name}'"), error))?;
        self.stop.check()?;
        let seen = opened.look().await?;
        self.check_ranges(opened, &seen).await?;
        Ok(seen)
    }

    /// Fails if a range has failed, or if all are done but for documents that were skipped.
    async fn check_ranges(&self, opened: &Opened, seen: &[Seen]) -> Result<(), Failure> {
        if let Some(failure) = failure(seen) {
            return Err(Failure::Failed(RecordedError::new(&failure.stack).into()));
        }
        if seen.iter().any(|range| range.state != RangeState::Done) {
            return Ok(());
        }
        let name = &opened.header.collection;
        let number = seen.iter().map(|range| range.skipped).sum::<u32>();
        if number == 0 {
            return Ok(());
        }
        let (documents, were) = (plural(number.into(), "document"), if number == 1 { "was" } else { "were" });
        let mut causes = vec![format!("{documents} of '{name}' could not be changed and {were} skipped")];
        let skipped = self.ranges().skipped(opened.header.run).await?;
        causes
            .extend(skipped.first().map(|(_, Skipped { id, message, .. })| format!("such as the _id {id}: {message}")));
        Err(Failure::Failed(RecordedError::new(&causes).into()))
    }

    async fn finish(&mut self, step: &mut Step<'_>, opened: &Opened, seen: &[Seen]) -> Result<(), Failure> {
        step.operations = vec![operation(opened, seen)];
        self.verify(step).await?;
        step.began(opened.header.started);
        let completed = self.change(step, self.record(step, step.done()), true);
        self.store(&completed).await?;
        // The record no longer names them, so that what is left is removed when the migration is started again.
        if let Err(error) = self.ranges().remove(step.migration.id(), self.lease.token(), None).await {
            tracing::warn!(%error, "the ranges of a completed backfill could not be removed");
        }
        Ok(())
    }
}

/// It goes on without the lease.
fn go_on(step: &mut Step<'_>, description: &Description) {
    step.underway = true;
    step.operations = vec![description.operation(0, 0)];
}

fn failure(seen: &[Seen]) -> Option<&RangeFailure> {
    seen.iter().find_map(|range| range.failure.as_ref().filter(|_| range.state == RangeState::Failed))
}

/// What was done, for the report.
fn operation(opened: &Opened, seen: &[Seen]) -> Operation {
    let sum = |count: fn(&Seen) -> i64| u64::try_from(seen.iter().map(count).sum::<i64>()).unwrap_or(0);
    opened.description.operation(sum(|range| range.counts.matched), sum(|range| range.counts.changed))
}
