//! Starts runs: `up` and its aliases.

use std::time::Duration;

use axum::http::header::LOCATION;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use mongrate::migration::Direction;
use mongrate::{Plan, json};
use serde::Deserialize;

use crate::access::Action;
use crate::call::{Call, Json, Path, Query};
use crate::etag::{Confirmation, ETag};
use crate::line::{Because, By};
use crate::prefer::Wait;
use crate::problem::{Problem, value};
use crate::runs::{Run, Start};
use crate::selection::Selection;

/// The longest wait for another process that a request may ask for, in milliseconds.
const LONGEST_LOCK_WAIT: u64 = 60_000;

/// A run as a request asks for it.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "the options of a request")]
pub(crate) struct Request {
    pub(crate) selection: Selection,
    pub(crate) confirmation: Confirmation,
    pub(crate) by: By,
    pub(crate) because: Because,
    pub(crate) continue_on_error: bool,
    pub(crate) with_changed_code: bool,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) lock_wait_ms: Option<u64>,
    pub(crate) dry_run: bool,
    pub(crate) acknowledge_orphans: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Options {
    dry_run: Option<bool>,
    continue_on_error: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Body {
    #[serde(alias = "migrationId")]
    only: Ids,
    to: Option<String>,
    continue_on_error: Option<bool>,
    timeout_ms: Option<u64>,
    lock_wait_ms: Option<u64>,
    because: Because,
    by: By,
    dry_run: Option<bool>,
    with_changed_code: bool,
    acknowledge_orphans: bool,
}

/// One id or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Ids {
    One(String),
    Several(Vec<String>),
}

pub(crate) async fn up(
    call: Call,
    wait: Wait,
    confirmation: Confirmation,
    Query(options): Query<Options>,
    Json(body): Json<Body>,
) -> Result<Response, Problem> {
    let run = launch(&call, body.request(&options, confirmation)?).await?;
    answer(&call, &run, wait, "runs").await
}

pub(crate) async fn one(
    call: Call,
    wait: Wait,
    confirmation: Confirmation,
    Path(id): Path<String>,
    Query(options): Query<Options>,
    Json(body): Json<Body>,
) -> Result<Response, Problem> {
    if body.to.is_some() || !Vec::from(&body.only).is_empty() {
        return Err(Problem::unprocessable("the path names the migration; leave out `only` and `to`"));
    }
    let body = Body { only: Ids::One(id), ..body };
    let run = launch(&call, body.request(&options, confirmation)?).await?;
    answer(&call, &run, wait, "../../runs").await
}

impl Body {
    fn request(self, options: &Options, confirmation: Confirmation) -> Result<Request, Problem> {
        let only = Vec::from(&self.only);
        if self.to.is_some() && !only.is_empty() {
            return Err(Problem::unprocessable("`only` and `to` exclude each other"));
        }
        let dry_run = agreed("dryRun", self.dry_run, options.dry_run)?;
        if self.with_changed_code && (only.is_empty() || dry_run || !confirmation.is_missing()) {
            let detail = "`withChangedCode` needs the backfills in `only`, and excludes `dryRun` and `If-Match`: they are in no plan";
            return Err(Problem::unprocessable(detail));
        }
        Ok(Request {
            dry_run,
            continue_on_error: agreed("continueOnError", self.continue_on_error, options.continue_on_error)?,
            selection: Selection { verb: Direction::Up, only, to: self.to, ..Selection::default() },
            confirmation,
            by: self.by,
            because: self.because,
            timeout_ms: self.timeout_ms,
            lock_wait_ms: self.lock_wait_ms,
            acknowledge_orphans: self.acknowledge_orphans,
            with_changed_code: self.with_changed_code,
        })
    }
}

/// The value of an option that body and query may have.
pub(super) fn agreed(name: &str, body: Option<bool>, query: Option<bool>) -> Result<bool, Problem> {
    match (body, query) {
        (Some(body), Some(query)) if body != query => {
            Err(Problem::unprocessable(format!("`{name}` differs between the body and the query")))
        }
        _ => Ok(body.or(query).unwrap_or_default()),
    }
}

/// Returns a plan, and the tag with which a request confirms it.
pub(crate) async fn plan(call: &Call, selection: &Selection) -> Result<(Plan, ETag), Problem> {
    // Read before the plan, so that the tag is stale if a run comes between.
    let token = call.migrator().lock_status().await?.token;
    let plan = selection.plan(call.migrator()).await?;
    let tag = ETag::of_plan(selection.verb, &plan, token);
    Ok((plan, tag))
}

/// Checks a request and starts its run.
pub(crate) async fn launch(call: &Call, request: Request) -> Result<Run, Problem> {
    let Request { selection, confirmation, dry_run, .. } = request;
    let lock_wait = request.lock_wait_ms.unwrap_or_default();
    if lock_wait > LONGEST_LOCK_WAIT {
        return Err(Problem::unprocessable(format!("`lockWaitMs` may be {LONGEST_LOCK_WAIT} at most")));
    }
    let mut confirmed = None;
    if dry_run {
        call.require(Action::DryRun)?;
    } else if !confirmation.is_missing() {
        confirmed = Some(confirm(call, &selection, &confirmation).await?);
    } else if selection.verb == Direction::Down {
        return Err(Problem::unconfirmed("a `down`", "plan?verb=down"));
    }
    if !(dry_run || request.acknowledge_orphans) {
        refuse_orphans(call).await?;
    }
    call.site.runs().start(Start {
        selection,
        plan: confirmed,
        by: call.actor(request.by.text()),
        because: request.because.text().map(str::to_owned),
        continue_on_error: request.continue_on_error,
        with_changed_code: request.with_changed_code,
        timeout: request.timeout_ms.map(Duration::from_millis),
        lock_wait: Duration::from_millis(lock_wait),
        dry_run,
        keep_dry: call.admin.keep_dry(),
    })
}

async fn confirm(call: &Call, selection: &Selection, confirmation: &Confirmation) -> Result<Plan, Problem> {
    let (plan, tag) = self::plan(call, selection).await?;
    if confirmation.matches(&tag) {
        return Ok(plan);
    }
    Err(Problem::changed("the plan has changed since it was shown", Some(value(&json::Plan::of(&plan)))))
}

/// A process that is older than the database would run what it knows as if there were nothing newer.
async fn refuse_orphans(call: &Call) -> Result<(), Problem> {
    let status = call.migrator().status().await?;
    let ids: Vec<_> = status.orphans().iter().map(|orphan| format!("'{}'", orphan.id)).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let detail = format!("the database has records of migrations that this process does not know: {}", ids.join(", "));
    let problem = Problem::new(StatusCode::CONFLICT, "orphans", detail);
    Err(problem.help("this process may be older than the database; if it is not, send `acknowledgeOrphans: true`"))
}

/// Waits for a run, and answers with its report, or with its address if it goes on. `runs` is the relative URL of the runs.
pub(super) async fn answer(call: &Call, run: &Run, wait: Wait, runs: &str) -> Result<Response, Problem> {
    const APPLIED: HeaderName = HeaderName::from_static("preference-applied");
    run.wait(wait.0).await;
    let id = run.id();
    let Some(result) = run.result() else {
        let body = call.json(&run.view().json(call.allowed.may(Action::DryRun)));
        let headers = [(LOCATION, format!("{runs}/{id}")), (APPLIED, "respond-async".to_owned())];
        return Ok((StatusCode::ACCEPTED, headers, body).into_response());
    };
    if id == run.local_id() && !run.is_dry() {
        call.site.runs().forget(run);
    }
    match result {
        Ok(report) => Ok(call.json(&json::Report::of(&report))),
        Err(error) => Err(Problem::from(&*error)),
    }
}

impl Default for Ids {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl From<&Ids> for Vec<String> {
    fn from(ids: &Ids) -> Self {
        match ids {
            Ids::One(id) => vec![id.clone()],
            Ids::Several(ids) => ids.clone(),
        }
    }
}
