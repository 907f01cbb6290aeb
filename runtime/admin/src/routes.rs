//! The table of routes. The routers, the checks of access, the OpenAPI document and the tests are made from it.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};

use crate::access::Action::Look;
use crate::admin::Admin;
use crate::call::Call;
use crate::face::Face;
use crate::guard::{self, Gate};
use crate::openapi;
use crate::problem::Problem;
use crate::route::{Route, get, post};
use crate::{api, page};

/// The API.
#[rustfmt::skip]
pub(crate) fn api() -> Vec<Route> {
    vec![
        get("/status", Look, api::status::status).does("Show the status of every migration")
            .answers(&[(200, "status")]),
        get("/openapi.json", Look, document).does("Describe this API")
            .answers(&[(200, "any")]),
    ]
}

/// The page.
pub(crate) fn page() -> Vec<Route> {
    vec![
        get("/", Look, page::overview::show),
        get("/sign-in", None, page::session::form),
        post("/session", None, page::session::open),
        post("/sign-out", None, page::session::close),
        post("/theme", None, page::session::choose_theme),
        get("/app.css", None, page::assets::style),
        get("/app.js", None, page::assets::script),
        get("/icon.svg", None, page::assets::icon),
    ]
}

async fn document(_: Call) -> Response {
    axum::Json(openapi::document(&api())).into_response()
}

/// Builds the router of a face from its rows.
pub(crate) fn router(admin: &Admin, face: Face) -> Router {
    let rows = match face {
        Face::Page => page(),
        Face::Api => api(),
    };
    let mut router = Router::new();
    for Route { path, action, handler, doc, .. } in rows {
        let gate = Gate { admin: admin.clone(), face, action, doc };
        router = router.route(path, handler.layer(from_fn_with_state(gate, guard::pass)));
    }
    router
        .fallback(async || Problem::not_found("there is nothing at this path"))
        .method_not_allowed_fallback(guard::method_not_allowed)
        .layer(from_fn_with_state((admin.clone(), face), guard::dress))
}
