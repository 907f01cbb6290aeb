//! The page: a file for each view.

pub(crate) mod assets;
mod banners;
mod layout;
pub(crate) mod overview;
pub(crate) mod session;
mod view;
mod words;

use axum::http::header::{LOCATION, REFERER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::html;

use crate::admin::Admin;
use crate::call::Call;
use crate::problem::Problem;
use crate::theme::Theme;
use layout::Layout;
use view::View;
use words::visible;

/// Leads to another view or to the application's sign-in.
pub(crate) fn redirect(url: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, url.to_owned())]).into_response()
}

/// Leads to the sign-in form, which leads back to this view.
pub(crate) fn sign_in_first(parts: &Parts) -> Response {
    let here = parts.uri.path_and_query().map_or("", |address| address.as_str().trim_start_matches('/'));
    let here = if parts.method == Method::GET { View::rebuild(here) } else { View::rebuild("") };
    redirect(&session::address(&here))
}

/// The view that a form was sent from.
fn back(headers: &HeaderMap) -> String {
    let address = headers.get(REFERER).and_then(|address| address.to_str().ok()).unwrap_or_default();
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let segment = path.rsplit('/').next().unwrap_or_default();
    if segment == session::FORM { session::address("./") } else { View::rebuild(&format!("{segment}?{query}")) }
}

/// A problem as a person reads it.
pub(crate) fn problem(admin: &Admin, call: Option<&Call>, theme: Theme, problem: &Problem) -> Response {
    let body = html! {
        section.head { h1 { (heading(problem)) } }
        div.panel {
            p { (visible(&sentence(&problem.detail))) }
            @if !problem.causes.is_empty() {
                pre { @for cause in &problem.causes { "caused by: " (visible(cause)) "\n" } }
            }
            @if let Some(help) = &problem.help { p.muted { "What to do: " (visible(&sentence(help))) } }
            @if let Some(call) = call {
                p.actions { a.button href=(View::Overview.url(&call.site, &[])) { "Back to the overview" } }
            }
        }
    };
    let title = heading(problem);
    let frame = match call {
        Some(call) => Layout::of(call, title, None),
        None => Layout::signed_out(admin, theme, title),
    };
    (problem.status, frame.page(&body)).into_response()
}

/// What happened, in a few words.
fn heading(problem: &Problem) -> &'static str {
    match problem.status {
        StatusCode::UNAUTHORIZED => "Sign in first",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::SERVICE_UNAVAILABLE => "The database does not answer",
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => "Not done",
        StatusCode::INTERNAL_SERVER_ERROR => "This failed",
        _ => problem.title,
    }
}

/// A sentence with its full stop.
fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { words::capitalized(text) } else { format!("{}.", words::capitalized(text)) }
}
