//! Where an answer leads.

use axum::http::header::{LOCATION, REFERER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::view::View;
use crate::problem::Problem;

/// The last segment of the sign-in form's address.
pub(super) const FORM: &str = "sign-in";

/// Leads to another view or to the application's sign-in.
pub(crate) fn redirect(url: &str) -> Response {
    if let Ok(url) = HeaderValue::from_str(url) {
        return (StatusCode::SEE_OTHER, [(LOCATION, url)]).into_response();
    }
    let detail = format!("the address to go to next is not one: '{}'", url.escape_debug());
    let problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail);
    problem.help("correct the address of the sign-in in the application").into_response()
}

/// Leads to the sign-in form, which leads back to this view.
pub(crate) fn sign_in_first(parts: &Parts) -> Response {
    let here = parts.uri.path_and_query().map_or("", |address| address.as_str().trim_start_matches('/'));
    let here = if parts.method == Method::GET { View::rebuild(here) } else { View::rebuild("") };
    redirect(&sign_in(&here))
}

/// The view that a form was sent from.
pub(super) fn back(headers: &HeaderMap) -> String {
    let address = headers.get(REFERER).and_then(|address| address.to_str().ok()).unwrap_or_default();
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let segment = path.rsplit('/').next().unwrap_or_default();
    if segment == FORM { sign_in("./") } else { View::rebuild(&format!("{segment}?{query}")) }
}

/// The address of the sign-in form, which leads to this view afterwards.
pub(super) fn sign_in(next: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if next == "./" { FORM.to_owned() } else { format!("{FORM}?{}", query.append_pair("next", next).finish()) }
}
