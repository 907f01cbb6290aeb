//! Everything about one migration.

use axum::response::Response;

use crate::call::Call;
use crate::problem::Problem;
use crate::segment::Segment;

pub(crate) async fn show(call: Call, Segment(id): Segment) -> Result<Response, Problem> {
    let details = call.migrator().show(&id).await?;
    Ok(call.json(&mongrate::json::Shown::of(&details)))
}
