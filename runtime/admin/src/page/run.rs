//! A run: who, why and where, what it has done, and how it ended.

mod end;

use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use mongrate::display::plural;
use mongrate::lock::StopRequest;
use mongrate::migration::Direction;
use serde::Deserialize;

use super::layout::{Layout, crumb, live};
use super::view::View;
use super::words::{self, Tone, visible};
use super::{forms, redirect};
use crate::access::Action;
use crate::call::{Call, Query};
use crate::problem::Problem;
use crate::runs::{self, Done, RunId, RunState, RunView};

const CLOSE: &str = "You may close this tab; the run goes on.";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    id: String,
}

pub(crate) async fn show(call: Call, Query(Asked { id }): Query<Asked>) -> Result<Response, Problem> {
    let asked: RunId = id.parse().map_err(|()| runs::unknown(&id))?;
    let run = call.site.runs().find(asked).await?.ok_or_else(|| runs::unknown(asked))?;
    if run.id != asked {
        let id = run.id.to_string();
        return Ok(redirect(&View::Run.url(&call.site, &[("id", &id)])).into_response());
    }
    let stop_requested = stop_requested(&call, &run).await?;
    let name = name(&run);
    let state = if stop_requested.is_some() { "stopping" } else { word(run.state) };
    let body = html! {
        (crumb(&call, &name))
        section.head {
            div #run-title data-live {
                h1 { (name) " " (words::badge(tone(run.state), state)) }
                p.muted { (origin(&call, &run)) }
                span.hidden data-say { (said(&name, &run)) }
            }
            div.actions { (live()) }
        }
        div #run .stack data-live {
            (end::words(&call, &run))
            @if let Some(request) = &stop_requested { (stopping(request)) }
            div.panel { (progress(&run, stop_requested.is_none())) (steps(&call, &run)) }
        }
        div #run-stop data-live { @if run.is_live() && stop_requested.is_none() { (stop(&call, &run)) } }
    };
    Ok(Layout::of(&call, &format!("{state}: {name}"), None).answer(&body))
}

fn name(run: &RunView) -> String {
    match run.id {
        RunId::Token(token) => format!("Run {token}"),
        RunId::Dry(_) => format!("Dry run {}", run.id),
        RunId::Waiting(_) => format!("Run {}", run.id),
    }
}

/// The request to stop a run that has not obeyed it yet.
async fn stop_requested(call: &Call, run: &RunView) -> Result<Option<StopRequest>, Problem> {
    let RunId::Token(token) = run.id else { return Ok(None) };
    if !run.is_live() {
        return Ok(None);
    }
    let lock = call.migrator().lock_status().await?;
    Ok(lock.stop_requested.filter(|_| lock.token == token))
}

fn stopping(request: &StopRequest) -> Markup {
    html! {
        p.alert.run {
            strong { "Stopping. " } (visible(&words::sentence(&request.to_string())))
            " The run obeys at the next heartbeat of its process, after its current call to the database."
        }
    }
}

/// The sentence for a screen reader.
fn said(name: &str, run: &RunView) -> String {
    let done = succeeded(run);
    let of = run.planned.as_ref().map(|planned| format!(" of {}", planned.len())).unwrap_or_default();
    format!("{name}: {}, {done}{of} done", word(run.state))
}

/// How many steps have done what they should.
fn succeeded(run: &RunView) -> usize {
    run.done.iter().flatten().filter(|step| !matches!(step.outcome, "failed" | "stopped" | "underway")).count()
}

fn word(state: RunState) -> &'static str {
    match state {
        RunState::Running => "running",
        RunState::Waiting => "waiting",
        RunState::Ended => "ended",
        RunState::Failed => "failed",
        RunState::Stopped => "stopped",
        RunState::Lost => "lost",
    }
}

fn tone(state: RunState) -> Tone {
    match state {
        RunState::Ended => Tone::Good,
        RunState::Failed | RunState::Lost => Tone::Bad,
        RunState::Running | RunState::Waiting | RunState::Stopped => Tone::Busy,
    }
}

/// Who, why, since when and where.
fn origin(call: &Call, run: &RunView) -> Markup {
    let is_waiting = run.state == RunState::Waiting;
    html! {
        @match run.verb { Some(Direction::Up) => "Up", Some(Direction::Down) => "Down", None => "Run" }
        @if let Some(by) = &run.by { " by " (visible(by)) }
        @if let Some(because) = &run.because { ", " q { (visible(because)) } }
        @if let Some(holder) = &run.holder {
            @if is_waiting { "; waits for " } @else {
                @if let Some(since) = &holder.since { ", started " (words::iso_time(since)) }
                " on "
            }
            (visible(&holder.host)) "/" (holder.pid)
            @if !is_waiting { (where_from(call, &holder.host, holder.pid)) }
        }
    }
}

fn where_from(call: &Call, host: &str, pid: i64) -> &'static str {
    let is_here = call.admin.process().starts_with(&format!("{host}/{pid}"));
    if is_here { " (the process that answered)" } else { " (another process)" }
}

/// `goes_on` is whether nobody has asked it to stop.
fn progress(run: &RunView, goes_on: bool) -> Markup {
    let done = succeeded(run);
    html! {
        @match (&run.planned, run.is_live()) {
            (Some(planned), _) => {
                progress max=(planned.len().max(1)) value=(done) aria-label="Steps done" {}
                p.needs { (done) " of " (planned.len()) " done. " @if run.is_live() && goes_on { (CLOSE) } }
            }
            (None, true) if run.dry_run => p.needs { "The bodies run now, and everything is taken back at the end." },
            (None, true) if run.state == RunState::Waiting => {
                p.needs { "It begins once the lock is free. Nothing has been changed. You may close this tab." }
            }
            (None, true) => {
                p.needs { (plural(done as u64, "step")) " recorded so far. " @if goes_on { (CLOSE) } }
            }
            (None, false) => p.needs { (plural(done as u64, "step")) " recorded." },
        }
    }
}

fn steps(call: &Call, run: &RunView) -> Markup {
    let none = Vec::new();
    let done = run.done.as_ref().unwrap_or(&none);
    let is_started = |id: &String| done.iter().any(|step| step.id == *id) || run.current.as_ref() == Some(id);
    let left = run.planned.iter().flatten().filter(|id| !is_started(id));
    if done.is_empty() && run.current.is_none() && run.planned.is_none() {
        return html! {};
    }
    html! {
        ul.done {
            @for (index, step) in done.iter().enumerate() { (done_step(call, index, step)) }
            @if let (Some(id), true) = (&run.current, run.is_live()) {
                li {
                    (words::badge(Tone::Busy, "running"))
                    div {
                        (words::id(&call.site, id))
                        @for operation in run.operations.iter().rev().take(5).rev() { p.needs { (visible(operation)) } }
                    }
                }
            }
            @for id in left {
                li { (words::badge(Tone::Calm, if run.is_live() { "next" } else { "not run" })) div { (words::id(&call.site, id)) } }
            }
        }
    }
}

fn done_step(call: &Call, index: usize, step: &Done) -> Markup {
    let tone = match step.outcome {
        "failed" => Tone::Bad,
        "stopped" | "underway" => Tone::Busy,
        _ => Tone::Good,
    };
    html! {
        li {
            (words::badge(tone, step.outcome))
            div {
                (words::id(&call.site, &step.id)) " "
                @if let Some(millis) = step.duration_ms.filter(|millis| *millis > 0) { span.needs { (words::millis(millis)) } }
                @if let Some(message) = &step.message { (words::error(call, &format!("step-{index}"), message, &[])) }
            }
        }
    }
}

/// The form that stops it, behind a second click.
fn stop(call: &Call, run: &RunView) -> Markup {
    html! {
        @if call.allowed.may(Action::Stop) {
            details.panel #stop {
                summary { "Stop…" }
                form.fields method="post" action=(forms::address(&call.site, "stop")) {
                    input type="hidden" name="id" value=(run.id);
                    p.muted {
                        "It ends after the current call to the database. An open transaction is rolled back; what is applied stays applied. \
                        A run of another process obeys at its next heartbeat."
                    }
                    (forms::because(false))
                    div.actions.end { button.danger { "Stop this run" } }
                }
            }
        }
    }
}
