//! What a run would do, found out without changing anything: no lease, no fence, no record (I4).
//!
//! All `Tx` bodies run in one transaction, so that each finds what the earlier ones left; it is rolled back at the end.
//! `Schema` bodies run before it begins: their checks read outside of it anyway and may take long, and the server ends a
//! transaction after a minute. `&Database` bodies are not run.

mod rehearsal;
mod shared;
mod unseen;

use std::collections::HashMap;

use tokio::time::sleep;
use tracing::Instrument;

use self::rehearsal::Rehearsal;
pub(crate) use self::shared::DryRun;
use self::shared::{execution, journal, not_simulated};
use self::unseen::Unseen;
use super::attempt::Attempt;
use super::body::run;
use super::{Failure, Step};
use crate::context::{Inner, Log, Projection, Replay, Schema, Scope};
use crate::error::{Error, Readable};
use crate::migration::registration::Context;
use crate::migration::{Direction, Kind, State};
use crate::plan::{Graph, HeldUp, Plan};
use crate::report::{Execution, Operation, Outcome, Report};
use crate::stop::{Deadline, Permit, Reason, backoff};
use crate::store::Tracker;

const OPAQUE: &str = "it takes `&Database`, and what is done through that cannot be rolled back, so it was not run";
const NO_TRANSACTIONS: &str = "this server has no transactions, so that nothing could be rolled back; it was not run";

/// What has become of the `Schema` steps, by id; those behind a failure are not among them.
type Checked = HashMap<&'static str, Execution>;

impl DryRun<'_> {
    /// Goes through the plan, and adds to a report that has nothing but warnings so far. Gives it with the reason why it
    /// had to stop, if it had.
    pub(crate) async fn run(
        &self,
        graph: &Graph,
        plan: &Plan,
        report: Report,
    ) -> Result<(Report, Option<Reason>), Error> {
        let checked = self.check_schemas(plan).await?;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut rehearsal = Rehearsal::new(self, attempts);
            let result = self.attempt(graph, plan, &checked, &mut rehearsal, report.clone()).await;
            rehearsal.end().await;
            match result {
                Ok(ended) => return Ok(ended),
                Err(Attempt::Again(error)) => {
                    let error = Readable(&error);
                    tracing::info!(attempts, %error, "the server rolled the dry run back; trying again");
                    sleep(backoff(attempts)).await;
                }
                Err(Attempt::Over(Failure::Stopped(reason))) => return Ok((report, Some(reason))),
                Err(Attempt::Over(Failure::Failed(error))) => {
                    return Err(Error::unboxed(error));
                }
            }
        }
    }

    /// Goes through the plan once. `Err` when that has to begin again or cannot go on.
    async fn attempt(
        &self,
        graph: &Graph,
        plan: &Plan,
        checked: &Checked,
        rehearsal: &mut Rehearsal<'_>,
        mut report: Report,
    ) -> Result<(Report, Option<Reason>), Attempt> {
        let (mut held_up, mut unseen) = (HeldUp::new(graph), Unseen::new(graph));
        let (mut stopped_by, mut over) = (None, false);
        for planned in plan {
            let step = Step::new(*planned, None);
            let id = step.migration.id();
            if !over && let Err(reason) = self.may_go_on() {
                (stopped_by, over) = (Some(reason), true);
            }
            if over || held_up.contains(id) {
                report.skip(id);
                continue;
            }
            let mut execution = match (step.kind, checked.get(id)) {
                (Kind::Tx, _) if self.transactional => rehearsal.rehearse(&step).instrument(span(&step)).await?,
                (Kind::Tx, _) => not_simulated(&step, NO_TRANSACTIONS),
                (Kind::Database, _) => not_simulated(&step, OPAQUE),
                (Kind::Schema, Some(checked)) => checked.clone(),
                (Kind::Schema, None) => not_simulated(&step, "it was not checked"),
            };
            unseen.doubt(&mut execution);
            unseen.explain(&step, &mut execution);
            unseen.add(&step, &execution, rehearsal.lost());
            match &execution.outcome {
                Outcome::Failed { error, .. } => {
                    held_up.add(id);
                    over = !self.continue_on_error;
                    if let Some(Error::RunTimedOut { limit, .. }) = error.downcast_ref() {
                        (stopped_by, over) = (Some(Reason::RunTimedOut(*limit)), true);
                    }
                }
                Outcome::Stopped { .. } => {
                    (stopped_by, over) = (Some(self.stop.reason().unwrap_or(Reason::Interrupted)), true);
                }
                _ => {}
            }
            report.push(execution);
        }
        Ok((report, stopped_by))
    }

    fn may_go_on(&self) -> Result<(), Reason> {
        self.stop.check()?;
        self.deadline.map_or(Ok(()), Deadline::check)
    }

    /// Runs the bodies that take `Schema`, which do nothing but check.
    async fn check_schemas(&self, plan: &Plan) -> Result<Checked, Error> {
        let mut logs = self.logs(plan).await?;
        let mut checked = Checked::new();
        let projection = Projection::new(self.transactional);
        for planned in plan {
            let step = Step::new(*planned, None);
            if step.kind != Kind::Schema {
                continue;
            }
            if self.may_go_on().is_err() {
                break;
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

    /// What earlier executions of these have left: one command, if there are any.
    async fn logs(&self, plan: &Plan) -> Result<HashMap<String, Log>, Error> {
        let half_way = [State::Interrupted, State::Failed];
        let half_way = plan.iter().filter(|step| half_way.contains(&step.state())).map(|step| Step::new(*step, None));
        let ids: Vec<_> = half_way.filter(|step| step.kind == Kind::Schema).map(|step| step.migration.id()).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let stored = Tracker::new(self.database, &self.options.names).logs(&ids).await?;
        stored.into_iter().map(|(id, stored)| Ok((id.clone(), Log::read(&id, &stored)?))).collect()
    }

    async fn check_schema(&self, step: &Step<'_>, projection: Projection, log: Option<Log>) -> Execution {
        let permit = Permit::without_lease(self.stop.clone());
        let (database, home) = (self.database.clone(), &self.options.names.records);
        let scope = Scope::of(step.migration.source());
        let replay = |log| Replay::new(log, step.migration.checksum());
        let (ours, other) = match log {
            Some(log) if log.direction == step.direction => (Some(log), None),
            other => (None, other),
        };
        let log = ours.unwrap_or_else(|| Log::new(step.direction, step.migration.checksum()));
        let schema = Schema::new(database, home, scope, journal(step), permit.clone(), replay(log));
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
        let (result, operations) = match ended {
            Ok((context, result)) => (result.map_err(Failure::Failed), operations(&context)),
            Err(cut) => (Err(cut.failure), Vec::new()),
        };
        let result = permit.check().map_err(Failure::from).and(result);
        execution(step, 1, result, operations)
    }
}

fn span(step: &Step<'_>) -> tracing::Span {
    tracing::info_span!("migration", id = step.migration.id(), direction = %step.direction, dry_run = true)
}

fn operations(context: &Context) -> Vec<Operation> {
    match Inner::of(context) {
        Inner::Schema(schema) => schema.operations(),
        Inner::Tx(tx) => tx.operations(),
        Inner::Database(_) => Vec::new(),
    }
}
