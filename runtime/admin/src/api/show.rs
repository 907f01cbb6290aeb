//! Everything about one migration.

use axum::response::Response;

use crate::call::{Call, Path};
use crate::problem::Problem;

pub(crate) async fn show(call: Call, Path(id): Path<String>) -> Result<Response, Problem> {
    let details = call.migrator().show(&id).await?;
    Ok(call.json(&mongrate::json::Shown::of(&details)))
}
