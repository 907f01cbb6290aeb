//! Who holds the lock.

use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use mongrate::json;

use crate::call::Call;
use crate::etag::ETag;
use crate::problem::Problem;

pub(crate) async fn status(call: Call) -> Result<Response, Problem> {
    let status = call.migrator().lock_status().await?;
    let tag = ETag::of_lock(&status).header();
    Ok(([(ETAG, tag)], call.json(&json::Lock::of(&status))).into_response())
}
