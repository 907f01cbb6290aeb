//! How a run ended, and what to do next.

use maud::{Markup, html};

use super::super::view::View;
use super::super::words::{self, visible};
use super::super::{found, plan};
use crate::access::Action;
use crate::call::Call;
use crate::runs::{RunState, RunView};
use crate::selection::Selection;

/// The end of a run in words. Nothing while it runs.
pub(super) fn words(call: &Call, run: &RunView) -> Markup {
    if run.is_live() {
        return html! {};
    }
    html! {
        div.stack {
            @match run.state {
                RunState::Lost => (lost(call)),
                RunState::Failed => (failed(call, run)),
                RunState::Stopped => {
                    p.alert.run { strong { "Stopped. " } "What it had applied stays applied. The rest is pending, and the next run goes on there." }
                }
                _ => (ended(run)),
            }
            (not_all_done(run))
            (warnings(call, run))
            @if let (true, Some(report)) = (run.dry_run && call.allowed.may(Action::DryRun), &run.report) {
                (found::steps(&call.site, report))
            }
            (next(call, run))
        }
    }
}

fn ended(run: &RunView) -> Markup {
    html! {
        @match &run.report {
            Some(report) => p.alert { strong { "Ended. " } (visible(&report.summary().to_string())) },
            None => p.alert { strong { "Ended. " } "Every step that it began succeeded." },
        }
    }
}

/// How far a run came that did not do everything.
fn not_all_done(run: &RunView) -> Markup {
    let report = run.report.as_ref().filter(|_| !run.dry_run && run.state != RunState::Ended);
    html! { @if let Some(report) = report { p.muted { (visible(&report.summary().to_string())) } } }
}

fn failed(call: &Call, run: &RunView) -> Markup {
    let error = run.error.clone().map(|error| call.problem(error));
    html! {
        @if let Some(error) = &error {
            div.alert.bad {
                strong { "Failed. " } (words::prose(&words::sentence(&error.detail)))
                @if let Some(help) = &error.help { p { (words::prose(&words::sentence(help))) } }
            }
            @if !error.causes.is_empty() {
                details.error #run-error {
                    summary { "Causes" }
                    pre { @for cause in &error.causes { (visible(cause)) "\n" } }
                }
            }
        } @else {
            p.alert.bad { strong { "Failed. " } "The failed step below has the error." }
        }
    }
}

/// Explains the end of a run that could not report it.
fn lost(call: &Call) -> Markup {
    html! {
        div.alert.bad {
            strong { "Lost. " }
            "Its process died, was cut off from the database, or was fenced off by a forced release of the lock. "
            "What was recorded stays, and the server rolls back an open transaction. The next run takes over: it resumes an interrupted "
            code { "&mut Schema" } " migration, and repeats an interrupted " code { "&Database" } " migration."
            p { "Without transactions, on a standalone server, a migration may be partially applied. It then waits until it is run by name or marked." }
            p { a href=(View::Lock.url(&call.site, &[])) { "See the lock" } }
        }
    }
}

fn warnings(call: &Call, run: &RunView) -> Markup {
    let warnings = run.report.iter().flat_map(|report| report.warnings());
    html! { @for warning in warnings { p.alert.run { strong { "Warning. " } (visible(&words::sentence(&call.error_text(warning)))) } } }
}

fn next(call: &Call, run: &RunView) -> Markup {
    let action = match run.state {
        RunState::Ended if !run.dry_run => None,
        RunState::Failed if !run.dry_run => Some("Fix the cause, then plan again"),
        _ => Some("Plan again"),
    };
    html! {
        p.actions {
            @if let Some(action) = action {
                a.button href=(plan_of(call, run)) { (action) "…" }
            }
            a.button href=(View::Overview.url(&call.site, &[])) { "Overview" }
            a.button href=(View::History.url(&call.site, &[])) { "History" }
        }
    }
}

/// The plan that selects the same, as far as it is known here.
fn plan_of(call: &Call, run: &RunView) -> String {
    if let Some(run) = call.site.runs().local(run.id) {
        return plan::address(call, run.selection());
    }
    plan::address(call, &Selection { verb: run.verb.unwrap_or_default(), ..Selection::default() })
}
