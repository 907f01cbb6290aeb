//! What a run would do.

use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use mongrate::json;

use super::up;
use crate::call::{Call, Query};
use crate::problem::Problem;
use crate::selection::Selection;

pub(crate) async fn plan(call: Call, Query(selection): Query<Selection>) -> Result<Response, Problem> {
    let (plan, tag) = up::plan(&call, &selection).await?;
    Ok(([(ETAG, tag.header())], call.json(&json::Plan::of(&plan))).into_response())
}
