//! Executes the steps of a plan, one at a time, under the lease.

mod amend;
mod attempt;
mod backfill;
mod body;
mod commit;
mod direct;
mod dry_run;
mod failure;
mod footprint;
mod leftovers;
mod records;
mod resources;
mod schema;
mod step;
#[cfg(test)]
mod tests;
mod transaction;
mod verify;

use std::sync::Arc;

use mongodb::Database;
use tracing::Instrument;

use crate::context::{Footprint, Journal, Position};
use crate::error::{in_one_line, is_permanent, source_chain};
use crate::events::{Event, EventSender};
use crate::lock::{Lease, Lock, Session};
use crate::migration::{Direction, Kind};
use crate::options::Options;
use crate::plan;
use crate::record::Record;
use crate::report::{Execution, Outcome, Remains};
use crate::stop::{Deadline, Reason, Stop};
use crate::store::Tracker;

pub(crate) use amend::Edit;
pub(crate) use backfill::{
    Asked, Gauge, Header, Mongo, Opened, RangeState, Ranges, Seen, Skipped, Steering, Terms, Worker, describe, look,
    reading_ranges, suitable,
};
pub use backfill::{Pause, Throttle, Tuning};
pub(crate) use body::catch_panic;
pub(crate) use dry_run::DryRun;
pub(crate) use failure::Failure;
pub(crate) use leftovers::{Bodies, end_operations};
pub(crate) use resources::{Held, Resources, RunGuard};
use step::{RecordedFailure, Step};

/// The executor of a run.
#[derive(Debug)]
pub(crate) struct Executor<'r> {
    pub(crate) database: &'r Database,
    pub(crate) options: &'r Options,
    pub(crate) tracker: &'r Tracker,
    pub(crate) lock: &'r Lock,
    pub(crate) lease: &'r Lease,
    pub(crate) stop: &'r Stop,
    pub(crate) events: &'r EventSender,
    /// The time limit of the whole run.
    pub(crate) deadline: Option<Deadline>,
    /// Whether the server has transactions.
    pub(crate) transactional: bool,
    /// The number of this `up`.
    pub(crate) batch: i64,
    /// The person or program to record: the run's `by`, or else the migrator's actor.
    pub(crate) by: Option<String>,
    /// The reason to record.
    pub(crate) because: Option<String>,
    /// The name of this machine, which takes several system calls to read.
    pub(crate) host: String,
    /// The session of all transactions of this run. The lease document names it, so that a successor can end them.
    pub(crate) session: Option<Session>,
    /// The number of executed steps.
    pub(crate) executions: i64,
    /// The footprints of the steps that succeeded.
    pub(crate) footprints: Vec<Footprint>,
    /// The ids and positions of `&Database` steps, whose effects are unknown.
    pub(crate) opaque: Vec<(String, Position)>,
    /// The qualified ids of the backfills that go on although their bodies describe another change than when they started.
    pub(crate) with_changed_code: Vec<String>,
    /// Interrupts the run after this number of operations of a `Schema` body.
    pub(crate) dies_after: Option<u32>,
    /// The resources to release at the end.
    pub(crate) resources: &'r Resources,
    /// Identifies the operations of bodies at the server; `None` if the caller provided their client.
    pub(crate) bodies: Option<Bodies>,
    /// Descriptions of operations that may still run at the server, so that the lease must not be released.
    pub(crate) left_running: Vec<String>,
}

/// An error that a body returned.
type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// The result of a step.
pub(crate) enum Ended {
    /// Succeeded or failed, and recorded. `Err` explains why a failure could not be recorded.
    Execution(Execution, Result<(), String>),
    /// Stopped with the run. Neither a record nor a history entry may be written.
    Stopped(Reason, Execution),
}

impl Executor<'_> {
    /// Runs a step and records its result.
    pub(crate) async fn run(&mut self, planned: plan::Step, previous: Option<&Record>) -> Ended {
        let span = tracing::info_span!("migration", id = planned.migration().id(), direction = %planned.direction());
        self.executions += 1;
        let position = (self.lease.token(), self.executions);
        self.run_step(Step { position, ..Step::new(planned, previous) }).instrument(span).await
    }

    async fn run_step(&mut self, mut step: Step<'_>) -> Ended {
        let (migration, direction) = (step.migration, step.direction);
        let id = migration.id();
        self.lease.announce(id);
        tracing::info!(id, %direction, "started");
        self.events.emit(|| Event::Started { migration, direction });
        let result = self.execute(&mut step).await;
        let remains = match step.kind {
            Kind::Tx if !self.transactional => Remains::Partial,
            Kind::Tx if step.verification_failed => Remains::All,
            Kind::Tx if result.as_ref().is_err_and(Failure::leaves_unknown) => Remains::Unknown,
            Kind::Tx => Remains::Nothing,
            Kind::Schema | Kind::Backfill
                if step.leaves_nothing || result.as_ref().is_err_and(Failure::leaves_nothing) =>
            {
                Remains::Nothing
            }
            Kind::Schema | Kind::Backfill => Remains::Resumable,
            Kind::Database => Remains::Repeatable,
        };
        let mut recorded = Ok(());
        let (outcome, stopped) = match result {
            Ok(()) if step.underway => (Outcome::Underway, None),
            Ok(()) if direction == Direction::Down => (Outcome::Reverted, None),
            Ok(()) => (Outcome::Applied, None),
            Err(Failure::Stopped(reason)) => (Outcome::Stopped { remains }, Some(reason)),
            Err(Failure::Failed(error)) => {
                let error: Cause = error.into();
                let chain = source_chain(&*error);
                let message = in_one_line(&chain);
                let failure = RecordedFailure { message: &message, permanent: is_permanent(&*error), chain };
                recorded = self.record_failure(&step, failure, remains).await;
                (Outcome::Failed { error, message, remains }, None)
            }
        };
        if matches!(outcome, Outcome::Applied | Outcome::Reverted) {
            self.footprints.extend(step.footprint.take());
        }
        if step.kind == Kind::Database {
            self.opaque.push((id.to_owned(), step.position));
        }
        let duration = step.started.elapsed();
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        // Not the error itself, which may quote documents. It is in the record and in the report.
        match &outcome {
            Outcome::Applied | Outcome::Reverted => {
                tracing::info!(
                    id,
                    duration_ms,
                    "{}",
                    if direction == Direction::Down { "reverted" } else { "applied" }
                );
                self.events.emit(|| Event::Finished { migration, direction, duration });
            }
            Outcome::Underway => tracing::info!(id, "started; it goes on without the migration lock"),
            Outcome::Failed { message, .. } => {
                tracing::error!(id, duration_ms, "failed");
                self.events.emit(|| Event::Failed { migration, direction, message: message.clone(), duration });
            }
            Outcome::Stopped { .. } => {
                tracing::error!(id, duration_ms, "stopped");
                self.events.emit(|| Event::Stopped { migration, direction });
            }
            Outcome::WouldApply | Outcome::WouldRevert | Outcome::WouldFail | Outcome::NotSimulated { .. } => {
                unreachable!("these are outcomes of a dry run")
            }
        }
        let (attempts, operations, notes) = (step.attempts, step.operations, step.notes);
        let execution = Execution { id: id.to_owned(), direction, outcome, duration, attempts, operations, notes };
        match stopped {
            Some(reason) => Ended::Stopped(reason, execution),
            None => Ended::Execution(execution, recorded),
        }
    }

    async fn execute(&mut self, step: &mut Step<'_>) -> Result<(), Failure> {
        match step.kind {
            Kind::Schema => return self.resume(step).await,
            Kind::Backfill => return self.backfill(step).await,
            Kind::Tx | Kind::Database => {}
        }
        if self.took_effect_before(step).await? {
            let change = self.change(step, self.record(step, step.done()), true);
            return self.store_all(&Self::with_noted(step, change)).await;
        }
        if step.kind == Kind::Tx && self.transactional {
            self.in_transaction(step).await?;
            return match self.verify(step).await {
                // The step is committed, so the run stops before the next one.
                Err(Failure::Stopped(_)) => Ok(()),
                verified => verified,
            };
        }
        self.outside_transactions(step).await
    }

    /// Records a failure after its transaction was rolled back. If this fails, the error is returned in addition to the failure
    /// and never replaces it (I6).
    async fn record_failure(
        &mut self,
        step: &Step<'_>,
        error: RecordedFailure<'_>,
        remains: Remains,
    ) -> Result<(), String> {
        let id = step.migration.id();
        let changes = Self::with_noted(step, self.failed(step, error, remains));
        let Err(unrecorded) = self.store_all(&changes).await else { return Ok(()) };
        tracing::error!(error = %unrecorded, "could not record that '{id}' failed");
        Err(format!("could not record that '{id}' failed: {unrecorded}"))
    }

    /// Creates the journal of an attempt.
    fn journal(&self, step: &Step<'_>) -> Journal {
        Journal::new(step.migration, self.events.clone())
    }

    /// Takes the run's session, or starts a new one if a stopped body kept the last. The caller puts it back after use.
    async fn take_session(&mut self) -> Result<Session, Failure> {
        if let Some(session) = self.session.take() {
            return Ok(session);
        }
        let session = Session::start(self.database.client()).await;
        let session = session.map_err(|error| Failure::server("start a session", error))?;
        self.lease.use_session(session.id());
        self.resources.use_session(session.id());
        Ok(session)
    }
}
