//! Backfills that have started and not completed.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::header::ETAG;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use mongodb::bson::Bson;
use mongrate::context::InvalidPace;
use mongrate::json;
use mongrate::migrator::{BackfillStatus, Steer};
use mongrate::{Error, Kind};
use serde::{Deserialize, Serialize};

use crate::access::Action;
use crate::api::up::{Body, Options, one};
use crate::call::{Call, Json, Path, Query};
use crate::etag::{Confirmation, ETag};
use crate::line::{Because, By};
use crate::prefer::Wait;
use crate::problem::Problem;

/// What to change of a backfill.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Change {
    pub(crate) paused: Option<bool>,
    /// Whether what is not set here is as in the code again.
    pub(crate) reset: bool,
    pub(crate) workers: Option<u32>,
    pub(crate) pace: Option<String>,
    #[serde(rename = "maxLagMs")]
    pub(crate) max_lag_ms: Option<u64>,
    #[serde(rename = "batchMs")]
    pub(crate) batch_ms: Option<u64>,
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

pub(crate) async fn skipped(call: Call, Path(id): Path<String>) -> Result<Response, Problem> {
    let mut skipped = match call.migrator().skipped(&id).await {
        Err(Error::NotUnderway { .. }) => return Err(not_open(&id)),
        skipped => skipped?,
    };
    if !call.allowed.may(Action::Steer) {
        // An id can be an address, for example.
        for document in &mut skipped {
            document.id = Bson::Null;
        }
    }
    Ok(call.json(&json::SkippedDocuments::of(&skipped)).into_response())
}

/// Runs it by name.
pub(crate) async fn retry(
    call: Call,
    wait: Wait,
    confirmation: Confirmation,
    Path(id): Path<String>,
    query: Query<Options>,
    body: Json<Body>,
) -> Result<Response, Problem> {
    if call.migrator().registry().find(&id)?.kind() != Kind::Backfill {
        return Err(not_open(&id));
    }
    one(call, wait, confirmation, Path(id), query, body).await
}

pub(crate) async fn steer(call: Call, Path(id): Path<String>, Json(change): Json<Change>) -> Result<Response, Problem> {
    change_of(&call, &id, &change).await?;
    let backfills = call.migrator().backfills().await?;
    // It may have completed meanwhile.
    let backfill = backfills.iter().find(|backfill| backfill.id == id);
    Ok(backfill.map_or_else(
        || StatusCode::NO_CONTENT.into_response(),
        |backfill| call.json(&json::Backfill::from(backfill)).into_response(),
    ))
}

/// Changes a backfill.
pub(crate) async fn change_of(call: &Call, id: &str, change: &Change) -> Result<(), Problem> {
    let pace = change.pace.as_deref().map(str::parse).transpose();
    let pace = pace.map_err(|error: InvalidPace| Problem::unprocessable(error.to_string()))?;
    let workers = change.workers.map(|workers| {
        let too_few = || Problem::unprocessable("the number of workers must be a number from 1 on");
        NonZeroU32::new(workers).ok_or_else(too_few)
    });
    let workers = workers.transpose()?;
    let (max_lag, batch_time) =
        (change.max_lag_ms.map(Duration::from_millis), change.batch_ms.map(Duration::from_millis));
    let tunes = workers.is_some() || pace.is_some() || max_lag.is_some() || batch_time.is_some();
    if change.paused.is_none() && !tunes && !change.reset {
        return Err(Problem::unprocessable(
            "nothing to change: send `paused`, `workers`, `pace`, `maxLagMs`, `batchMs` or `reset`",
        ));
    }
    let mut steer = call.migrator().steer(id).by(call.actor(change.by.text()));
    steer = match change.paused {
        Some(true) => steer.pause(),
        Some(false) => steer.resume(),
        None => steer,
    };
    if change.reset {
        steer = steer.as_coded();
    }
    steer = workers.into_iter().fold(steer, Steer::workers);
    steer = pace.into_iter().fold(steer, Steer::pace);
    steer = max_lag.into_iter().fold(steer, Steer::max_lag);
    steer = batch_time.into_iter().fold(steer, Steer::batch_time);
    Ok(change.because.text().into_iter().fold(steer, Steer::because).await?)
}

async fn find(call: &Call, id: &str) -> Result<BackfillStatus, Problem> {
    let backfills = call.migrator().backfills().await?;
    if let Some(backfill) = backfills.into_iter().find(|backfill| backfill.id == id) {
        return Ok(backfill);
    }
    call.migrator().registry().find(id)?;
    Err(not_open(id))
}

fn not_open(id: &str) -> Problem {
    let problem = Problem::not_found(format!("'{id}' is not a backfill that is underway or has failed"));
    problem.help("`backfills` lists those that there are, `migrations/{id}` shows any migration")
}

fn answer(call: &Call, headers: &HeaderMap, tag: &ETag, shape: &impl Serialize) -> Response {
    if tag.is_known(headers) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, tag.header())]).into_response();
    }
    ([(ETAG, tag.header())], call.json(shape)).into_response()
}
