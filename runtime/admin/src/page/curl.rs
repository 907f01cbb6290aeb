//! The API, as requests of curl to copy.

use axum::http::Method;
use axum::response::Response;
use maud::{Markup, html};

use super::layout::Layout;
use super::view::View;
use super::words::{self, Tone, prose};
use crate::access::Level;
use crate::call::Call;
use crate::route::Route;

/// Shows a request for each row of the table of routes.
pub(crate) fn show(call: &Call, rows: &[Route]) -> Response {
    let base = call.admin.mounts().api_from_page();
    let body = html! {
        section.head {
            div {
                h1 { "API" }
                p.muted { "Everything that this page does, for programs. " (rows.len()) " requests." }
            }
            @if let Some(base) = &base { div.actions { a.button href=(format!("{base}/openapi.json")) { "openapi.json" } } }
        }
        @if let Some(base) = &base {
            (start(base))
            div.group { ul.rows.requests { @for (index, row) in rows.iter().enumerate() { (request(call, index, row)) } } }
        } @else {
            div.empty {
                p { "The API is not mounted in this application." }
                p.muted { "It is mounted beside the page, under a path of its own." }
            }
        }
    };
    Layout::of(call, "API", View::Api).answer(&body)
}

/// The two variables that every request uses. Only the browser knows the scheme, host and prefix of the page, so that its script
/// makes the address absolute.
fn start(base: &str) -> Markup {
    html! {
        div.panel {
            div {
                pre #variables tabindex="0" { "BASE=" span data-absolute { (base) } "\nTOKEN=…" }
                (copy("variables"))
            }
            noscript { p { "BASE is relative to the address of this page: complete it with the scheme and the host." } }
            p.muted {
                "Set these first. "
                "What changes records needs the " code { "ETag" } " of what you saw, as " code { "If-Match" } ": of "
                code { "plan" } " for " code { "down" } ", of " code { "lock" } " for a release, of " code { "status" } " for the rest."
            }
        }
    }
}

fn request(call: &Call, index: usize, row: &Route) -> Markup {
    let id = format!("request-{index}");
    let level = row.action.map(crate::access::Action::level);
    let is_allowed = row.action.is_none_or(|action| call.allowed.may(action));
    html! {
        li {
            div.what {
                b { code { (row.method) " " (row.path.trim_start_matches('/')) } } " "
                @if let Some(level) = level { (words::badge(Tone::Calm, &level.to_string())) }
                @if !is_allowed { " " span.muted { "not in your access" } }
                p { (prose(row.doc.summary)) "." }
                pre id=(id) tabindex="0" { (curl(row)) }
            }
            div.act { (copy(&id)) }
        }
    }
}

fn copy(id: &str) -> Markup {
    html! { button.copy type="button" hidden data-copy=(id) { "Copy" } }
}

/// The request as a command.
fn curl(row: &Route) -> String {
    let method = if row.method == Method::GET { String::new() } else { format!(" -X {}", row.method) };
    // All acts of this level are confirmed, and want a reason.
    let is_repair = row.action.is_some_and(|action| action.level() == Level::Repair);
    let confirmation = if is_repair { " -H \"If-Match: $TAG\"" } else { "" };
    let body = match (row.doc.body, is_repair) {
        (None, _) => String::new(),
        (Some(_), true) => " --json '{\"because\": \"OPS-17\"}'".to_owned(),
        (Some(_), false) => " --json '{}'".to_owned(),
    };
    let path = row.path.replace(['{', '}'], "");
    format!("curl{method} -H \"Authorization: Bearer $TOKEN\"{confirmation}{body} \"$BASE{path}\"")
}

#[cfg(test)]
mod tests {
    use super::curl;
    use crate::access::Action;
    use crate::route::{get, post};

    #[test]
    fn requests_have_what_their_route_needs() {
        let handler = async || "";
        assert_eq!(
            curl(&get("/migrations/{id}", Action::Look, handler)),
            "curl -H \"Authorization: Bearer $TOKEN\" \"$BASE/migrations/id\""
        );
        assert_eq!(
            curl(&post("/prune", Action::Prune, handler).reads("amend-request")),
            "curl -X POST -H \"Authorization: Bearer $TOKEN\" -H \"If-Match: $TAG\" --json '{\"because\": \"OPS-17\"}' \"$BASE/prune\""
        );
    }
}
