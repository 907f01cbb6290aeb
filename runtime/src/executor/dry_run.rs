//! What a run would do, found out without changing anything: no lease, no fence, no record (I4).
//!
//! All `Tx` bodies run in one transaction, so that each finds what the earlier ones left; it is rolled back at the end.
//! `Schema` bodies are run before it begins: their checks read outside of it anyway, may take long, and the server ends a
//! transaction after a minute. `&Database` bodies are not run.

mod rehearsal;
mod unseen;

use std::collections::{HashMap, HashSet};

use mongodb::Database;
use tokio::time::{Instant, sleep};
use tracing::Instrument;

use self::rehearsal::Rehearsal;
use self::unseen::Unseen;
use super::body::{Limits, run};
use super::{Failure, attempt::Attempt};
use crate::__private::{Body, Context};
use crate::Error;
use crate::context::{Inner, Operation, Schema, Scope};
use crate::error::{in_one_line, source_chain};
use crate::graph::Graph;
use crate::lock::{Permit, backoff};
use crate::migration::{Kind, Migration};
use crate::options::Options;
use crate::plan::{Plan, Step, Verb};
use crate::report::{Execution, Outcome, Report};
use crate::stop::{Reason, Stop};

/// How often the bodies run when the server keeps rolling them back for passing reasons. Less often than in earnest: each
/// time it is all of them.
const ATTEMPTS: u32 = 3;

const OPAQUE: &str = "it takes `&Database`, and what is done through that cannot be rolled back, so it was not run";
const NO_TRANSACTIONS: &str = "this server has no transactions, so that nothing could be rolled back; it was not run";

/// A dry run.
#[derive(Debug)]
pub(crate) struct DryRun<'r> {
    pub(crate) database: &'r Database,
    pub(crate) options: &'r Options,
    pub(crate) stop: &'r Stop,
    /// Whether the server has transactions.
    pub(crate) transactional: bool,
    /// Whether to go on with what does not depend on a failed one.
    pub(crate) continue_on_error: bool,
}

/// How a dry run ended before its end.
enum Early {
    /// The server rolled the transaction back for a passing reason.
    Again(Report),
    Stopped(Reason, Report),
    Error(Error),
}

impl DryRun<'_> {
    /// Goes through the plan, and adds to a report that has nothing but warnings so far.
    pub(crate) async fn run(self, graph: &Graph, plan: &Plan, report: Report) -> Result<Report, Error> {
        let checked = self.check_schema(plan).await;
        let mut attempts = 0;
        let report = loop {
            attempts += 1;
            let mut rehearsal = Rehearsal::new(&self, attempts);
            let ended = self.go_through(graph, plan, &checked, &mut rehearsal, report.clone()).await;
            rehearsal.end().await;
            match ended {
                Err(Early::Again(_)) => sleep(backoff(attempts)).await,
                Err(Early::Stopped(_, report)) => return Err(Error::Interrupted { report: Box::new(report) }),
                Err(Early::Error(error)) => return Err(error),
                Ok(report) => break report,
            }
        };
        let Some(failed) = report.failed().next() else { return Ok(report) };
        let Outcome::Failed { error: source, message, rolled_back } = failed.outcome.clone() else { return Ok(report) };
        Err(Error::Failed { id: failed.id.clone(), message, source, rolled_back, report: Box::new(report) })
    }

    async fn go_through<'p>(
        &self,
        graph: &Graph,
        plan: &'p Plan,
        checked: &HashMap<&str, Execution>,
        rehearsal: &mut Rehearsal<'_>,
        mut report: Report,
    ) -> Result<Report, Early> {
        let (mut held_up, mut unseen) = (HashSet::new(), Unseen::new(graph));
        let mut stopped_by = None;
        for step in plan {
            let id = step.migration().id();
            stopped_by = stopped_by.or(self.stop.reason());
            let failed = report.failed().next().is_some() && !self.continue_on_error;
            if stopped_by.is_some() || failed || held_up.contains(id) {
                report.leave_out(id);
                continue;
            }
            let (kind, _) = function(*step);
            let mut execution = match (kind, checked.get(id)) {
                (Kind::Schema, Some(checked)) => checked.clone(),
                (Kind::Schema, None) => not_simulated(*step, "it was not checked".to_owned()),
                (Kind::Database, _) => not_simulated(*step, OPAQUE.to_owned()),
                (Kind::Tx, _) if !self.transactional => not_simulated(*step, NO_TRANSACTIONS.to_owned()),
                (Kind::Tx, _) => match rehearsal.rehearse(*step).await {
                    Ok(execution) => execution,
                    Err(Attempt::Again(error)) => {
                        tracing::info!(id, %error, "the server rolled the dry run back; trying again");
                        return Err(Early::Again(report));
                    }
                    Err(Attempt::Over(Failure::Failed(error))) => {
                        return Err(Early::Error(*error.downcast().unwrap_or_else(|error| {
                            Box::new(Error::Refused(error.to_string()))
                        })));
                    }
                    Err(Attempt::Over(Failure::Stopped(reason))) => return Err(Early::Stopped(reason, report)),
                },
            };
            execution.notes.extend(unseen.by(*step, kind, &execution));
            unseen.lose(rehearsal.lost());
            match execution.outcome {
                Outcome::Failed { .. } => held_up.extend(dependants(graph, *step)),
                Outcome::Stopped { .. } => stopped_by = self.stop.reason().or(Some(Reason::Interrupted)),
                _ => {}
            }
            unseen.add(*step, kind, &execution);
            report.push(execution);
        }
        match stopped_by {
            Some(reason) => Err(Early::Stopped(reason, report)),
            None => Ok(report),
        }
    }
}
