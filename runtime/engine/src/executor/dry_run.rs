//! Simulates a run without changing the database: no lease, no fence, no record (I4).
//!
//! All `Tx` bodies run in one transaction, so that each sees the effects of the earlier ones. It is rolled back at the end.
//! `Schema` bodies run before the transaction begins: their checks read outside of it and may take long, but the server ends a
//! transaction after a minute. Before it, too, the first documents of each backfill are changed in a transaction of their own, which
//! would otherwise wait for the other one. `&Database` bodies are not run.

mod backfill;
mod rehearsal;
mod shared;
mod unseen;

use std::collections::HashMap;

use tokio::time::sleep;
use tracing::Instrument;

use self::rehearsal::Rehearsal;
pub(crate) use self::shared::DryRun;
use self::shared::{excuse, execution, journal, not_answered, not_simulated};
use self::unseen::Unseen;
use super::attempt::Attempt;
use super::body::run;
use super::{Failure, Step};
use crate::context::{Inner, Log, Projection, Replay, Schema, Scope};
use crate::error::{Error, Readable};
use crate::migration::registration::Context;
use crate::migration::{Direction, Kind, State};
use crate::plan::{Graph, HeldUp, Plan};
use crate::report::{Execution, Outcome, Report};
use crate::stop::{Deadline, Permit, Reason, backoff};
use crate::store::Tracker;

const OPAQUE: &str = "not run, because it takes `&Database`, whose changes cannot be rolled back";
const NO_TRANSACTIONS: &str = "not run, because this server has no transactions to roll back";

/// The results of the `Schema` and `Backfill` steps by id, up to a failure of a `Schema` step.
type Checked = HashMap<&'static str, Execution>;

impl DryRun<'_> {
    /// Simulates a plan and adds its steps to an empty report. Returns the report, and the reason for stopping, if any.
    pub(crate) async fn run(
        &self,
        graph: &Graph,
        plan: &Plan,
        report: Report,
    ) -> Result<(Report, Option<Reason>), Error> {
        let checked = self.check(plan).await?;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut rehearsal = Rehearsal::new(self, attempts);
            let result = self.attempt(graph, plan, &checked, &mut rehearsal, report.clone()).await;
            rehearsal.end().await;
            match result {
                Ok(ended) => return Ok(ended),
                Err(Attempt::Transient(error)) => {
                    let error = Readable(&error);
                    tracing::info!(attempts, %error, "the server rolled the dry run back; retrying");
                    sleep(backoff(attempts)).await;
                }
                Err(Attempt::Permanent(Failure::Stopped(reason))) => return Ok((report, Some(reason))),
                Err(Attempt::Permanent(Failure::Failed(error))) => {
                    return Err(Error::unboxed(error));
                }
            }
        }
    }

    /// Simulates a plan once. Fails if the dry run must start over or cannot continue.
    async fn attempt(
        &self,
        graph: &Graph,
        plan: &Plan,
        checked: &Checked,
        rehearsal: &mut Rehearsal<'_>,
        mut report: Report,
    ) -> Result<(Report, Option<Reason>), Attempt> {
        let (mut held_up, mut unseen) = (HeldUp::new(graph), Unseen::new(graph));
        let (mut stopped_by, mut finished) = (None, false);
        for planned in plan {
            let step = Step::new(*planned, None);
            let id = step.migration.id();
            if !finished && let Err(reason) = self.check_limits() {
                (stopped_by, finished) = (Some(reason), true);
            }
            if finished || held_up.contains(id) {
                report.skip(id);
                continue;
            }
            let mut execution = match (step.kind, checked.get(id), self.unprovided(&step)) {
                (_, _, Some(reason)) => not_simulated(&step, &reason),
                (Kind::Tx, ..) if self.transactional => rehearsal.rehearse(&step).instrument(span(&step)).await?,
                (Kind::Tx, ..) => not_simulated(&step, NO_TRANSACTIONS),
                (Kind::Database, ..) => not_simulated(&step, OPAQUE),
                (Kind::Schema | Kind::Backfill, Some(checked), _) => checked.clone(),
                (Kind::Schema | Kind::Backfill, None, _) => not_simulated(&step, "it was not checked"),
            };
            unseen.doubt(&step, &mut execution);
            unseen.explain(&step, &mut execution);
            unseen.add(&step, &execution, rehearsal.lost());
            match &execution.outcome {
                Outcome::Failed { error, .. } => {
                    held_up.add(id);
                    finished = !self.continue_on_error;
                    if let Some(Error::RunTimedOut { limit, .. }) = error.downcast_ref() {
                        (stopped_by, finished) = (Some(Reason::RunTimedOut(*limit)), true);
                    }
                }
                Outcome::Stopped { .. } => {
                    (stopped_by, finished) = (Some(self.stop.reason().unwrap_or(Reason::Interrupted)), true);
                }
                _ => {}
            }
            report.push(execution);
        }
        Ok((report, stopped_by))
    }

    fn check_limits(&self) -> Result<(), Reason> {
        self.stop.check()?;
        self.deadline.map_or(Ok(()), Deadline::check)
    }

    /// Runs the `Schema` bodies, whose operations only check, and tries the backfills.
    async fn check(&self, plan: &Plan) -> Result<Checked, Error> {
        let mut logs = self.logs(plan).await?;
        let mut checked = Checked::new();
        let projection = Projection::new(self.transactional);
        for planned in plan {
            let step = Step::new(*planned, None);
            if !matches!(step.kind, Kind::Schema | Kind::Backfill) || self.unprovided(&step).is_some() {
                continue;
            }
            if self.check_limits().is_err() {
                break;
            }
            if step.kind == Kind::Backfill {
                // A failure may be withdrawn, so the checks go on.
                let tried = self.try_backfill(&step).instrument(span(&step)).await;
                checked.insert(step.migration.id(), tried);
                continue;
            }
            let execution = self
                .check_schema(&step, projection.clone(), logs.remove(step.migration.id()))
                .instrument(span(&step))
                .await;
            let failed = matches!(execution.outcome, Outcome::Failed { .. } | Outcome::Stopped { .. });
            checked.insert(step.migration.id(), execution);
            if failed && !self.continue_on_error {
                break;
            }
        }
        Ok(checked)
    }

    /// Reads the logs of unfinished executions. Sends one command, if there are any.
    async fn logs(&self, plan: &Plan) -> Result<HashMap<String, Log>, Error> {
        let states = [State::Interrupted, State::Failed];
        let unfinished = plan.iter().filter(|step| states.contains(&step.state())).map(|step| Step::new(*step, None));
        let ids: Vec<_> = unfinished.filter(|step| step.kind == Kind::Schema).map(|step| step.migration.id()).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let stored = Tracker::new(self.database, &self.options.names).logs(&ids).await?;
        stored.into_iter().map(|(id, stored)| Ok((id.clone(), Log::read(&id, &stored)?))).collect()
    }

    async fn check_schema(&self, step: &Step<'_>, projection: Projection, log: Option<Log>) -> Execution {
        let permit = Permit::without_lease(self.stop.clone());
        let database = self.database.clone();
        let scope = Scope::of(step.migration.source());
        let replay = |log| Replay::new(log, step.migration.checksum());
        let (ours, other) = match log {
            Some(log) if log.direction == step.direction => (Some(log), None),
            other => (None, other),
        };
        let log = ours.unwrap_or_else(|| Log::new(step.direction, step.migration.checksum()));
        let schema = Schema::new(database, self.options, scope, journal(step), permit.clone(), replay(log));
        if let (Direction::Up, Some(other)) = (step.direction, other) {
            let refused = match schema.has_effects(&other).await {
                Ok(false) => None,
                Ok(true) => Some(Error::PartiallyReverted { id: step.migration.id() }),
                Err(error) => Some(error),
            };
            if let Some(error) = refused {
                return execution(step, 0, Err(error.into()), Vec::new());
            }
        }
        let context = Context::from(Inner::Schema(Box::new(schema.dry_run(projection))));
        let ended = run(step.body, context, &permit, self.limits(step)).await;
        let (result, operations, missing, unanswered) = match ended {
            Ok((context, result)) => {
                let Inner::Schema(schema) = Inner::of(&context) else { unreachable!("a body keeps its context") };
                let unanswered = schema.unanswered().map(str::to_owned);
                (result.map_err(Failure::Failed), schema.operations(), schema.missing_value(), unanswered)
            }
            Err(cut) => (Err(cut.failure), Vec::new(), None, None),
        };
        let result = permit.check().map_err(Failure::from).and(result);
        not_answered(excuse(execution(step, 1, result, operations), missing), unanswered)
    }
}

fn span(step: &Step<'_>) -> tracing::Span {
    tracing::info_span!("migration", id = step.migration.id(), direction = %step.direction, dry_run = true)
}
