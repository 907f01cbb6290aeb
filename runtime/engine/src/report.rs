//! What a run did.

mod dry_run;
mod operation;
mod recorded;
mod remains;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::operation::LISTED;
pub use self::operation::{Counts, Operation, Prediction, Sample};
use self::recorded::RecordedError;
pub use self::remains::Remains;
use crate::display::Elapsed;
use crate::migration::{Direction, Kind};
use crate::record::{Act, Record};

/// What a run did, in the order in which it was done. Its `Display` is for people.
///
/// A run that did not end well has one as well: [`Error::report`](crate::error::Error::report).
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
    /// How many migrations wait for a manual one.
    waiting: usize,
    /// What there would have been to do.
    purpose: Purpose,
    dry_run: bool,
}

/// What a run is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Applying everything.
    #[default]
    Up,
    /// Applying what was named.
    UpNamed,
    Down,
    /// Changing records without running anything.
    Amend,
}

/// One migration that was run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Execution {
    /// Qualified id.
    pub id: String,
    /// Whether it was to be applied or reverted.
    pub direction: Direction,
    /// How it ended.
    pub outcome: Outcome,
    /// From the start of its first attempt to its record, retries included.
    pub duration: Duration,
    /// How often the body ran: more than once only after transient errors of the server; 0 when the `verify` function of an
    /// interrupted one said that it has had its effect, or when it failed in another process while this one waited.
    pub attempts: u32,
    /// What the last attempt did, as far as it went through `Tx` or `Schema`.
    pub operations: Vec<Operation>,
    /// What a person should know of it: in a dry run, which effects of other migrations it did not find.
    pub notes: Vec<String>,
}

/// How an execution ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Applied and recorded.
    Applied,
    /// Reverted and recorded.
    Reverted,
    /// Failed and recorded as failed.
    Failed {
        /// The error as the body returned it.
        error: Arc<dyn std::error::Error + Send + Sync>,
        /// The error with its causes, in one line.
        message: String,
        /// What is left of it in the database.
        remains: Remains,
    },
    /// Told to stop before its end, and so not on record as failed: by a signal, by the caller, or because the lease
    /// was lost. If it was being applied, it runs again with the next `up`.
    Stopped {
        /// What is left of it in the database.
        remains: Remains,
    },
    /// In a dry run: its body ended well in a transaction that was rolled back, or nothing was found that stands in the way of
    /// its `Schema` operations.
    WouldApply,
    /// The same for reverting it.
    WouldRevert,
    /// In a dry run: one of its `Schema` operations would fail, and no earlier step would change that; the notes of the
    /// operation say why.
    WouldFail,
    /// In a dry run: nobody knows.
    NotSimulated {
        /// Why not.
        reason: String,
    },
}

impl Report {
    /// Everything that this run ran.
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

    /// The qualified ids whose records this run changed without running anything, and how.
    #[must_use]
    pub fn amended(&self) -> &[(String, Act)] {
        &self.amended
    }

    /// The migrations that failed in this run.
    pub fn failed(&self) -> impl Iterator<Item = &Execution> {
        self.executions.iter().filter(|execution| matches!(execution.outcome, Outcome::Failed { .. }))
    }

    /// The migration that was under way when this run was told to stop.
    #[must_use]
    pub fn stopped(&self) -> Option<&Execution> {
        self.executions.iter().find(|execution| matches!(execution.outcome, Outcome::Stopped { .. }))
    }

    /// Qualified ids of the planned migrations that this run did not come to.
    #[must_use]
    pub fn not_run(&self) -> &[String] {
        &self.not_run
    }

    /// What a person should know although nothing failed: drift, orphans, migrations that wait for a manual one,
    /// a server without transactions.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// What a stopped migration may have left running at the server, so that the lease was not released but is left to
    /// expire: a call of `&Database`, or an operation of `Schema` through a client with `apiStrict`, which cannot end it.
    #[must_use]
    pub fn left_running(&self) -> &[String] {
        &self.left_running
    }

    /// Whether another process did what was to be done while this one waited for the lease.
    #[must_use]
    pub fn finished_elsewhere(&self) -> bool {
        self.finished_elsewhere
    }

    /// Whether this run has changed nothing, be it that there was nothing to do or that another process did it; of a dry run,
    /// whether there was nothing to go through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.executions.is_empty() && self.amended.is_empty()
    }

    pub(crate) fn new(purpose: Purpose) -> Self {
        Self { purpose, ..Self::default() }
    }

    /// Whether this is the report of a dry run: nothing that it tells of has happened.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    pub(crate) fn of_dry_run(self) -> Self {
        Self { dry_run: true, ..self }
    }

    pub(crate) fn by_another(mut self) -> Self {
        self.finished_elsewhere = true;
        self
    }

    pub(crate) fn warn(&mut self, warning: String) {
        tracing::warn!("{warning}");
        self.warnings.push(warning);
    }

    pub(crate) fn leave_running(&mut self, left: &[String], lease: Duration) {
        self.left_running.extend_from_slice(left);
        self.warn(format!("{}. So the lease was not released; it expires within {}", left.join("; "), Elapsed(lease)));
    }

    /// Migrations that wait for a manual one, each as a warning.
    pub(crate) fn wait(&mut self, waiting: impl ExactSizeIterator<Item = String>) {
        self.waiting = waiting.len();
        for warning in waiting {
            self.warn(warning);
        }
    }

    pub(crate) fn push(&mut self, execution: Execution) {
        self.executions.push(execution);
    }

    pub(crate) fn amend(&mut self, id: String, act: Act) {
        self.amended.push((id, act));
    }

    pub(crate) fn skip(&mut self, id: &str) {
        self.not_run.push(id.to_owned());
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dry_run {
            return self.fmt_dry_run(f);
        }
        for execution in &self.executions {
            writeln!(f, "{execution}")?;
        }
        for (id, act) in &self.amended {
            writeln!(f, "{act}  {id}")?;
        }
        for id in &self.not_run {
            writeln!(f, "not run  {id}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        write!(f, "{}", self.summary())
    }
}

/// The last line of a report: how many were applied, failed and not run.
struct Summary<'r>(&'r Report);

impl Report {
    /// The last line of its `Display`: how many were applied or reverted, how many failed, how many did not run.
    #[must_use]
    pub fn summary(&self) -> impl fmt::Display {
        Summary(self)
    }

    fn fmt_summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dry_run {
            return self.fmt_simulated_summary(f);
        }
        let (done, did, nothing) = match self.purpose {
            Purpose::Up => (self.applied().count(), "Applied", "Nothing is pending."),
            Purpose::UpNamed => (self.applied().count(), "Applied", "Nothing to apply: that is applied already."),
            Purpose::Down => (self.reverted().count(), "Reverted", "Nothing to revert."),
            Purpose::Amend => (self.amended.len(), "Changed records:", "No record had to be changed."),
        };
        let stopped = usize::from(self.stopped().is_some());
        let failed = self.executions.len().saturating_sub(done + stopped);
        match (done, failed + stopped, self.not_run.len()) {
            (0, 0, 0) if self.finished_elsewhere => write!(f, "Another process did everything that was to be done."),
            (0, 0, 0) if self.waiting > 0 => write!(f, "Nothing to apply now; {} waiting.", self.waiting),
            (0, 0, 0) => f.write_str(nothing),
            (_, 0, 0) => write!(f, "{did} {done}."),
            (_, _, not_run) if stopped > 0 => {
                write!(f, "{did} {done}, failed {failed}, stopped {stopped}, not run {not_run}.")
            }
            (_, _, not_run) => write!(f, "{did} {done}, failed {failed}, not run {not_run}."),
        }
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_summary(f)
    }
}

impl Execution {
    /// One that another process ran, and that failed there.
    pub(crate) fn recorded(record: &Record) -> Self {
        let remains = match record.kind {
            _ if record.partial => Remains::Partial,
            Some(Kind::Tx) => Remains::Nothing,
            Some(Kind::Schema) => Remains::Resumable,
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

impl fmt::Display for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, took) = (&self.id, Elapsed(self.duration));
        let down = if self.direction == Direction::Down { "down " } else { "" };
        match &self.outcome {
            Outcome::Applied if self.attempts == 0 => {
                write!(f, "applied  {id}: it had its effect before it was interrupted")?;
            }
            Outcome::Applied => write!(f, "applied  {id} in {took}")?,
            Outcome::Reverted => write!(f, "reverted {id} in {took}")?,
            Outcome::Failed { message, .. } => write!(f, "failed   {down}{id} after {took}: {message}")?,
            Outcome::Stopped { remains } => {
                let left = match remains {
                    Remains::Nothing => "rolled back",
                    Remains::Unknown => "it took effect as a whole or not at all",
                    Remains::Repeatable | Remains::Resumable | Remains::Partial | Remains::All => {
                        "what it did before that is still there"
                    }
                };
                write!(f, "stopped  {down}{id} after {took}: {left}")?;
            }
            Outcome::WouldApply | Outcome::WouldRevert | Outcome::WouldFail | Outcome::NotSimulated { .. } => {
                return self.fmt_simulated(f);
            }
        }
        if self.attempts > 1 {
            write!(f, " ({} attempts)", self.attempts)?;
        }
        Ok(())
    }
}
