//! Changes of records that run no migration.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use mongrate::migrator::Amend;
use mongrate::{Error, Report, json};
use serde::Deserialize;

use super::up::Ids;
use crate::call::{Call, Json, Path};
use crate::etag::{Confirmation, ETag};
use crate::line::{Because, By};
use crate::problem::Problem;

/// A change of records.
#[derive(Clone, Debug)]
pub(crate) enum Amendment {
    MarkApplied(Vec<String>),
    MarkPending(Vec<String>),
    Baseline(String),
    Accept(String),
    Prune(String),
    Cancel(String),
    Restart(String),
}

/// Who ends a backfill, and why.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Ended {
    because: Because,
    by: By,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Several {
    ids: Ids,
    #[serde(default)]
    because: Because,
    #[serde(default)]
    by: By,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct One {
    id: String,
    #[serde(default)]
    because: Because,
    #[serde(default)]
    by: By,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Base {
    id: Option<String>,
    detect: bool,
    assume_undecided: bool,
    because: Because,
    by: By,
}

pub(crate) async fn mark_applied(
    call: Call,
    confirmation: Confirmation,
    Json(Several { ids, because, by }): Json<Several>,
) -> Result<Response, Problem> {
    let amendment = Amendment::MarkApplied(Vec::from(&ids));
    Ok(answer(&call, &amend(&call, &confirmation, amendment, &because, &by).await?))
}

pub(crate) async fn mark_pending(
    call: Call,
    confirmation: Confirmation,
    Json(Several { ids, because, by }): Json<Several>,
) -> Result<Response, Problem> {
    let amendment = Amendment::MarkPending(Vec::from(&ids));
    Ok(answer(&call, &amend(&call, &confirmation, amendment, &because, &by).await?))
}

pub(crate) async fn accept(
    call: Call,
    confirmation: Confirmation,
    Json(One { id, because, by }): Json<One>,
) -> Result<Response, Problem> {
    Ok(answer(&call, &amend(&call, &confirmation, Amendment::Accept(id), &because, &by).await?))
}

pub(crate) async fn prune(
    call: Call,
    confirmation: Confirmation,
    Json(One { id, because, by }): Json<One>,
) -> Result<Response, Problem> {
    Ok(answer(&call, &amend(&call, &confirmation, Amendment::Prune(id), &because, &by).await?))
}

pub(crate) async fn cancel(
    call: Call,
    confirmation: Confirmation,
    Path(id): Path<String>,
    Json(Ended { because, by }): Json<Ended>,
) -> Result<Response, Problem> {
    Ok(answer(&call, &amend(&call, &confirmation, Amendment::Cancel(id), &because, &by).await?))
}

pub(crate) async fn restart(
    call: Call,
    confirmation: Confirmation,
    Path(id): Path<String>,
    Json(Ended { because, by }): Json<Ended>,
) -> Result<Response, Problem> {
    Ok(answer(&call, &amend(&call, &confirmation, Amendment::Restart(id), &because, &by).await?))
}

pub(crate) async fn baseline(
    call: Call,
    confirmation: Confirmation,
    Json(Base { id, detect, assume_undecided, because, by }): Json<Base>,
) -> Result<Response, Problem> {
    let id = match (id, detect) {
        (Some(_), false) if assume_undecided => {
            return Err(Problem::unprocessable("`assumeUndecided` belongs to `detect: true`"));
        }
        (Some(id), false) => id,
        (None, true) => {
            let mut detected = call.migrator().detect().await?;
            if assume_undecided {
                detected = detected.assuming_undecided();
            }
            detected.baseline().map(str::to_owned).ok_or_else(|| {
                Problem::new(StatusCode::CONFLICT, "no-baseline", detected.to_string().trim_end_matches('.'))
            })?
        }
        _ => return Err(Problem::unprocessable("send either `id` or `detect: true`")),
    };
    Ok(answer(&call, &amend(&call, &confirmation, Amendment::Baseline(id), &because, &by).await?))
}

/// Changes the records, if the sender saw the status as it is now.
pub(crate) async fn amend(
    call: &Call,
    confirmation: &Confirmation,
    amendment: Amendment,
    because: &Because,
    by: &By,
) -> Result<Report, Problem> {
    let because = reason(because)?;
    if confirmation.is_missing() {
        return Err(Problem::unconfirmed("a change of records", "status"));
    }
    if !confirmation.matches(&ETag::of_status(&call.migrator().status().await?)) {
        return Err(Problem::changed("the status has changed since it was shown", None));
    }
    let migrator = call.site.runs().migrator();
    let amend: Amend = match amendment {
        Amendment::MarkApplied(ids) => migrator.mark_applied(ids),
        Amendment::MarkPending(ids) => migrator.mark_pending(ids),
        Amendment::Baseline(id) => migrator.baseline(id),
        Amendment::Accept(id) => migrator.accept(id),
        Amendment::Prune(id) => migrator.prune(id),
        Amendment::Cancel(id) => migrator.cancel_backfill(id),
        Amendment::Restart(id) => migrator.restart_backfill(id),
    };
    let amend = amend.by(call.actor(by.text())).because(because).lock_wait(Duration::ZERO);
    // In a task of its own, because a closed connection must not stop it midway.
    let ended = tokio::spawn(amend.into_future()).await;
    Ok(ended.unwrap_or_else(|_| Err(Error::Interrupted { report: Box::default() }))?)
}

/// Acts that repair something need a reason.
pub(crate) fn reason(because: &Because) -> Result<&str, Problem> {
    because.text().ok_or_else(|| Problem::unprocessable("`because` is missing: the history keeps why this was done"))
}

fn answer(call: &Call, report: &Report) -> Response {
    call.json(&json::Report::of(report))
}
