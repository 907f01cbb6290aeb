//! The status of every migration.

use axum::response::{IntoResponse, Response};
use mongrate::json;

use crate::call::Call;
use crate::problem::Problem;

pub(crate) async fn status(call: Call) -> Result<Response, Problem> {
    let status = call.migrator().status().await?;
    Ok(axum::Json(json::Status::of(&status)).into_response())
}
