//! Runs the steps of a plan, one at a time, under the lease.

mod attempt;
mod body;
mod direct;
mod dry_run;
mod failure;
mod transaction;

use std::sync::Arc;

use mongodb::bson::DateTime;
use mongodb::{ClientSession, Database};
use tokio::time::Instant;
use tracing::Instrument;

use crate::context::Operation;
use crate::error::{in_one_line, source_chain};
use crate::lock::{Lease, Lock, host};
use crate::migration::{Kind, Migration};
use crate::options::Options;
use crate::record::{Record, RecordStatus};
use crate::report::{Execution, Outcome};
use crate::stop::{Reason, Stop};
use crate::tracker::{Tracker, now};

pub(crate) use dry_run::DryRun;
pub(crate) use failure::Failure;

/// What the steps of one run share.
#[derive(Debug)]
pub(crate) struct Executor<'r> {
    pub(crate) database: &'r Database,
    pub(crate) options: &'r Options,
    pub(crate) tracker: &'r Tracker,
    pub(crate) lock: &'r Lock,
    pub(crate) lease: &'r Lease,
    pub(crate) stop: &'r Stop,
    /// Whether the server has transactions.
    pub(crate) transactional: bool,
    /// Number of this `up`.
    pub(crate) batch: i64,
    /// Who applies: the run's `by`, or else the migrator's actor.
    pub(crate) by: Option<String>,
    /// The session of all transactions of this run; the lease document names it, so that a successor can end them.
    pub(crate) session: Option<ClientSession>,
}

/// An error as a body returned it.
type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// How a step ended.
pub(crate) enum Ended {
    /// Applied or failed, and on record.
    Execution(Execution),
    /// The run must not go on, and nothing more may be written: neither a record nor a history entry.
    Stopped(Reason, Execution),
}

/// A step while it runs.
pub(super) struct Step<'s> {
    pub(super) migration: Migration,
    pub(super) previous: Option<&'s Record>,
    pub(super) started_at: DateTime,
    pub(super) started: Instant,
    pub(super) attempts: u32,
    pub(super) operations: Vec<Operation>,
}

impl Executor<'_> {
    /// Runs one migration and puts it on record, whatever becomes of it.
    pub(crate) async fn run(&mut self, migration: Migration, previous: Option<&Record>) -> Ended {
        let span = tracing::info_span!("migration", id = migration.id());
        self.run_step(migration, previous).instrument(span).await
    }

    async fn run_step(&mut self, migration: Migration, previous: Option<&Record>) -> Ended {
        self.lease.announce(migration.id());
        tracing::info!(id = migration.id(), "applying");
        let mut step = Step {
            migration,
            previous,
            started_at: now(),
            started: Instant::now(),
            attempts: 0,
            operations: Vec::new(),
        };
        let result = match migration.kind() {
            Kind::Tx if self.transactional => self.in_transaction(&mut step).await,
            _ => self.outside_transactions(&mut step).await,
        };
        let rolled_back = self.transactional && migration.kind() == Kind::Tx;
        let (outcome, stopped) = match result {
            Ok(()) => (Outcome::Applied, None),
            Err(Failure::Stopped(reason)) => (Outcome::Stopped { rolled_back }, Some(reason)),
            Err(Failure::Failed(error)) => {
                let (error, message) = self.put_on_record(&mut step, error.into()).await;
                (Outcome::Failed { error, message, rolled_back }, None)
            }
        };
        let execution = Execution {
            id: migration.id().to_owned(),
            outcome,
            duration: step.started.elapsed(),
            attempts: step.attempts,
            operations: step.operations,
            notes: Vec::new(),
        };
        let (id, duration_ms) = (migration.id(), u64::try_from(execution.duration.as_millis()).unwrap_or(u64::MAX));
        // The error itself may quote documents; it is in the record and in the report.
        match execution.outcome {
            Outcome::Applied => tracing::info!(id, duration_ms, "applied"),
            Outcome::Failed { .. } => tracing::error!(id, duration_ms, "failed"),
            Outcome::Stopped { .. } => tracing::error!(id, duration_ms, "stopped"),
            // Outcomes of a dry run.
            _ => {}
        }
        match stopped {
            Some(reason) => Ended::Stopped(reason, execution),
            None => Ended::Execution(execution),
        }
    }

    /// Records a failure, after its transaction was rolled back. A failure to do so never hides the failure itself (I6).
    async fn put_on_record(&mut self, step: &mut Step<'_>, error: Cause) -> (Cause, String) {
        let chain = source_chain(&*error);
        let message = in_one_line(&chain);
        let mut record = self.record(step, RecordStatus::Failed);
        record.error = Some(message.clone());
        record.error_stack = Some(chain);
        if let Err(unrecorded) = self.store(&record, true).await {
            tracing::error!(error = %unrecorded, "could not record that '{}' failed", record.id);
        }
        (error, message)
    }

    /// The record that this step leaves, were it to end now.
    fn record(&self, step: &Step<'_>, status: RecordStatus) -> Record {
        let migration = step.migration;
        Record {
            id: migration.id().to_owned(),
            status,
            source: migration.source().to_string(),
            description: migration.description().to_owned(),
            checksum: migration.checksum().to_owned(),
            reversible: migration.is_reversible(),
            batch: self.batch,
            executed_at: step.started_at,
            execution_duration: i64::try_from(step.started.elapsed().as_millis()).unwrap_or(i64::MAX),
            reverted_at: None,
            applied_by: self.by.clone(),
            reverted_by: None,
            host: host(),
            pid: i64::from(std::process::id()),
            environment: self.options.environment.clone(),
            codebase_version: self.options.codebase_version.clone(),
            error: None,
            error_stack: None,
            attempts: step.previous.map_or(0, |record| record.attempts) + 1,
            token: self.lease.token(),
        }
    }

    /// Takes the run's session, or a new one when a body that was stopped has kept the last. It is put back after use.
    async fn take_session(&mut self) -> Result<ClientSession, Failure> {
        if let Some(session) = self.session.take() {
            return Ok(session);
        }
        let session = self.database.client().start_session().await;
        let session = session.map_err(|error| Failure::server("start a session", error))?;
        self.lease.use_session(session.id());
        Ok(session)
    }
}
