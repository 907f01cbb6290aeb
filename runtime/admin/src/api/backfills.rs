//! Backfills that have started and not completed.

use std::num::NonZeroU32;

use axum::http::header::ETAG;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use mongrate::context::InvalidPace;
use mongrate::json;
use mongrate::migrator::{BackfillStatus, Steer};
use serde::{Deserialize, Serialize};

use crate::call::{Call, Json, Path};
use crate::etag::ETag;
use crate::line::{Because, By};
use crate::problem::Problem;

/// What to change of a backfill.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Change {
    pub(crate) paused: Option<bool>,
    pub(crate) workers: Option<NonZeroU32>,
    pub(crate) pace: Option<String>,
    pub(crate) because: Because,
    pub(crate) by: By,
}

pub(crate) async fn list(call: Call, headers: HeaderMap) -> Result<Response, Problem> {
    let backfills = call.migrator().backfills().await?;
    Ok(answer(&call, &headers, &ETag::of_backfills(&backfills), &json::Backfills::of(&backfills)))
}

pub(crate) async fn show(call: Call, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let backfill = find(&call, &id).await?;
    Ok(answer(&call, &headers, &ETag::of_backfills([&backfill]), &json::Backfill::from(&backfill)))
}

pub(crate) async fn steer(call: Call, Path(id): Path<String>, Json(change): Json<Change>) -> Result<Response, Problem> {
    find(&call, &id).await?;
    change_of(&call, &id, &change).await?;
    Ok(call.json(&json::Backfill::from(&find(&call, &id).await?)).into_response())
}

/// Changes a backfill.
pub(crate) async fn change_of(call: &Call, id: &str, change: &Change) -> Result<(), Problem> {
    let pace = change.pace.as_deref().map(str::parse).transpose();
    let pace = pace.map_err(|error: InvalidPace| Problem::unprocessable(error.to_string()))?;
    if change.paused.is_none() && change.workers.is_none() && pace.is_none() {
        return Err(Problem::unprocessable("nothing to change: send `paused`, `workers` or `pace`"));
    }
    let mut steer = call.migrator().steer(id).by(call.actor(change.by.text()));
    steer = match change.paused {
        Some(true) => steer.pause(),
        Some(false) => steer.resume(),
        None => steer,
    };
    steer = change.workers.into_iter().fold(steer, Steer::workers);
    steer = pace.into_iter().fold(steer, Steer::pace);
    Ok(change.because.text().into_iter().fold(steer, Steer::because).await?)
}

async fn find(call: &Call, id: &str) -> Result<BackfillStatus, Problem> {
    let backfills = call.migrator().backfills().await?;
    if let Some(backfill) = backfills.into_iter().find(|backfill| backfill.id == id) {
        return Ok(backfill);
    }
    call.migrator().registry().find(id)?;
    let problem = Problem::not_found(format!("'{id}' is not a backfill that has started and not completed"));
    Err(problem.help("`backfills` lists those that there are, `migrations/{id}` shows any migration"))
}

fn answer(call: &Call, headers: &HeaderMap, tag: &ETag, shape: &impl Serialize) -> Response {
    if tag.is_known(headers) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, tag.header())]).into_response();
    }
    ([(ETAG, tag.header())], call.json(shape)).into_response()
}
