//! The status of every migration.

use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use mongrate::json;

use crate::call::Call;
use crate::etag::ETag;
use crate::problem::Problem;

pub(crate) async fn status(call: Call) -> Result<Response, Problem> {
    let status = call.migrator().status().await?;
    let tag = ETag::of_status(&status).header();
    Ok(([(ETAG, tag)], axum::Json(json::Status::of(&status))).into_response())
}
