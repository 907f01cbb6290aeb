//! The report of a run.

mod dry_run;
mod operation;
mod recorded;
mod remains;
mod text;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::operation::LISTED;
pub use self::operation::{Counts, Operation, Prediction, Sample};
pub(crate) use self::recorded::RecordedError;
pub use self::remains::Remains;
use crate::display::Elapsed;
use crate::migration::{Direction, Kind};
use crate::record::{Act, Record};

/// The report of a run, in the order of execution. Its `Display` is for people.
///
/// A failed run has a report, too: [`Error::report`](crate::error::Error::report).
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// let report = migrator.up().await?;
/// for execution in report.applied() {
///     println!("{} took {:?}", execution.id, execution.duration);
///     for operation in &execution.operations {
///         println!("  {operation}"); // users: update_many, 120 matched, 120 modified
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    executions: Vec<Execution>,
    amended: Vec<(String, Act)>,
    not_run: Vec<String>,
    warnings: Vec<String>,
    left_running: Vec<String>,
    finished_elsewhere: bool,
    /// Warnings about migrations that wait for a manual one or for a backfill.
    waiting: Vec<String>,
    /// Qualified ids of the backfills that had started before.
    underway: Vec<String>,
    /// Qualified ids of the backfills that are left, and for which a boot waits.
    blocking: Vec<String>,
    purpose: Purpose,
    dry_run: bool,
    token: Option<i64>,
}

/// The purpose of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Apply everything.
    #[default]
    Up,
    /// Apply the named migrations.
    UpNamed,
    Down,
    /// Change records without running a migration.
    Amend,
}

/// The execution of a migration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Execution {
    /// Qualified id.
    pub id: String,
    /// Whether the migration was being applied or reverted.
    pub direction: Direction,
    /// The outcome.
    pub outcome: Outcome,
    /// The time from the start of its first attempt to its record, including retries.
    pub duration: Duration,
    /// The number of times that the body ran. More than 1 only after transient errors of the server. 0 if the `verify` function
    /// confirmed the effect of an interrupted migration, or if the migration failed in another process while this one waited.
    pub attempts: u32,
    /// The operations of the last attempt through `Tx` or `Schema`.
    pub operations: Vec<Operation>,
    /// Notes for a reader. In a dry run, they name the effects of other migrations that were missing.
    pub notes: Vec<String>,
}

/// The outcome of an execution.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Applied and recorded.
    Applied,
    /// Reverted and recorded.
    Reverted,
    /// A backfill has started and goes on without the migration lock. A later run records its result.
    Underway,
    /// Failed, and recorded as failed.
    Failed {
        /// The error as the body returned it.
        error: Arc<dyn std::error::Error + Send + Sync>,
        /// The error with its causes, in one line.
        message: String,
        /// The changes that remain in the database.
        remains: Remains,
    },
    /// Stopped by a signal, by the caller, or because the lease was lost. Not recorded as failed: a migration that was being
    /// applied runs again with the next `up`.
    Stopped {
        /// The changes that remain in the database.
        remains: Remains,
    },
    /// In a dry run: the body succeeded in a transaction that was rolled back, or no obstacle to its `Schema` operations was
    /// found.
    WouldApply,
    /// In a dry run: like [`WouldApply`](Self::WouldApply), for a `down`.
    WouldRevert,
    /// In a dry run: one of its `Schema` operations would fail, whatever earlier steps do. The notes of the operation explain
    /// why.
    WouldFail,
    /// In a dry run: the result cannot be predicted.
    NotSimulated {
        /// The reason.
        reason: String,
    },
}

impl Report {
    /// All executions of this run.
    pub fn executions(&self) -> impl Iterator<Item = &Execution> {
        self.executions.iter()
    }

    /// The migrations that this run applied.
    pub fn applied(&self) -> impl Iterator<Item = &Execution> {
        self.executions.iter().filter(|execution| matches!(execution.outcome, Outcome::Applied))
    }

    /// The migrations that this run reverted.
    pub fn reverted(&self) -> impl Iterator<Item = &Execution> {
        self.executions.iter().filter(|execution| matches!(execution.outcome, Outcome::Reverted))
    }

    /// The qualified ids of the backfills that had started before and go on without the migration lock, and of those that this
    /// run started.
    #[must_use]
    pub fn underway(&self) -> Vec<String> {
        self.underway.iter().cloned().chain(self.started()).collect()
    }

    /// The qualified ids of the backfills that this run could not complete, as the warnings say, and for which a boot waits because
    /// they, or others that depend on them, are [blocking](crate::context::Documents::blocking).
    #[must_use]
    pub fn blocking(&self) -> &[String] {
        &self.blocking
    }

    /// The qualified ids of the backfills that this run started.
    pub(crate) fn started(&self) -> Vec<String> {
        let started = self.executions.iter().filter(|execution| matches!(execution.outcome, Outcome::Underway));
        started.map(|execution| execution.id.clone()).collect()
    }

    /// The qualified ids of the records that this run changed without running a migration, and the changes.
    #[must_use]
    pub fn amended(&self) -> &[(String, Act)] {
        &self.amended
    }

    /// The migrations that failed in this run.
    pub fn failed(&self) -> impl Iterator<Item = &Execution> {
        self.executions.iter().filter(|execution| matches!(execution.outcome, Outcome::Failed { .. }))
    }

    /// The migration that was running when this run was stopped.
    #[must_use]
    pub fn stopped(&self) -> Option<&Execution> {
        self.executions.iter().find(|execution| matches!(execution.outcome, Outcome::Stopped { .. }))
    }

    /// The qualified ids of the planned migrations that this run did not start.
    #[must_use]
    pub fn not_run(&self) -> &[String] {
        &self.not_run
    }

    /// Warnings about drift, orphans, migrations that wait for another one, a server without transactions, and the like.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Descriptions of operations that a stopped migration may have left running at the server. If there are any, the lease was
    /// not released but expires. They are calls of `&Database`, or operations of `Schema` through a client with `apiStrict`,
    /// which cannot end them.
    #[must_use]
    pub fn left_running(&self) -> &[String] {
        &self.left_running
    }

    /// The token of the lease under which the run acted, which identifies the run. `None` if it needed no lease, or did not get it.
    #[must_use]
    pub fn token(&self) -> Option<i64> {
        self.token
    }

    /// Returns whether another process did the work while this one waited for the lease.
    #[must_use]
    pub fn finished_elsewhere(&self) -> bool {
        self.finished_elsewhere
    }

    /// Returns whether this run changed nothing, because there was nothing to do or another process did it. For a dry run,
    /// returns whether there was nothing to simulate.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.executions.is_empty() && self.amended.is_empty()
    }

    pub(crate) fn new(purpose: Purpose) -> Self {
        Self { purpose, ..Self::default() }
    }

    /// Returns whether this is the report of a dry run, so that nothing in it really happened.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    pub(crate) fn into_dry_run(self) -> Self {
        Self { dry_run: true, ..self }
    }

    pub(crate) fn set_token(&mut self, token: Option<i64>) {
        self.token = token;
    }

    pub(crate) fn into_finished_elsewhere(mut self) -> Self {
        self.finished_elsewhere = true;
        self
    }

    pub(crate) fn warn(&mut self, warning: String) {
        tracing::warn!("{warning}");
        self.warnings.push(warning);
    }

    pub(crate) fn leave_running(&mut self, operations: &[String], lease: Duration) {
        self.left_running.extend_from_slice(operations);
        let operations = operations.join("; ");
        self.warn(format!("{operations}. The lease was therefore not released; it expires within {}", Elapsed(lease)));
    }

    pub(crate) fn set_blocking(&mut self, ids: Vec<String>) {
        self.blocking = ids;
    }

    pub(crate) fn set_underway(&mut self, ids: Vec<String>) {
        self.underway = ids;
    }

    /// Puts the report of an earlier part of the same run before this one.
    pub(crate) fn follow(&mut self, earlier: Self) {
        let unfinished = |execution: &Execution| matches!(execution.outcome, Outcome::Underway);
        let executions = earlier.executions.into_iter().filter(|execution| !unfinished(execution));
        self.executions.splice(0..0, executions);
        self.amended.splice(0..0, earlier.amended);
        let lasting = |warning: &String| !earlier.waiting.contains(warning) && !self.warnings.contains(warning);
        let warnings: Vec<_> = earlier.warnings.into_iter().filter(lasting).collect();
        self.warnings.splice(0..0, warnings);
        self.token = earlier.token.or(self.token);
    }

    /// Warns of each migration that waits for another one.
    pub(crate) fn warn_of_blocked(&mut self, blocked: impl Iterator<Item = String>) {
        for warning in blocked {
            self.waiting.push(warning.clone());
            self.warn(warning);
        }
    }

    pub(crate) fn push(&mut self, execution: Execution) {
        self.underway.retain(|id| *id != execution.id);
        self.executions.push(execution);
    }

    pub(crate) fn amend(&mut self, id: String, act: Act) {
        self.amended.push((id, act));
    }

    /// Warns of a planned migration that must wait for a backfill.
    pub(crate) fn wait(&mut self, id: &str) {
        self.warn_of_blocked([format!("'{id}' waits for a backfill that is underway")].into_iter());
    }

    pub(crate) fn skip(&mut self, id: &str) {
        self.not_run.push(id.to_owned());
    }
}

impl Execution {
    /// The execution of a migration that failed in another process.
    pub(crate) fn recorded(record: &Record) -> Self {
        let remains = match record.kind {
            _ if record.partial => Remains::Partial,
            Some(Kind::Tx) => Remains::Nothing,
            Some(Kind::Schema | Kind::Backfill) => Remains::Resumable,
            _ => Remains::Repeatable,
        };
        let error = RecordedError::new(record.error_stack.as_deref().unwrap_or_default());
        let message = record.error.clone().unwrap_or_default();
        Self {
            id: record.id.clone(),
            direction: Direction::Up,
            outcome: Outcome::Failed { error: Arc::new(error), message, remains },
            duration: record.duration(),
            attempts: 0,
            operations: Vec::new(),
            notes: Vec::new(),
        }
    }
}
