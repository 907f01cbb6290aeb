//! Backfills that have started and not completed.

use axum::http::header::ETAG;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use mongrate::json;
use serde::Serialize;

use crate::call::{Call, Path};
use crate::etag::ETag;
use crate::problem::Problem;

pub(crate) async fn list(call: Call, headers: HeaderMap) -> Result<Response, Problem> {
    let backfills = call.migrator().backfills().await?;
    Ok(answer(&call, &headers, &ETag::of_backfills(&backfills), &json::Backfills::of(&backfills)))
}

pub(crate) async fn show(call: Call, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let backfills = call.migrator().backfills().await?;
    let Some(backfill) = backfills.iter().find(|backfill| backfill.id == id) else {
        call.migrator().registry().find(&id)?;
        let problem = Problem::not_found(format!("'{id}' is not a backfill that has started and not completed"));
        return Err(problem.help("`backfills` lists those that there are, `migrations/{id}` shows any migration"));
    };
    Ok(answer(&call, &headers, &ETag::of_backfills([backfill]), &json::Backfill::from(backfill)))
}

fn answer(call: &Call, headers: &HeaderMap, tag: &ETag, shape: &impl Serialize) -> Response {
    if tag.is_known(headers) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, tag.header())]).into_response();
    }
    ([(ETAG, tag.header())], call.json(shape)).into_response()
}
