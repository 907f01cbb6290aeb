//! Runs the steps of a plan, one at a time, under the lease.

mod amend;
mod attempt;
mod body;
mod commit;
mod direct;
mod dry_run;
mod failure;
mod left;
mod leftovers;
mod records;
mod schema;
mod stake;
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
pub(crate) use body::caught;
pub(crate) use dry_run::DryRun;
pub(crate) use failure::Failure;
pub(crate) use leftovers::{Bodies, end_operations};
pub(crate) use stake::{Held, Stake, UnderWay};
use step::{ErrorOnRecord, Step};

/// What the steps of one run share.
#[derive(Debug)]
pub(crate) struct Executor<'r> {
    pub(crate) database: &'r Database,
    pub(crate) options: &'r Options,
    pub(crate) tracker: &'r Tracker,
    pub(crate) lock: &'r Lock,
    pub(crate) lease: &'r Lease,
    pub(crate) stop: &'r Stop,
    pub(crate) events: &'r EventSender,
    /// When the whole run has to be over.
    pub(crate) deadline: Option<Deadline>,
    /// Whether the server has transactions.
    pub(crate) transactional: bool,
    /// Number of this `up`.
    pub(crate) batch: i64,
    /// Who does this: the run's `by`, or else the migrator's actor.
    pub(crate) by: Option<String>,
    /// The session of all transactions of this run; the lease document names it, so that a successor can end them.
    pub(crate) session: Option<Session>,
    /// How many steps it has run.
    pub(crate) executions: i64,
    /// What those of them that ended well have left.
    pub(crate) footprints: Vec<Footprint>,
    /// Those of them that may have left anything.
    pub(crate) unknown: Vec<(String, Position)>,
    /// What is to be given back at the end.
    pub(crate) stake: &'r Stake,
    /// How what the bodies have sent is found at the server; `None` if the caller brought their client.
    pub(crate) bodies: Option<Bodies>,
    /// What may still run at the server, so that the lease must not be released.
    pub(crate) left_running: Vec<String>,
}

/// An error as a body returned it.
type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// How a step ended.
pub(crate) enum Ended {
    /// Done or failed, and on record. `Err` when a failure could not be recorded: why.
    Execution(Execution, Result<(), String>),
    /// The run must not go on, and nothing more may be written: neither a record nor a history entry.
    Stopped(Reason, Execution),
}

impl Executor<'_> {
    /// Runs one step and puts it on record, whatever becomes of it.
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
            Kind::Schema if result.as_ref().is_err_and(Failure::leaves_all_as_it_was) => Remains::Nothing,
            Kind::Schema => Remains::Resumable,
            Kind::Database => Remains::Repeatable,
        };
        let mut recorded = Ok(());
        let (outcome, stopped) = match result {
            Ok(()) if direction == Direction::Down => (Outcome::Reverted, None),
            Ok(()) => (Outcome::Applied, None),
            Err(Failure::Stopped(reason)) => (Outcome::Stopped { remains }, Some(reason)),
            Err(Failure::Failed(error)) => {
                let error: Cause = error.into();
                let chain = source_chain(&*error);
                let message = in_one_line(&chain);
                let on_record = ErrorOnRecord { message: &message, permanent: is_permanent(&*error), chain };
                recorded = self.put_on_record(&step, on_record, remains).await;
                (Outcome::Failed { error, message, remains }, None)
            }
        };
        if matches!(outcome, Outcome::Applied | Outcome::Reverted) {
            self.footprints.extend(step.footprint.take());
        }
        if step.kind == Kind::Database {
            self.unknown.push((id.to_owned(), step.position));
        }
        let duration = step.started.elapsed();
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        // The error itself may quote documents; it is in the record and in the report.
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
        if step.kind == Kind::Schema {
            return self.resume(step).await;
        }
        if self.had_its_effect(step).await? {
            let change = self.change(step, self.record(step, step.done()), true);
            return self.store_all(&Self::with_interrupted(step, change)).await;
        }
        if step.kind == Kind::Tx && self.transactional {
            self.in_transaction(step).await?;
            return match self.verify(step).await {
                // It is committed; the run stops before the next one.
                Err(Failure::Stopped(_)) => Ok(()),
                verified => verified,
            };
        }
        self.outside_transactions(step).await
    }

    /// Records a failure, after its transaction was rolled back. A failure to do so never hides the failure itself (I6);
    /// it is told beside it.
    async fn put_on_record(
        &mut self,
        step: &Step<'_>,
        error: ErrorOnRecord<'_>,
        remains: Remains,
    ) -> Result<(), String> {
        let id = step.migration.id();
        let changes = Self::with_interrupted(step, self.failed(step, error, remains));
        let Err(unrecorded) = self.store_all(&changes).await else { return Ok(()) };
        tracing::error!(error = %unrecorded, "could not record that '{id}' failed");
        Err(format!("could not record that '{id}' failed: {unrecorded}"))
    }

    /// The journal of one attempt at a step.
    fn journal(&self, step: &Step<'_>) -> Journal {
        Journal::new(step.migration, self.events.clone())
    }

    /// Takes the run's session, or a new one when a body that was stopped has kept the last. It is put back after use.
    async fn take_session(&mut self) -> Result<Session, Failure> {
        if let Some(session) = self.session.take() {
            return Ok(session);
        }
        let session = Session::start(self.database.client()).await;
        let session = session.map_err(|error| Failure::server("start a session", error))?;
        self.lease.use_session(session.id());
        self.stake.use_session(session.id());
        Ok(session)
    }
}
