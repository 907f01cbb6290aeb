//! What went wrong, for people.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::html;

use super::layout::Layout;
use super::view::View;
use super::words::{sentence, visible};
use crate::admin::Admin;
use crate::call::Call;
use crate::problem::Problem;
use crate::theme::Theme;

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
                p.actions {
                    @if let Some((url, text)) = &problem.link { a.button href=(url) { (text) } }
                    a.button href=(View::Overview.url(&call.site, &[])) { "Back to the overview" }
                }
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
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED | StatusCode::PRECONDITION_REQUIRED => "Not done",
        StatusCode::INTERNAL_SERVER_ERROR => "This failed",
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => "Not understood",
        StatusCode::MISDIRECTED_REQUEST => "Not at this address",
        _ => problem.title,
    }
}
