//! The page: a file for each view.

pub(crate) mod assets;
mod layout;
pub(crate) mod overview;

use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use maud::html;

use crate::admin::Admin;
use crate::problem::Problem;
use layout::Layout;

/// Leads to another view or to the application's sign-in.
pub(crate) fn redirect(url: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, url.to_owned())]).into_response()
}

/// Leads to the sign-in form, which leads back to this view.
pub(crate) fn sign_in_first(_: &Parts) -> Response {
    redirect("sign-in")
}

/// A problem as a person reads it.
pub(crate) fn problem(admin: &Admin, problem: &Problem) -> Response {
    let body = html! {
        section.head { h1 { (problem.title) } }
        p { (problem.detail) "." }
        @if let Some(help) = &problem.help { p.muted { (help) "." } }
    };
    (problem.status, Layout { admin, title: problem.title, actor: None, current: None }.page(&body)).into_response()
}
