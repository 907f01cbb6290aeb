//! Runs the steps of a plan under the lease.

use super::compare::warn_of_differences;
use super::run::{Run, stopped};
use crate::error::Error;
use crate::events::Event;
use crate::executor::{Ended, Executor};
use crate::migration::{Direction, Kind, State};
use crate::plan::{HeldUp, NOTHING_LINKED, Plan, Step};
use crate::record::Record;
use crate::report::{Execution, Outcome, Purpose, Remains, Report};
use crate::stop::{Deadline, Reason};
use crate::store::Records;

impl Run {
    /// Creates an empty report with warnings.
    pub(super) fn report(&self, records: &Records, plan: &Plan, purpose: Purpose) -> Report {
        let mut report = Report::new(purpose);
        let drifted = records.drifted(self.graph.order());
        if !drifted.is_empty() {
            report.warn(format!("changed since they were applied: {}", drifted.join(", ")));
        }
        let orphans = records.orphans(|id| self.graph.find(id).is_some());
        if !orphans.is_empty() {
            let ids: Vec<_> = orphans.iter().map(|record| record.id.as_str()).collect();
            report.warn(format!(
                "recorded, but not linked into this program (removed, renamed, or part of another build): {}",
                ids.join(", ")
            ));
        }
        let unverified = records.unverified(self.graph.order());
        if !unverified.is_empty() {
            report.warn(format!("applied, but failed to verify: {}", unverified.join(", ")));
        }
        if self.migrator.0.registry.is_empty() {
            report.warn(NOTHING_LINKED.to_owned());
        }
        for step in plan {
            let dependents = self.applied_dependents(*step, records);
            if !dependents.is_empty() {
                let (id, dependents) = (step.migration().id(), dependents.join(", "));
                report.warn(format!("'{id}' runs after its dependents, which are already applied: {dependents}"));
            }
        }
        let direction = if purpose == Purpose::Down { Direction::Down } else { Direction::Up };
        report.set_underway(records.underway(direction, |id| self.graph.find(id).is_some()));
        report.warn_of_blocked(plan.blocked().iter().map(ToString::to_string));
        report
    }

    /// Runs the steps until one fails. With `continue_on_error`, continues with the steps that do not depend on a failed one.
    pub(super) async fn steps(
        &self,
        plan: &Plan,
        records: &Records,
        continue_on_error: bool,
        executor: &mut Executor<'_>,
        mut report: Report,
    ) -> Result<Report, Error> {
        self.migrator.0.events.emit(|| Event::Planned(plan.clone()));
        self.progress.plan(plan);
        let (mut held_up, mut waiting) = (HeldUp::new(&self.graph), HeldUp::new(&self.graph));
        let mut stopped_by = None;
        let mut finished = false;
        for step in plan {
            let id = step.migration().id();
            if finished || held_up.contains(id) {
                report.skip(id);
                continue;
            }
            if waiting.contains(id) {
                report.wait(id);
                continue;
            }
            if let Err(reason) = self.check_limits(executor) {
                (stopped_by, finished) = (Some(reason), true);
                report.skip(id);
                continue;
            }
            let goes_on = step.migration().kind() == Kind::Backfill;
            if step.state() == State::Interrupted && step.direction() == Direction::Up && !goes_on {
                report.warn(format!("the previous execution of '{id}' was interrupted"));
            }
            self.progress.step(*step, executor.transactional);
            let ended = match records.failed_meanwhile(step.migration()).filter(|_| step.direction() == Direction::Up) {
                Some(failed) => {
                    report.warn(failed_elsewhere(failed));
                    Ended::Execution(Execution::recorded(failed), Ok(()))
                }
                None => executor.run(*step, records.get(id)).await,
            };
            let (Ended::Execution(execution, _) | Ended::Stopped(_, execution)) = &ended;
            for note in &execution.notes {
                report.warn(note.clone());
            }
            match ended {
                Ended::Execution(execution, recorded) => {
                    if let Err(unrecorded) = recorded {
                        report.warn(unrecorded);
                    }
                    if let Outcome::Failed { error, remains, .. } = &execution.outcome {
                        held_up.add(id);
                        // No step may follow partial changes or a timeout.
                        finished = !continue_on_error || *remains == Remains::Partial;
                        if let Some(Error::RunTimedOut { limit, .. }) = error.downcast_ref() {
                            (stopped_by, finished) = (Some(Reason::RunTimedOut(*limit)), true);
                        }
                    }
                    if matches!(execution.outcome, Outcome::Underway) {
                        waiting.add(id);
                        // What it depends on is reverted after it.
                        finished |= step.direction() == Direction::Down;
                    }
                    self.progress.end(&execution);
                    report.push(execution);
                }
                Ended::Stopped(reason, execution) => {
                    (stopped_by, finished) = (Some(reason), true);
                    self.progress.end(&execution);
                    report.push(execution);
                }
            }
            if !executor.left_running.is_empty() {
                // No other migration may run at the same time.
                finished = true;
                report.leave_running(&executor.left_running, executor.options.lease);
            }
        }
        if stopped_by.is_none() && !executor.footprints.is_empty() {
            warn_of_differences(executor, &mut report).await;
        }
        match stopped_by {
            Some(reason) => Err(stopped(reason, report)),
            None => conclude(report),
        }
    }

    /// The applied dependents of a step that its condition may have excluded until now.
    fn applied_dependents(&self, step: Step, records: &Records) -> Vec<&'static str> {
        let conditional = matches!(step.state(), State::New | State::RolledBack)
            && step.direction() == Direction::Up
            && step.migration().condition().is_some();
        let Some(node) = self.graph.find(step.migration().id()).filter(|_| conditional) else { return Vec::new() };
        let downstream = self.graph.downstream([node]);
        let dependents = self.graph.nodes().filter(|node| downstream[node.index()]);
        let ids = dependents.map(|node| self.graph.migration(node).id());
        ids.filter(|id| records.state(id) == State::Completed).collect()
    }

    fn check_limits(&self, executor: &Executor<'_>) -> Result<(), Reason> {
        executor.lease.check()?;
        self.deadline.map_or(Ok(()), Deadline::check)
    }
}

fn failed_elsewhere(record: &Record) -> String {
    let Record { id, pid, host, .. } = record;
    format!(
        "'{id}' failed in process {pid} on {host} while this one waited. It was not retried here, because it would fail \
         again. The next `up` runs it"
    )
}

/// Returns the report, or the first failure with the report.
pub(super) fn conclude(report: Report) -> Result<Report, Error> {
    let Some(Execution { id, direction, outcome: Outcome::Failed { error, message, remains }, .. }) =
        report.failed().next()
    else {
        return Ok(report);
    };
    let (id, direction, message, source, remains) = (id.clone(), *direction, message.clone(), error.clone(), *remains);
    let report = Box::new(report);
    Err(match remains {
        Remains::Partial => Error::Partial { id, direction, message, source, report },
        _ => Error::Failed { id, direction, message, source, report, remains },
    })
}
