//! The probes of an orchestrator, which anybody may ask.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use mongrate::json;
use serde_json::json;

use crate::access::Action;
use crate::admin::Admin;
use crate::call::Call;
use crate::doc::Doc;
use crate::face::Face;
use crate::guard::{Gate, check_host};
use crate::problem::Problem;

/// `/livez` and `/readyz`.
pub(crate) fn router(admin: &Admin) -> Router {
    Router::new()
        .route("/livez", get(async || ([(CACHE_CONTROL, "no-store")], "ok")))
        .route("/readyz", get(ready).with_state(admin.clone()))
}

/// Ready or not. With `?verbose`, why: that needs the right to look.
async fn ready(State(admin): State<Admin>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let is_verbose = match parts.uri.query().unwrap_or_default() {
        "" => false,
        "verbose" | "verbose=" | "verbose=true" => true,
        _ => return Problem::bad_request("the only query parameter here is `verbose`").into_response(),
    };
    let mut gate = None;
    if is_verbose {
        let look = Gate { admin: admin.clone(), face: Face::Api, action: Some(Action::Look), doc: Doc::default() };
        if let Err(refusal) = check_host(&admin, &parts) {
            return refusal.into_response();
        }
        match look.admit(&mut parts).await {
            Ok(()) => gate = parts.extensions.remove::<Call>(),
            Err(refusal) => return refusal,
        }
    }
    let health = admin.readiness().read(admin.site().migrator()).await;
    let is_ready = health.as_ref().is_some_and(|health| health.is_ready());
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let answer = match (health, gate) {
        (None, _) => axum::Json(json!({ "status": "unreachable" })).into_response(),
        (Some(health), None) => axum::Json(json!({ "status": health.status().to_string() })).into_response(),
        (Some(health), Some(call)) => call.json(&json::Health::of(&health)),
    };
    (status, [(CACHE_CONTROL, "no-store")], answer).into_response()
}
