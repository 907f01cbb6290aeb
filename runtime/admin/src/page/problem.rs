//! What went wrong, for people.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::html;

use super::layout::Layout;
use super::view::View;
use super::words::{prose, sentence, visible};
use crate::admin::Admin;
use crate::call::Call;
use crate::problem::Problem;
use crate::theme::Theme;

/// A problem as a person reads it.
pub(crate) fn problem(admin: &Admin, call: Option<&Call>, theme: Theme, problem: &Problem) -> Response {
    let body = html! {
        section.head { h1 { (heading(problem)) } }
        div.panel {
            p.lines { (prose(&sentence(&problem.detail))) }
            @if !problem.causes.is_empty() {
                pre { @for cause in &problem.causes { "caused by: " (visible(cause)) "\n" } }
            }
            @if let Some(help) = help(problem) {
                p.muted.lines { @if !help.ends_with('?') { "What to do: " } (prose(&sentence(help))) }
            }
            @if let Some(call) = call {
                p.actions {
                    @if let Some((url, text)) = &problem.link { a.button.primary href=(url) { (text) } }
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

/// What to do on this page, where the problem itself speaks of the API or of the library.
fn help(problem: &Problem) -> Option<&str> {
    Some(match problem.code {
        "orphans" => "this process may be older than the database; if it is not, confirm that below the plan",
        "confirmation-missing" => "look at what will be changed, and confirm that",
        "irreversible" => {
            "write a new migration that undoes it; or undo it by hand, and mark it as pending in its view"
        }
        "dependents-applied" => "revert them first, or together with it",
        "dependencies-pending" => "apply them first, or mark them, too",
        "not-an-orphan" => "to run the migration again, mark it as pending in its view",
        _ => return problem.help.as_deref(),
    })
}

/// What happened, in a few words.
fn heading(problem: &Problem) -> &'static str {
    match problem.status {
        StatusCode::UNAUTHORIZED => "Sign in first",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::SERVICE_UNAVAILABLE => "The database does not answer",
        StatusCode::CONFLICT if matches!(problem.code, "irreversible" | "dependents-applied") => {
            "This cannot be reverted"
        }
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED | StatusCode::PRECONDITION_REQUIRED => "Not done",
        StatusCode::INTERNAL_SERVER_ERROR => "This failed",
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => "Not understood",
        StatusCode::MISDIRECTED_REQUEST => "Not at this address",
        _ => problem.title,
    }
}
