//! The progress of a run, for a caller that cannot wait until it ends.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::migration::{Direction, Kind};
use crate::plan::{Plan, Step};
use crate::report::{Execution, Outcome, Remains, Report};

/// A copy of the run's report and state, because the task that owns the report may not return.
#[derive(Debug, Default)]
pub(in super::super) struct Progress(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The last request to the server, such as `read the records`.
    doing: String,
    report: Report,
    /// Qualified ids of the plan.
    planned: Vec<&'static str>,
    step: Option<CurrentStep>,
}

/// The step that is running.
#[derive(Clone, Copy, Debug)]
struct CurrentStep {
    step: Step,
    /// Its remains, should it never return.
    remains: Remains,
    since: Instant,
}

impl Progress {
    /// Sets the current request to the server.
    pub(super) fn doing(&self, request: &str) {
        request.clone_into(&mut self.known().doing);
    }

    /// Starts the work under the lease, with an empty report.
    pub(super) fn begin(&self, report: &Report) {
        let mut known = self.known();
        known.report = report.clone();
        "change the records".clone_into(&mut known.doing);
    }

    /// Sets the plan.
    pub(in super::super) fn plan(&self, plan: &Plan) {
        self.known().planned = plan.iter().map(|step| step.migration().id()).collect();
    }

    /// Starts a step.
    pub(in super::super) fn step(&self, step: Step, transactional: bool) {
        let (migration, direction) = (step.migration(), step.direction());
        let registration = migration.registration();
        let kind = match (direction, registration.down) {
            (Direction::Down, Some(down)) => down.kind,
            _ => registration.up.kind(),
        };
        let remains = match kind {
            Kind::Tx if transactional => Remains::Unknown,
            Kind::Tx => Remains::Partial,
            _ => Remains::Repeatable,
        };
        let mut known = self.known();
        known.doing = format!("{} '{}'", if direction == Direction::Down { "revert" } else { "apply" }, migration.id());
        known.step = Some(CurrentStep { step, remains, since: Instant::now() });
    }

    /// Ends the current step.
    pub(in super::super) fn end(&self, execution: &Execution) {
        let mut known = self.known();
        known.step = None;
        known.report.push(execution.clone());
    }

    /// Returns the current request and a report of the progress. The current step may or may not have taken effect.
    pub(super) fn so_far(&self) -> (String, Report) {
        let known = self.known();
        let mut report = known.report.clone();
        if let Some(CurrentStep { step, remains, since }) = known.step {
            report.push(Execution {
                id: step.migration().id().to_owned(),
                direction: step.direction(),
                outcome: Outcome::Stopped { remains },
                duration: since.elapsed(),
                attempts: 1,
                operations: Vec::new(),
                notes: Vec::new(),
            });
        }
        let not_run: Vec<_> = {
            let executed = |id: &&str| report.executions().any(|execution| execution.id == **id);
            known.planned.iter().copied().filter(|id| !executed(id)).collect()
        };
        for id in not_run {
            report.skip(id);
        }
        (known.doing.clone(), report)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
