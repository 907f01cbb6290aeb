//! The report of a run or of a dry run.

use serde::Serialize;

use super::document::Extended;
use super::millis;
use crate::report::{Operation, Outcome, Prediction, Remains, Sample};

/// The report of a run or of a dry run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report<'a> {
    dry_run: bool,
    /// Qualified ids of the migrations that were applied or reverted, in order. Empty in a dry run.
    executed: Vec<&'a str>,
    /// Qualified ids of the migrations that failed.
    failed: Vec<&'a str>,
    executions: Vec<Execution<'a>>,
    /// Records that were changed without running a migration.
    amended: Vec<Amended<'a>>,
    /// Qualified ids of planned migrations that were not started.
    not_run: &'a [String],
    /// Qualified ids of the backfills that go on without the migration lock.
    underway: Vec<String>,
    warnings: &'a [String],
    /// Whether another process did the work while this one waited for the lock.
    finished_elsewhere: bool,
    summary: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Execution<'a> {
    id: &'a str,
    /// `up` or `down`.
    direction: String,
    /// `applied`, `reverted`, `failed`, `stopped`; in a dry run also `would-apply`, `would-revert`, `would-fail`, `not-simulated`.
    outcome: &'static str,
    /// The error, or the reason for not simulating.
    message: Option<&'a str>,
    /// The remains of a failed or stopped migration: `nothing`, `repeatable`, `resumable`, `partial`, `all` or `unknown`.
    remains: Option<&'static str>,
    duration_ms: u64,
    attempts: u32,
    operations: Vec<Done<'a>>,
    notes: &'a [String],
}

#[derive(Debug, Serialize)]
struct Amended<'a> {
    id: &'a str,
    act: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Done<'a> {
    kind: &'static str,
    collection: &'a str,
    matched: u64,
    modified: u64,
    inserted: u64,
    deleted: u64,
    prediction: Option<&'static str>,
    notes: &'a [String],
    samples: Vec<Changed<'a>>,
}

/// A document before and after, in MongoDB's relaxed extended JSON.
#[derive(Debug, Serialize)]
struct Changed<'a> {
    before: Option<Extended<'a>>,
    after: Option<Extended<'a>>,
}

impl<'a> Report<'a> {
    /// Converts a report.
    #[must_use]
    pub fn of(report: &'a crate::report::Report) -> Self {
        let executed = report.executions().filter(|one| matches!(one.outcome, Outcome::Applied | Outcome::Reverted));
        Self {
            dry_run: report.is_dry_run(),
            executed: executed.map(|execution| execution.id.as_str()).collect(),
            failed: report.failed().map(|execution| execution.id.as_str()).collect(),
            executions: report.executions().map(Execution::from).collect(),
            amended: report.amended().iter().map(|(id, act)| Amended { id, act: act.to_string() }).collect(),
            not_run: report.not_run(),
            underway: report.underway(),
            warnings: report.warnings(),
            finished_elsewhere: report.finished_elsewhere(),
            summary: report.summary().to_string(),
        }
    }
}

impl<'a> From<&'a crate::report::Execution> for Execution<'a> {
    fn from(execution: &'a crate::report::Execution) -> Self {
        let (outcome, message, remains) = match &execution.outcome {
            Outcome::Applied => ("applied", None, None),
            Outcome::Reverted => ("reverted", None, None),
            Outcome::Underway => ("underway", None, None),
            Outcome::Failed { message, remains, .. } => ("failed", Some(message.as_str()), Some(left(*remains))),
            Outcome::Stopped { remains } => ("stopped", None, Some(left(*remains))),
            Outcome::WouldApply => ("would-apply", None, None),
            Outcome::WouldRevert => ("would-revert", None, None),
            Outcome::WouldFail => ("would-fail", None, None),
            Outcome::NotSimulated { reason } => ("not-simulated", Some(reason.as_str()), None),
        };
        Self {
            id: &execution.id,
            direction: execution.direction.to_string(),
            outcome,
            message,
            remains,
            duration_ms: millis(execution.duration),
            attempts: execution.attempts,
            operations: execution.operations.iter().map(Done::from).collect(),
            notes: &execution.notes,
        }
    }
}

fn left(remains: Remains) -> &'static str {
    match remains {
        Remains::Nothing => "nothing",
        Remains::Repeatable => "repeatable",
        Remains::Resumable => "resumable",
        Remains::Partial => "partial",
        Remains::All => "all",
        Remains::Unknown => "unknown",
    }
}

fn predicted(prediction: Prediction) -> &'static str {
    match prediction {
        Prediction::NothingToDo => "nothing-to-do",
        Prediction::WouldChange => "would-change",
        Prediction::CannotTell => "cannot-tell",
        Prediction::WouldFail => "would-fail",
    }
}

impl<'a> From<&'a Operation> for Done<'a> {
    fn from(operation: &'a Operation) -> Self {
        let counts = operation.counts;
        Self {
            kind: operation.kind,
            collection: &operation.collection,
            matched: counts.matched,
            modified: counts.modified,
            inserted: counts.inserted,
            deleted: counts.deleted,
            prediction: operation.prediction.map(predicted),
            notes: &operation.notes,
            samples: operation
                .samples
                .iter()
                .map(|Sample { before, after, .. }| Changed {
                    before: before.as_ref().map(Extended),
                    after: after.as_ref().map(Extended),
                })
                .collect(),
        }
    }
}
