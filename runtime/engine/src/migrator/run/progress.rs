//! What is known of a run while it goes on, for whoever cannot wait until it ends.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::migration::{Direction, Kind};
use crate::plan::{Plan, Step};
use crate::report::{Execution, Outcome, Remains, Report};

/// Kept beside the report of the run, which is in the hands of the task that may not come back.
#[derive(Debug, Default)]
pub(in super::super) struct Progress(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// What the server was asked for last, as `read the records`.
    doing: String,
    report: Report,
    /// Qualified ids of the plan.
    planned: Vec<&'static str>,
    step: Option<Underway>,
}

/// The step that is being executed.
#[derive(Clone, Copy, Debug)]
struct Underway {
    step: Step,
    /// What it leaves if it is never heard of again.
    remains: Remains,
    since: Instant,
}

impl Progress {
    /// What is asked of the server from now on.
    pub(super) fn doing(&self, what: &str) {
        what.clone_into(&mut self.known().doing);
    }

    /// The work under the lease begins, with this report of nothing.
    pub(super) fn begin(&self, report: &Report) {
        let mut known = self.known();
        known.report = report.clone();
        "change the records".clone_into(&mut known.doing);
    }

    /// These steps are to be executed.
    pub(in super::super) fn plan(&self, plan: &Plan) {
        self.known().planned = plan.iter().map(|step| step.migration().id()).collect();
    }

    /// A step begins.
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
        known.step = Some(Underway { step, remains, since: Instant::now() });
    }

    /// That step has ended.
    pub(in super::super) fn end(&self, execution: &Execution) {
        let mut known = self.known();
        known.step = None;
        known.report.push(execution.clone());
    }

    /// What was under way, and a report of what is known: the step under way may or may not have taken effect.
    pub(super) fn so_far(&self) -> (String, Report) {
        let known = self.known();
        let mut report = known.report.clone();
        if let Some(Underway { step, remains, since }) = known.step {
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
