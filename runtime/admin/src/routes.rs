//! The table of routes. The routers, the checks of access, the OpenAPI document and the tests are made from it.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};

use crate::access::Action::{self, Look};
use crate::admin::Admin;
use crate::call::Face;
use crate::guard::{self, Gate};
use crate::problem::Problem;
use crate::{api, page};

/// One row.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// Relative to where the face is mounted, with a leading slash.
    pub(crate) path: &'static str,
    /// `None` for what anybody may see.
    pub(crate) action: Option<Action>,
    handler: MethodRouter,
}

fn get<T: 'static>(path: &'static str, action: impl Into<Option<Action>>, handler: impl Handler<T, ()>) -> Route {
    Route { method: Method::GET, path, action: action.into(), handler: on(MethodFilter::GET, handler) }
}

fn post<T: 'static>(path: &'static str, action: impl Into<Option<Action>>, handler: impl Handler<T, ()>) -> Route {
    Route { method: Method::POST, path, action: action.into(), handler: on(MethodFilter::POST, handler) }
}

/// The API.
pub(crate) fn api() -> Vec<Route> {
    vec![get("/status", Look, api::status::status)]
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

/// Builds the router of a face from its rows.
pub(crate) fn router(admin: &Admin, face: Face) -> Router {
    let rows = match face {
        Face::Page => page(),
        Face::Api => api(),
    };
    let mut router = Router::new();
    for Route { path, action, handler, .. } in rows {
        let gate = Gate { admin: admin.clone(), face, action };
        router = router.route(path, handler.layer(from_fn_with_state(gate, guard::pass)));
    }
    router
        .fallback(async || Problem::not_found("there is nothing at this path"))
        .method_not_allowed_fallback(guard::method_not_allowed)
        .layer(from_fn_with_state((admin.clone(), face), guard::dress))
}
