//! Applies what is pending in the databases of all tenants: a run for each, a few at a time.

use axum::http::StatusCode;
use axum::response::Response;
use futures_util::stream::{self, StreamExt};
use maud::{Markup, html};
use mongrate::display::plural;
use serde::Deserialize;

use crate::access::Action;
use crate::api::up::{Request, launch};
use crate::call::{Call, Form};
use crate::line::Because;
use crate::page::forms;
use crate::page::leading::redirect;
use crate::page::view::View;
use crate::page::words::visible;
use crate::problem::Problem;
use crate::tenants::{CONCURRENCY, Progress};

/// The failures that are shown.
const SHOWN: usize = 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct UpAllForm {
    /// The number of databases, as typed.
    count: String,
    because: Because,
}

/// Starts a run in each database, if the sender knows how many there are.
pub(crate) async fn up_all(call: Call, Form(form): Form<UpAllForm>) -> Result<Response, Problem> {
    let tenants = call.tenants()?;
    let names = tenants.names().await?;
    if form.count.trim() != names.len().to_string() {
        let detail = format!("the number of databases is {}: type it to go on", names.len());
        return Err(
            Problem::unprocessable(detail).link(View::Tenants.segment().to_owned(), "Look at the databases again")
        );
    }
    if !tenants.sweep().begin(names.len()) {
        let problem =
            Problem::new(StatusCode::CONFLICT, "busy", "this process is applying migrations in all databases already");
        return Err(problem.help("wait until it has ended; the view of the tenants shows how far it is"));
    }
    tokio::spawn(async move {
        let (call, form) = (&call, &form);
        let runs = stream::iter(names).for_each_concurrent(CONCURRENCY, async |name| {
            let result = up_in(call, &name, form.because.clone()).await;
            if let Some(tenants) = call.admin.tenants() {
                tenants.sweep().done(name, result.err().map(|problem| problem.detail.clone()));
            }
            // A view of the application's own database does not hear of others.
            call.admin.site().watch().tenants_changed();
        });
        runs.await;
    });
    Ok(redirect(View::Tenants.segment()))
}

/// Runs in one database to the end, like the form of its plan.
async fn up_in(call: &Call, database: &str, because: Because) -> Result<(), Problem> {
    let tenants = call.tenants()?;
    let call = Call { site: tenants.site(database).await?, ..call.clone() };
    let run = launch(&call, Request { because, ..Request::default() }).await?;
    let result = run.ended().await;
    if run.id() == run.local_id() {
        call.site.runs().forget(&run);
    }
    result.map(drop).map_err(|error| Problem::from(&*error))
}

/// The form, or how far it is.
pub(super) fn form(call: &Call, total: usize) -> Markup {
    let may_act = total > 0 && call.allowed.may(Action::Up);
    let is_free = progress(call).is_none_or(|progress| progress.has_ended());
    html! {
        @if may_act && is_free {
            details.panel {
                summary { "Apply in all databases…" }
                form method="post" action="up-all" {
                    p.muted { "What is pending is applied in each database by a run of its own, " (CONCURRENCY) " at a time. A failure in one does not stop the others." }
                    (forms::because(false))
                    label.field {
                        span { "Type " b { (total) } ", the number of databases, to go on" }
                        input type="text" name="count" inputmode="numeric" autocomplete="off" required;
                    }
                    button.primary { "Apply in all " (plural(total as u64, "database")) }
                }
            }
        }
    }
}

/// How far the newest `up` in all databases is, if this process has started one.
pub(super) fn state(call: &Call) -> Markup {
    let Some(progress) = progress(call) else { return html! {} };
    let Progress { total, done, failed } = &progress;
    html! {
        div.panel role="status" {
            p {
                @if progress.has_ended() { "Applied in all databases: " } @else { "Applying in all databases: " }
                b { (done) " of " (total) } " done, " b { (failed.len()) } " failed."
            }
            @if !failed.is_empty() {
                ul {
                    @for (database, reason) in failed.iter().take(SHOWN) {
                        li { a.id href=(View::Overview.url_in(database, &[])) { (visible(database)) } ": " (visible(&call.error_text(reason))) }
                    }
                    @if failed.len() > SHOWN { li { "and " (failed.len() - SHOWN) " more" } }
                }
            }
        }
    }
}

fn progress(call: &Call) -> Option<Progress> {
    call.admin.tenants()?.sweep().progress()
}
