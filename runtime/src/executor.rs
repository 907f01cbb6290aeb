//! Runs the steps of a plan, one at a time, under the lease.

mod amend;
mod attempt;
mod body;
mod commit;
mod direct;
mod dry_run;
mod failure;
#[cfg(test)]
mod model;
mod transaction;
mod verify;

use std::sync::Arc;

use mongodb::bson::DateTime;
use mongodb::{ClientSession, Database};
use tokio::time::Instant;
use tracing::Instrument;

use crate::__private::Body;
use crate::context::{Journal, Operation};
use crate::error::{Remains, in_one_line, source_chain};
use crate::events::{Audience, Event};
use crate::history::{Act, HistoryEntry};
use crate::lock::{Lease, Lock, host};
use crate::migration::{Kind, Migration, State};
use crate::options::Options;
use crate::plan::{self, Verb};
use crate::record::{Direction, Record, RecordStatus};
use crate::report::{Execution, Outcome};
use crate::stop::{Deadline, Reason, Stop};
use crate::tracker::{Change, Over, Tracker, now};

pub(crate) use amend::Edit;
pub(crate) use body::caught;
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
    pub(crate) audience: &'r Audience,
    /// When the whole run has to be over.
    pub(crate) deadline: Option<Deadline>,
    /// Whether the server has transactions.
    pub(crate) transactional: bool,
    /// Number of this `up`.
    pub(crate) batch: i64,
    /// Who does this: the run's `by`, or else the migrator's actor.
    pub(crate) by: Option<String>,
    /// The session of all transactions of this run; the lease document names it, so that a successor can end them.
    pub(crate) session: Option<ClientSession>,
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

/// A step while it runs.
pub(super) struct Step<'s> {
    pub(super) migration: Migration,
    pub(super) verb: Verb,
    pub(super) state: State,
    /// How it runs: the kind of the function that the verb calls.
    pub(super) kind: Kind,
    pub(super) body: Body,
    pub(super) previous: Option<&'s Record>,
    pub(super) started_at: DateTime,
    pub(super) started: Instant,
    pub(super) attempts: u32,
    pub(super) operations: Vec<Operation>,
    /// Whether the `verify` function said no.
    pub(super) verification_failed: bool,
}

impl<'s> Step<'s> {
    fn new(planned: plan::Step, previous: Option<&'s Record>) -> Self {
        let migration = planned.migration();
        let registration = migration.registration();
        let (kind, body) = match (planned.verb(), registration.down) {
            (Verb::Down, Some(down)) => (down.kind, down.body),
            // A plan has no `down` of a migration that has none.
            (Verb::Up, _) | (Verb::Down, None) => (registration.kind, registration.up),
        };
        Self {
            migration,
            verb: planned.verb(),
            state: planned.state(),
            kind,
            body,
            previous,
            started_at: now(),
            started: Instant::now(),
            attempts: 0,
            operations: Vec::new(),
            verification_failed: false,
        }
    }

    /// What is written over the stored record.
    fn over(&self) -> Over {
        match self.verb {
            Verb::Up => Over::Pending,
            Verb::Down => Over::Applied,
        }
    }

    /// The status of a record when this has gone well.
    fn done(&self) -> RecordStatus {
        match self.verb {
            Verb::Up => RecordStatus::Completed,
            Verb::Down => RecordStatus::RolledBack,
        }
    }
}

impl Executor<'_> {
    /// Runs one step and puts it on record, whatever becomes of it.
    pub(crate) async fn run(&mut self, planned: plan::Step, previous: Option<&Record>) -> Ended {
        let span = tracing::info_span!("migration", id = planned.migration().id(), verb = %planned.verb());
        self.run_step(Step::new(planned, previous)).instrument(span).await
    }

    async fn run_step(&mut self, mut step: Step<'_>) -> Ended {
        let (migration, verb) = (step.migration, step.verb);
        let id = migration.id();
        self.lease.announce(id);
        tracing::info!(id, %verb, "started");
        self.audience.tell(|| Event::Started { migration, verb });
        let result = self.execute(&mut step).await;
        let remains = match step.kind {
            Kind::Tx if !self.transactional => Remains::Half,
            Kind::Tx if step.verification_failed => Remains::All,
            Kind::Tx => Remains::Nothing,
            Kind::Schema | Kind::Database => Remains::Part,
        };
        let mut recorded = Ok(());
        let (outcome, stopped) = match result {
            Ok(()) if verb == Verb::Down => (Outcome::Reverted, None),
            Ok(()) => (Outcome::Applied, None),
            Err(Failure::Stopped(reason)) => (Outcome::Stopped { remains }, Some(reason)),
            Err(Failure::Failed(error)) => {
                let error: Cause = error.into();
                let chain = source_chain(&*error);
                let message = in_one_line(&chain);
                recorded = self.put_on_record(&step, &message, chain, remains).await;
                (Outcome::Failed { error, message, remains }, None)
            }
        };
        let duration = step.started.elapsed();
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        // The error itself may quote documents; it is in the record and in the report.
        match &outcome {
            Outcome::Applied | Outcome::Reverted => {
                tracing::info!(id, duration_ms, "{}", if verb == Verb::Down { "reverted" } else { "applied" });
                self.audience.tell(|| Event::Finished { migration, verb, duration });
            }
            Outcome::Failed { message, .. } => {
                tracing::error!(id, duration_ms, "failed");
                self.audience.tell(|| Event::Failed { migration, verb, message: message.clone(), duration });
            }
            Outcome::Stopped { .. } => {
                tracing::error!(id, duration_ms, "stopped");
                self.audience.tell(|| Event::Stopped { migration, verb });
            }
            Outcome::WouldApply | Outcome::WouldRevert | Outcome::WouldFail | Outcome::NotSimulated { .. } => {
                unreachable!("these are outcomes of a dry run")
            }
        }
        let (attempts, operations) = (step.attempts, step.operations);
        let execution =
            Execution { id: id.to_owned(), verb, outcome, duration, attempts, operations, notes: Vec::new() };
        match stopped {
            Some(reason) => Ended::Stopped(reason, execution),
            None => Ended::Execution(execution, recorded),
        }
    }

    async fn execute(&mut self, step: &mut Step<'_>) -> Result<(), Failure> {
        if self.had_its_effect(step).await? {
            return self.store(&self.change(step, self.record(step, step.done()), true)).await;
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
        message: &str,
        chain: Vec<String>,
        remains: Remains,
    ) -> Result<(), String> {
        let id = step.migration.id();
        let change = self.failed(step, message, chain, remains);
        let Err(unrecorded) = self.store(&change).await else { return Ok(()) };
        tracing::error!(error = %unrecorded, "could not record that '{id}' failed");
        Err(format!("could not record that '{id}' failed: {unrecorded}"))
    }

    /// What a failure leaves: a migration that is applied stays so, whether it is its `verify` or its `down` that failed.
    fn failed(&self, step: &Step<'_>, message: &str, chain: Vec<String>, remains: Remains) -> Change {
        let mut record = match (step.verb, remains, step.previous) {
            (_, Remains::All, _) => self.record(step, RecordStatus::Completed),
            (Verb::Down, Remains::Nothing, Some(previous)) => {
                Record { token: self.lease.token(), attempts: previous.attempts + 1, ..previous.clone() }
            }
            _ => self.record(step, RecordStatus::Failed),
        };
        record.error = Some(message.to_owned());
        record.error_stack = Some(chain);
        let mut entry = self.entry(step, &record);
        entry.status = Some(RecordStatus::Failed);
        let mut over = step.over();
        if remains == Remains::All {
            // The execution has its entry, and its record.
            (entry.act, over) = (Act::Verify, Over::Applied);
        }
        Change::Stored { record: Box::new(record), over, entry: Some(Box::new(entry)) }
    }

    /// A record, and its history if it ends the execution.
    fn change(&self, step: &Step<'_>, record: Record, ends: bool) -> Change {
        let entry = ends.then(|| Box::new(self.entry(step, &record)));
        Change::Stored { record: Box::new(record), over: step.over(), entry }
    }

    fn entry(&self, step: &Step<'_>, record: &Record) -> HistoryEntry {
        HistoryEntry {
            executed_at: step.started_at,
            execution_duration: millis(step.started),
            by: self.by.clone(),
            checksum: Some(step.migration.checksum().to_owned()),
            ..HistoryEntry::of(record, if step.verb == Verb::Down { Act::Down } else { Act::Up })
        }
    }

    /// The record that this step leaves, were it to end now.
    fn record(&self, step: &Step<'_>, status: RecordStatus) -> Record {
        let before = step.previous;
        // Cleared when it ends well; until then a crash leaves it behind.
        let partial = step.kind == Kind::Tx && !self.transactional && status != step.done();
        let attempts = before.map_or(0, |record| record.attempts) + 1;
        let record = self.fresh_record(step.migration, status);
        match (step.verb, before) {
            (Verb::Down, Some(before)) => Record {
                direction: Direction::Down,
                partial,
                reverted_at: (status == RecordStatus::RolledBack).then_some(step.started_at),
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
                ..before.clone()
            },
            _ => Record {
                partial,
                executed_at: step.started_at,
                execution_duration: millis(step.started),
                verification_failed: step.verification_failed && status == RecordStatus::Completed,
                attempts,
                ..record
            },
        }
    }

    /// A record of a migration as it is linked in, written by this run.
    fn fresh_record(&self, migration: Migration, status: RecordStatus) -> Record {
        Record {
            id: migration.id().to_owned(),
            status,
            direction: Direction::Up,
            partial: false,
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
            host: host(),
            pid: i64::from(std::process::id()),
            environment: self.options.environment.clone(),
            codebase_version: self.options.codebase_version.clone(),
            error: None,
            error_stack: None,
            attempts: 0,
            token: self.lease.token(),
        }
    }

    /// The journal of one attempt at a step.
    fn journal(&self, step: &Step<'_>) -> Journal {
        Journal::new(step.migration, self.audience.clone())
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

fn millis(since: Instant) -> i64 {
    i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX)
}
