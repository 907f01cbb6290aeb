//! What is pending, what is wrong, and how far the database is.

use axum::response::Response;
use mongrate::json;

use crate::call::Call;
use crate::problem::Problem;

pub(crate) async fn pending(call: Call) -> Result<Response, Problem> {
    Ok(call.json(&json::Pending::of(&call.migrator().status().await?)))
}

pub(crate) async fn validate(call: Call) -> Result<Response, Problem> {
    Ok(call.json(&json::Validation::of(&call.migrator().validate().await?)))
}

pub(crate) async fn version(call: Call) -> Result<Response, Problem> {
    Ok(call.json(&json::Versions::of(&call.migrator().status().await?)))
}

pub(crate) async fn statistics(call: Call) -> Result<Response, Problem> {
    Ok(call.json(&json::Statistics::of(&call.migrator().statistics().await?)))
}

pub(crate) async fn health(call: Call) -> Result<Response, Problem> {
    Ok(call.json(&json::Health::of(&call.migrator().health().await?)))
}
