//! How the service and its database are.

use axum::Json;
use axum::extract::State;
use mongodb::Database;
use mongodb::bson::doc;
use serde::Serialize;
use serde_json::{Value, json};

use super::ApiError;
use crate::migrator;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Migrations {
    pending: Vec<&'static str>,
    completed: Vec<Completed>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Completed {
    id: &'static str,
    source: String,
    description: &'static str,
    executed_at: Option<String>,
    duration_ms: i64,
}

/// `GET /migrations`
pub(super) async fn status(State(database): State<Database>) -> Result<Json<Migrations>, ApiError> {
    let status = migrator(&database).status().await?;
    let completed = status.completed().map(|(migration, record)| Completed {
        id: migration.id(),
        source: migration.source().to_string(),
        description: migration.description(),
        executed_at: record.executed_at.try_to_rfc3339_string().ok(),
        duration_ms: record.execution_duration,
    });
    let pending = status.pending().map(|migration| migration.id()).collect();
    Ok(Json(Migrations { pending, completed: completed.collect() }))
}

/// `GET /health`
pub(super) async fn health(State(database): State<Database>) -> Result<Json<Value>, ApiError> {
    database.run_command(doc! { "ping": 1 }).await?;
    Ok(Json(json!({ "status": "ok" })))
}
