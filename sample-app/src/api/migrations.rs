//! The status of the migrations, and a health check.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use mongodb::Database;
use mongrate::Migration;
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
    let status = migrator(&database)?.status().await?;
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

/// `GET /health`: 200 if the database is as this program expects, otherwise 503.
pub(super) async fn health(State(database): State<Database>) -> Result<(StatusCode, Json<Value>), ApiError> {
    let health = migrator(&database)?.health().await?;
    let code = if health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let ids = |migrations: &[Migration]| migrations.iter().map(Migration::id).collect::<Vec<_>>();
    let answer = json!({
        "status": health.status().to_string(),
        "pending": ids(health.pending()),
        "failed": ids(health.failed()),
        "inWords": health.to_string(),
    });
    Ok((code, Json(answer)))
}
