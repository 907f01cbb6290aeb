//! The faces of an admin, each mounted by itself.

use axum::Router;
use axum::http::header::LOCATION;
use axum::http::{Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::any;

use crate::access::Action;
use crate::admin::Admin;
use crate::face::Face;
use crate::tenant_path::with_tenants;
use crate::{guard, openapi, probes, routes};

impl Admin {
    /// The page for people, under this path, such as `/system/database`. All its links are relative, so that it works behind a
    /// proxy that adds a prefix.
    pub fn page_at<S: Clone + Send + Sync + 'static>(&self, path: &str) -> Router<S> {
        let path = path.trim_end_matches('/');
        self.mounts().page_at(path);
        let inner = routes::router(self, Face::Page);
        if path.is_empty() {
            // The host has a fallback of its own.
            return Router::new().merge(inner.reset_fallback().with_state(()));
        }
        let to = format!("{}/", path.rsplit('/').next().unwrap_or_default());
        // Without the slash, relative links would lead elsewhere.
        let redirect = any(move || {
            let to = to.clone();
            async move { (StatusCode::PERMANENT_REDIRECT, [(LOCATION, to)]) }
        });
        let redirect = redirect.layer(from_fn_with_state((self.clone(), Face::Page), guard::dress));
        Router::new().route(path, redirect).nest_service(&format!("{path}/"), inner)
    }

    /// The API for programs, under this path, such as `/api/admin/migrations`.
    pub fn api_at<S: Clone + Send + Sync + 'static>(&self, path: &str) -> Router<S> {
        let path = path.trim_end_matches('/');
        self.mounts().api_at(path);
        let inner = with_tenants(routes::router(self, Face::Api));
        if path.is_empty() {
            // The host has a fallback of its own.
            return Router::new().merge(inner.reset_fallback().with_state(()));
        }
        Router::new().nest_service(path, inner)
    }

    /// The probes for an orchestrator, which anybody may ask: `/livez` and `/readyz`.
    ///
    /// `/livez` is 200 while the process answers, whatever the database does. `/readyz` is 200 if the database is as this program
    /// expects ([`Health::is_ready`](mongrate::migrator::Health::is_ready)), else 503; it reads the database at most once a
    /// second, and shows no names. `/readyz?verbose` shows the health, and needs [`Action::Look`](crate::Action::Look).
    pub fn probes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        Router::new().merge(probes::router(self).with_state(()))
    }

    /// Returns the OpenAPI 3.1 document of the API, which it also serves as `openapi.json`.
    #[must_use]
    pub fn openapi(&self) -> serde_json::Value {
        openapi::document(&routes::api(), self.tenants().is_some())
    }

    /// The table of routes, for tests: method, path below the page, and action.
    #[doc(hidden)]
    #[must_use]
    pub fn page_routes(&self) -> Vec<(Method, &'static str, Option<Action>)> {
        routes::page().into_iter().map(|route| (route.method, route.path, route.action)).collect()
    }

    /// The table of routes, for tests: method, path below the API, and action.
    #[doc(hidden)]
    #[must_use]
    pub fn api_routes(&self) -> Vec<(Method, &'static str, Option<Action>)> {
        routes::api().into_iter().map(|route| (route.method, route.path, route.action)).collect()
    }
}
