//! Shared parts of a dry run: its settings and the report of a step.

use mongodb::Database;

use crate::context::Journal;
use crate::error::{in_one_line, source_chain};
use crate::events::EventSender;
use crate::executor::body::Limits;
use crate::executor::{Failure, Step};
use crate::migration::Direction;
use crate::options::Options;
use crate::report::{Execution, Operation, Outcome, Prediction, Remains};
use crate::stop::{Deadline, Stop};

const IN_DOUBT: &str = "the effect of some operations cannot be predicted";

/// Maximum attempts after transient aborts. Lower than in a real run, because each attempt repeats every body.
pub(super) const ATTEMPTS: u32 = 3;

/// A dry run.
#[derive(Debug)]
pub(crate) struct DryRun<'r> {
    pub(crate) database: &'r Database,
    pub(crate) options: &'r Options,
    pub(crate) stop: &'r Stop,
    /// The time limit of the whole run.
    pub(crate) deadline: Option<Deadline>,
    /// Whether the server has transactions.
    pub(crate) transactional: bool,
    /// Whether to continue with steps that do not depend on a failed one.
    pub(crate) continue_on_error: bool,
}

impl DryRun<'_> {
    /// Returns why a step cannot be simulated, if it needs a value that a dry run does not have.
    pub(super) fn unprovided(&self, step: &Step<'_>) -> Option<String> {
        step.migration.missing_needs(|need| self.options.provided.has(need)).next().map(unprovided)
    }

    pub(super) fn limits(&self, step: &Step<'_>) -> Limits<'_> {
        Limits { stop: self.stop, deadline: self.deadline, timeout: step.migration.timeout(), resources: None }
    }
}

/// Creates a journal without listeners, because the operations of a dry run are not real.
pub(super) fn journal(step: &Step<'_>) -> Journal {
    Journal::new(step.migration, EventSender::default())
}

pub(super) fn not_simulated(step: &Step<'_>, reason: &str) -> Execution {
    let outcome = Outcome::NotSimulated { reason: reason.to_owned() };
    Execution { outcome, ..execution(step, 0, Ok(()), Vec::new()) }
}

/// Returns the report of a step.
pub(super) fn execution(
    step: &Step<'_>,
    attempts: u32,
    result: Result<(), Failure>,
    operations: Vec<Operation>,
) -> Execution {
    let remains = Remains::Nothing;
    let worst = operations.iter().filter_map(|operation| operation.prediction).max();
    let outcome = match (result, step.direction) {
        (Ok(()), _) if worst == Some(Prediction::WouldFail) => Outcome::WouldFail,
        (Ok(()), _) if worst == Some(Prediction::CannotTell) => Outcome::NotSimulated { reason: IN_DOUBT.to_owned() },
        (Ok(()), Direction::Up) => Outcome::WouldApply,
        (Ok(()), Direction::Down) => Outcome::WouldRevert,
        (Err(Failure::Stopped(_)), _) => Outcome::Stopped { remains },
        (Err(Failure::Failed(error)), _) => {
            let message = in_one_line(&source_chain(&*error));
            Outcome::Failed { error: error.into(), message, remains }
        }
    };
    Execution {
        id: step.migration.id().to_owned(),
        direction: step.direction,
        outcome,
        duration: step.started.elapsed(),
        attempts,
        operations,
        notes: Vec::new(),
    }
}

/// Withdraws the failure of a body that asked for a value that a dry run does not have.
pub(super) fn excuse(execution: Execution, missing: Option<&str>) -> Execution {
    match (missing, &execution.outcome) {
        (Some(name), Outcome::Failed { .. }) => {
            Execution { outcome: Outcome::NotSimulated { reason: unprovided(name) }, ..execution }
        }
        _ => execution,
    }
}

/// Withdraws the failure of a `Schema` body that ended with a query whose answer is unknown. An obstacle before it stays one.
pub(super) fn not_answered(execution: Execution, unanswered: Option<String>) -> Execution {
    let (Some(reason), Outcome::Failed { .. }) = (unanswered, &execution.outcome) else { return execution };
    let mut predictions = execution.operations.iter().filter_map(|operation| operation.prediction);
    let outcome = if predictions.any(|prediction| prediction == Prediction::WouldFail) {
        Outcome::WouldFail
    } else {
        Outcome::NotSimulated { reason }
    };
    Execution { outcome, ..execution }
}

fn unprovided(name: &str) -> String {
    format!("it needs a value of the type `{name}`, and none is provided for dry runs")
}
