//! Running a plan under the lease, step by step.

use super::compare::warn_of_differences;
use super::run::{Run, stopped};
use crate::error::Error;
use crate::events::Event;
use crate::executor::{Ended, Executor};
use crate::migration::{Direction, State};
use crate::plan::{HeldUp, NOTHING_LINKED, Plan};
use crate::record::Record;
use crate::report::{Execution, Outcome, Purpose, Remains, Report};
use crate::stop::{Deadline, Reason};
use crate::store::Records;

impl Run {
    /// A report of nothing yet, with what a person should know although nothing has failed.
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
                "on record, but not linked into this program (removed, renamed, or of another build): {}",
                ids.join(", ")
            ));
        }
        let unverified = records.unverified(self.graph.order());
        if !unverified.is_empty() {
            report.warn(format!("applied, but without the effect that they verify: {}", unverified.join(", ")));
        }
        if self.migrator.0.registry.is_empty() {
            report.warn(NOTHING_LINKED.to_owned());
        }
        // What waits for a manual migration is not to be run, but must not be forgotten either.
        report.wait(plan.blocked().iter().map(ToString::to_string));
        report
    }

    /// Runs the steps until one fails, or with `continue_on_error` those that have nothing to do with it.
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
        let mut held_up = HeldUp::new(&self.graph);
        let mut stopped_by = None;
        let mut over = false;
        for step in plan {
            let id = step.migration().id();
            if over || held_up.contains(id) {
                report.skip(id);
                continue;
            }
            if let Err(reason) = self.may_go_on(executor) {
                (stopped_by, over) = (Some(reason), true);
                report.skip(id);
                continue;
            }
            if step.state() == State::Interrupted && step.direction() == Direction::Up {
                report.warn(format!("'{id}' was interrupted the last time"));
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
                        // Half changed data, or no time left: nothing must follow.
                        over = !continue_on_error || *remains == Remains::Partial;
                        if let Some(Error::RunTimedOut { limit, .. }) = error.downcast_ref() {
                            (stopped_by, over) = (Some(Reason::RunTimedOut(*limit)), true);
                        }
                    }
                    self.progress.end(&execution);
                    report.push(execution);
                }
                Ended::Stopped(reason, execution) => {
                    (stopped_by, over) = (Some(reason), true);
                    self.progress.end(&execution);
                    report.push(execution);
                }
            }
            if !executor.left_running.is_empty() {
                // Nothing must run beside it.
                over = true;
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

    fn may_go_on(&self, executor: &Executor<'_>) -> Result<(), Reason> {
        executor.lease.check()?;
        self.deadline.map_or(Ok(()), Deadline::check)
    }
}

fn failed_elsewhere(record: &Record) -> String {
    let Record { id, pid, host, .. } = record;
    format!(
        "'{id}' failed in process {pid} on {host} while this one waited; it would fail again, so it was not run here. The \
         next `up` runs it"
    )
}

/// The report, or the first failure with it.
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
