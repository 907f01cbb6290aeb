//! The page's forms: the same acts as in the API. They redirect to the run, or to the view that shows the result.

use std::time::Duration;

use axum::response::Response;
use mongrate::Error;
use mongrate::migration::Direction;
use serde::{Deserialize, Deserializer};

use super::leading::redirect;
use super::takeover;
use super::view::View;
use super::words::whole;
use crate::api::amend::{Amendment, amend};
use crate::api::backfills::{Change, change_of};
use crate::api::unlock::release;
use crate::api::up::{Request, launch};
use crate::call::{Call, Form};
use crate::etag::Confirmation;
use crate::line::{Because, By};
use crate::problem::Problem;
use crate::runs::{Run, RunId};
use crate::selection::{Selection, ids, text};

/// How long a request for a dry run waits for its end.
const PATIENCE: Duration = Duration::from_secs(5);

/// A run. The fields of a [`Selection`] are those of the plan's view.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the checkboxes of a form")]
pub(crate) struct RunForm {
    verb: Option<Direction>,
    #[serde(deserialize_with = "ids")]
    only: Vec<String>,
    #[serde(deserialize_with = "text")]
    to: Option<String>,
    steps: Option<usize>,
    #[serde(deserialize_with = "checked")]
    batch: bool,
    #[serde(deserialize_with = "checked")]
    with_dependents: bool,
    /// The `ETag` of the plan that was shown.
    #[serde(deserialize_with = "text")]
    plan: Option<String>,
    because: Because,
    #[serde(deserialize_with = "checked")]
    continue_on_error: bool,
    #[serde(deserialize_with = "checked")]
    acknowledge_orphans: bool,
    lock_wait_ms: Option<u64>,
    confirm: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StopForm {
    id: String,
    #[serde(default)]
    because: Because,
}

/// A pause or a change of pace of a backfill.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SteerForm {
    id: String,
    paused: Option<bool>,
    #[serde(default, deserialize_with = "text")]
    workers: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pace: Option<String>,
    #[serde(default, rename = "maxLagMs", deserialize_with = "text")]
    max_lag_ms: Option<String>,
    #[serde(default, rename = "batchMs", deserialize_with = "text")]
    batch_ms: Option<String>,
    #[serde(default)]
    because: Because,
}

/// A change of the record of a migration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordForm {
    id: String,
    /// The `ETag` of the status that was shown.
    seen: Option<String>,
    #[serde(default)]
    because: Because,
    confirm: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct UnlockForm {
    /// The `ETag` of the lock that was shown.
    seen: Option<String>,
    because: Because,
    confirm: Option<String>,
}

pub(crate) async fn up(call: Call, Form(form): Form<RunForm>) -> Result<Response, Problem> {
    confirmed(&call, form.confirm.as_deref())?;
    let (run, _) = start(&call, Direction::Up, form, false).await?;
    Ok(to_run(&call, run.id()))
}

pub(crate) async fn down(call: Call, Form(form): Form<RunForm>) -> Result<Response, Problem> {
    confirmed(&call, form.confirm.as_deref())?;
    crate::api::amend::reason(&form.because)?;
    let (run, _) = start(&call, Direction::Down, form, false).await?;
    Ok(to_run(&call, run.id()))
}

/// Leads to the plan, which shows what was found. A dry run that takes long, or fails, is shown as a run.
pub(crate) async fn dry_run(call: Call, Form(form): Form<RunForm>) -> Result<Response, Problem> {
    let verb = form.verb.unwrap_or_default();
    let (run, plan) = start(&call, verb, form, true).await?;
    run.wait(PATIENCE).await;
    match run.result() {
        Some(Ok(_)) => Ok(redirect(&plan)),
        _ => Ok(to_run(&call, run.id())),
    }
}

/// Starts a run. Returns it with the address of its plan.
async fn start(call: &Call, verb: Direction, form: RunForm, dry_run: bool) -> Result<(Run, String), Problem> {
    let RunForm { only, to, steps, batch, with_dependents, .. } = form;
    let selection = Selection { verb, only, to, steps, batch, with_dependents };
    let plan = View::Plan.url(&call.site, &pairs(&selection.fields()));
    let request = Request {
        selection,
        confirmation: Confirmation::field(form.plan.as_deref()),
        because: form.because,
        continue_on_error: form.continue_on_error,
        lock_wait_ms: form.lock_wait_ms,
        acknowledge_orphans: form.acknowledge_orphans,
        dry_run,
        ..Request::default()
    };
    let run = launch(call, request).await.map_err(|problem| problem.link(plan.clone(), "Look at the plan again"))?;
    if let Some(error) = run.refusal().await {
        call.site.runs().forget(&run);
        return Err(refused(call, &error, plan));
    }
    Ok((run, plan))
}

/// A run that did not get the lock. A lease that has expired can be taken over.
fn refused(call: &Call, error: &Error, plan: String) -> Problem {
    let problem = Problem::from(error);
    match error {
        Error::LockTimeout { take_over: Some(_), .. } => {
            let wait = whole(takeover::wait(call.migrator()));
            let help =
                format!("plan again: the run then waits up to {wait} to make sure that it is gone, and takes over");
            problem.help(help).link(plan, "Plan a run that takes over…")
        }
        Error::LockTimeout { .. } => {
            let help = "wait until that run has ended, or stop it";
            problem.help(help).link(View::Lock.url(&call.site, &[]), "Look at the lock")
        }
        _ => problem,
    }
}

pub(crate) async fn steer(call: Call, Form(form): Form<SteerForm>) -> Result<Response, Problem> {
    let change = Change {
        paused: form.paused,
        // The form of the pace shows all that is set.
        reset: form.paused.is_none(),
        // What is no number is refused as 0 is.
        workers: form.workers.map(|workers| workers.parse().unwrap_or(0)),
        pace: form.pace,
        max_lag_ms: form.max_lag_ms.map(|lag| lag.parse().unwrap_or(0)),
        batch_ms: form.batch_ms.map(|time| time.parse().unwrap_or(0)),
        because: form.because,
        by: By::default(),
    };
    change_of(&call, &form.id, &change).await?;
    Ok(redirect(&View::Migration.url(&call.site, &[("id", &form.id)])))
}

pub(crate) async fn stop(call: Call, Form(form): Form<StopForm>) -> Result<Response, Problem> {
    let id: RunId = form.id.parse().map_err(|()| crate::runs::unknown(&form.id))?;
    call.site.runs().stop(id, &call.actor(None), form.because.text()).await?;
    Ok(to_run(&call, id))
}

pub(crate) async fn mark_applied(call: Call, Form(form): Form<RecordForm>) -> Result<Response, Problem> {
    record(&call, &form, |id| Amendment::MarkApplied(vec![id])).await
}

pub(crate) async fn mark_pending(call: Call, Form(form): Form<RecordForm>) -> Result<Response, Problem> {
    record(&call, &form, |id| Amendment::MarkPending(vec![id])).await
}

pub(crate) async fn cancel(call: Call, Form(form): Form<RecordForm>) -> Result<Response, Problem> {
    record(&call, &form, Amendment::Cancel).await
}

pub(crate) async fn restart(call: Call, Form(form): Form<RecordForm>) -> Result<Response, Problem> {
    record(&call, &form, Amendment::Restart).await
}

pub(crate) async fn accept(call: Call, Form(form): Form<RecordForm>) -> Result<Response, Problem> {
    record(&call, &form, Amendment::Accept).await
}

pub(crate) async fn prune(call: Call, Form(form): Form<RecordForm>) -> Result<Response, Problem> {
    record(&call, &form, Amendment::Prune).await?;
    Ok(redirect(&View::Overview.url(&call.site, &[])))
}

async fn record(call: &Call, form: &RecordForm, act: impl Fn(String) -> Amendment) -> Result<Response, Problem> {
    confirmed(call, form.confirm.as_deref())?;
    let confirmation = Confirmation::field(form.seen.as_deref());
    let view = View::Migration.url(&call.site, &[("id", &form.id)]);
    let amended = amend(call, &confirmation, act(form.id.clone()), &form.because, &By::default()).await;
    amended.map_err(|problem| problem.link(view.clone(), "Look at the migration again"))?;
    Ok(redirect(&view))
}

pub(crate) async fn unlock(call: Call, Form(form): Form<UnlockForm>) -> Result<Response, Problem> {
    confirmed(&call, form.confirm.as_deref())?;
    let view = View::Lock.url(&call.site, &[]);
    let released = release(&call, &Confirmation::field(form.seen.as_deref()), &form.because, &By::default()).await;
    released.map_err(|problem| problem.link(view.clone(), "Look at the lock again"))?;
    Ok(redirect(&view))
}

fn to_run(call: &Call, id: RunId) -> Response {
    redirect(&View::Run.url(&call.site, &[("id", &id.to_string())]))
}

/// In production, the name of the database has to be typed.
fn confirmed(call: &Call, typed: Option<&str>) -> Result<(), Problem> {
    let migrator = call.migrator();
    let name = migrator.database().name();
    if migrator.environment() != Some("production") || typed.map(str::trim) == Some(name) {
        return Ok(());
    }
    let detail = format!("this is production: type the name of the database, '{name}', to go on");
    Err(Problem::unprocessable(detail))
}

fn pairs<'f>(fields: &'f [(&'static str, String)]) -> Vec<(&'f str, &'f str)> {
    fields.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// Reads a checkbox.
fn checked<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match &*String::deserialize(deserializer)? {
        "on" | "true" => Ok(true),
        "" | "false" => Ok(false),
        other => Err(serde::de::Error::custom(format!("'{other}' is neither `true` nor `false`"))),
    }
}
