//! Runs: what they have done, and their stop.

use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access::Action;
use crate::call::{Call, Json, Path};
use crate::line::{Because, By};
use crate::problem::Problem;
use crate::runs::{RunId, unknown};

#[derive(Debug, Serialize)]
struct List {
    /// Newest first.
    runs: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Stop {
    because: Because,
    by: By,
}

pub(crate) async fn list(call: Call) -> Result<Response, Problem> {
    let runs = call.site.runs().list().await?;
    let quotes_documents = call.allowed.may(Action::DryRun);
    let runs = runs.iter().map(|run| run.json(quotes_documents)).collect();
    Ok(call.json(&List { runs }))
}

pub(crate) async fn show(call: Call, Path(id): Path<String>) -> Result<Response, Problem> {
    let asked: RunId = id.parse().map_err(|()| unknown(&id))?;
    let run = call.site.runs().find(asked).await?.ok_or_else(|| unknown(&id))?;
    if run.id != asked {
        return Ok((StatusCode::SEE_OTHER, [(LOCATION, format!("../runs/{}", run.id))]).into_response());
    }
    Ok(call.json(&run.json(call.allowed.may(Action::DryRun))))
}

pub(crate) async fn stop(call: Call, Path(id): Path<String>, Json(body): Json<Stop>) -> Result<Response, Problem> {
    let id: RunId = id.parse().map_err(|()| unknown(&id))?;
    let by = call.actor(body.by.text());
    let run = call.site.runs().stop(id, &by, body.because.text()).await?;
    Ok((StatusCode::ACCEPTED, call.json(&run.json(call.allowed.may(Action::DryRun)))).into_response())
}
