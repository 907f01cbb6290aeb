//! The progress of a run, from its events.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use mongrate::display::Count;
use mongrate::events::Event;
use mongrate::migration::Direction;
use mongrate::record::Holder;
use mongrate::report::{Execution, Outcome};
use mongrate::{Error, Report};
use serde::Serialize;

/// The operations that are kept of the current migration.
const OPERATIONS: usize = 20;

/// The progress of a run of this process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) token: Option<i64>,
    /// The process that it waits for.
    pub(crate) waiting_for: Option<Box<Holder>>,
    /// Qualified ids. `None` until the plan is final.
    pub(crate) planned: Option<Vec<String>>,
    pub(crate) current: Option<Current>,
    pub(crate) done: Vec<Done>,
    pub(crate) result: Option<Result<Arc<Report>, Arc<Error>>>,
}

/// The migration that is running.
#[derive(Clone, Debug)]
pub(crate) struct Current {
    pub(crate) id: String,
    /// The newest operations, oldest first.
    pub(crate) operations: VecDeque<String>,
}

impl Current {
    fn new(id: &str) -> Self {
        Self { id: id.to_owned(), operations: VecDeque::new() }
    }
}

/// A migration that has run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Done {
    pub(crate) id: String,
    /// `applied`, `reverted`, `underway`, `failed` or `stopped`.
    pub(crate) outcome: &'static str,
    pub(crate) duration_ms: Option<u64>,
    /// The error, in one line.
    pub(crate) message: Option<String>,
}

impl Done {
    /// `None` for what a dry run predicts.
    fn of(execution: &Execution) -> Option<Self> {
        let (outcome, message) = match &execution.outcome {
            Outcome::Applied => ("applied", None),
            Outcome::Reverted => ("reverted", None),
            Outcome::Failed { message, .. } => ("failed", Some(message.clone())),
            Outcome::Stopped { .. } => ("stopped", None),
            Outcome::Underway => ("underway", None),
            _ => return None,
        };
        let duration_ms = Some(millis(execution.duration));
        Some(Self { id: execution.id.clone(), outcome, duration_ms, message })
    }
}

impl Progress {
    /// Returns whether it is known what becomes of it: it has the lease, works on a backfill without it, waits for another
    /// process, or has ended.
    pub(crate) fn is_settled(&self) -> bool {
        self.token.is_some() || self.current.is_some() || self.waiting_for.is_some() || self.result.is_some()
    }

    /// Follows an event.
    pub(super) fn note(&mut self, event: Event) {
        match event {
            Event::Waiting { holder, .. } => self.waiting_for = Some(holder),
            Event::Acquired { token } => {
                self.token = Some(token);
                self.waiting_for = None;
            }
            Event::Planned(plan) => {
                self.planned = Some(plan.iter().map(|step| step.migration().id().to_owned()).collect());
            }
            Event::Started { migration, .. } => {
                self.current = Some(Current::new(migration.id()));
            }
            Event::Operation { operation, .. } => {
                if let Some(Current { operations, .. }) = &mut self.current {
                    if operations.len() == OPERATIONS {
                        operations.pop_front();
                    }
                    operations.push_back(operation.to_string());
                }
            }
            Event::Progress { migration, done, total } => {
                // A backfill goes on after its step has ended.
                let current = self.current.get_or_insert_with(|| Current::new(migration.id()));
                if current.id == migration.id() {
                    let total = total.map_or_else(|| " done".to_owned(), |total| format!(" of {}", Count(total)));
                    current.operations = [format!("{}{total}", Count(done))].into();
                }
            }
            Event::Finished { migration, direction, duration } => {
                let outcome = if direction == Direction::Up { "applied" } else { "reverted" };
                self.done(migration.id(), outcome, Some(duration), None);
            }
            Event::Failed { migration, message, duration, .. } => {
                self.done(migration.id(), "failed", Some(duration), Some(message));
            }
            Event::Stopped { migration, .. } => self.done(migration.id(), "stopped", None, None),
            _ => {}
        }
    }

    fn done(&mut self, id: &str, outcome: &'static str, duration: Option<Duration>, message: Option<String>) {
        self.current = None;
        let duration_ms = duration.map(millis);
        self.done.push(Done { id: id.to_owned(), outcome, duration_ms, message });
    }

    pub(super) fn end(&mut self, result: Result<Report, Error>) {
        let report = result.as_ref().map_or_else(Error::report, Some);
        if let Some(report) = report {
            // Complete, even if events were missed.
            self.done = report.executions().filter_map(Done::of).collect();
        }
        self.current = None;
        self.waiting_for = None;
        self.result = Some(result.map(Arc::new).map_err(Arc::new));
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
