//! How far a backfill has come.

use maud::{Markup, html};
use mongrate::display::{Count, plural};
use mongrate::migrator::{BackfillPart, BackfillStatus, PartState, SkippedDocument};

use super::forms::{address, because};
use super::words::{self, ago, time, visible};
use crate::call::Call;

/// How many skipped documents are shown.
const SHOWN: usize = 50;

/// How many processes are named.
const NAMED: usize = 5;

/// A bar with its text. `with_failure` is whether nothing else on the page shows the failure.
pub(super) fn progress(call: &Call, backfill: &BackfillStatus, with_failure: bool) -> Markup {
    let percent = format!("{:.1}", backfill.percent());
    let documents = backfill.documents.max(backfill.scanned);
    html! {
        div.backfill {
            progress max="100" value=(percent) aria-label=(format!("Progress of {}", backfill.id)) {}
            p.needs {
                (percent) " %: " (Count(backfill.scanned)) " of about " (plural(documents, "document")) " of "
                code { (visible(&backfill.collection)) } ", " (Count(backfill.changed)) " changed, "
                @if backfill.skipped > 0 { strong { (Count(backfill.skipped)) " skipped" } ", " }
                (Count(backfill.done)) " of " (plural(backfill.ranges, "range")) " done"
                @if let Some(sweep) = backfill.sweep() { ", " (sweep) }
            }
            p.needs {
                "Started " (ago(backfill.started)) ". "
                @if let Some(pause) = &backfill.paused {
                    (words::badge(words::Tone::Busy, "paused")) " " (ago(pause.at))
                    @if let Some(by) = &pause.by { " by " (visible(by)) }
                    @if let Some(because) = &pause.because { " " q { (visible(because)) } }
                    ". "
                }
                @if backfill.paused.is_none() || !backfill.workers.is_empty() { (workers(backfill)) }
                @if let Some(throttle) = &backfill.throttled {
                    " " (words::badge(words::Tone::Busy, throttle.label())) " " (visible(&throttle.reason)) "."
                }
                @if let Some(speed) = backfill.speed() { " " (speed) "." }
                @if let Some(tuned) = backfill.tuned() { " Set in place of the code's: " (tuned) "." }
            }
            @if let Some(failure) = backfill.failure.as_ref().filter(|_| with_failure) {
                (words::error(call, &format!("failure-{}", backfill.id), failure, &[]))
            }
        }
    }
}

/// A strip of its ranges in the order of `_id`.
pub(super) fn strip(backfill: &BackfillStatus) -> Markup {
    let number = |state| backfill.parts.iter().filter(|part| part.state == state).count();
    let label = [PartState::Done, PartState::Claimed, PartState::Open, PartState::Failed]
        .map(|state| (number(state), face(state).1))
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, label)| format!("{number} {label}"))
        .collect::<Vec<_>>()
        .join(", ");
    html! {
        @if backfill.parts.len() > 1 {
            div.strip aria-hidden="true" {
                @for (n, BackfillPart { state, scanned, .. }) in (1..).zip(&backfill.parts) {
                    @let (class, label) = face(*state);
                    span class=(class) title=(format!("Range {n}: {label}, {} passed", plural(*scanned, "document"))) {}
                }
            }
            p.needs { "Its ranges, by _id: " (label) "." }
        }
    }
}

/// The class and the name of a state.
fn face(state: PartState) -> (&'static str, &'static str) {
    match state {
        PartState::Done => ("whole", "done"),
        PartState::Claimed => ("claimed", "worked on"),
        PartState::Failed => ("broken", "failed"),
        _ => ("", "open"),
    }
}

/// The documents that were skipped.
pub(super) fn skipped(call: &Call, documents: &[SkippedDocument]) -> Markup {
    html! {
        @if !documents.is_empty() {
            section.panel {
                h2 { "Skipped" }
                p.muted { "Their change failed. Correct or delete them: the next run tries them again." }
                div.scroll {
                    table {
                        thead { tr { @for name in ["_id", "When (UTC)", "Error"] { th scope="col" { (name) } } } }
                        tbody {
                            @for document in documents.iter().take(SHOWN) {
                                tr {
                                    td data-name="_id" { code { (visible(&document.id.to_string())) } }
                                    td data-name="When" { (time(document.at)) }
                                    td data-name="Error" { (visible(&call.error_text(&document.message))) }
                                }
                            }
                        }
                    }
                }
                @if documents.len() > SHOWN { p.muted { "And " (documents.len() - SHOWN) " more." } }
            }
        }
    }
}

/// The forms that pause, resume and tune it.
pub(super) fn forms(call: &Call, backfill: &BackfillStatus) -> Markup {
    let (is_paused, tuning) = (backfill.paused.is_some(), &backfill.tuning);
    let (verb, effect) = if is_paused {
        ("Resume", "The processes that serve go on with it within seconds.")
    } else {
        ("Pause", "Nobody works on it, whatever is deployed or restarted, until it is resumed.")
    };
    html! {
        section.changes {
            details.group id="pause" {
                summary { (verb) "… " span.muted { (effect) } }
                form.fold method="post" action=(address(&call.site, "steer")) {
                    input type="hidden" name="id" value=(backfill.id);
                    input type="hidden" name="paused" value=(!is_paused);
                    (because(false))
                    div.actions { button { (verb) } }
                }
            }
            details.group id="tune" {
                summary { "Change its pace… " span.muted { "An empty field is as in the code." } }
                form.fold method="post" action=(address(&call.site, "steer")) {
                    input type="hidden" name="id" value=(backfill.id);
                    label.field {
                        span { "Workers " em { "batches at the same time, in all processes together" } }
                        input type="number" name="workers" min="1" value=[tuning.workers];
                    }
                    label.field {
                        span { "Pace " em { "full, polite (rests after each batch as long as it took), or documents per second" } }
                        input type="text" name="pace" pattern="full|polite|[1-9][0-9]*" autocapitalize="off"
                            value=[tuning.pace.map(|pace| pace.to_string())];
                    }
                    label.field {
                        span { "Largest lag, in ms " em { "from it on no batch starts, from half of it on the work is slowed" } }
                        input type="number" name="maxLagMs" min="1000" max="3600000" value=[tuning.max_lag.map(|lag| lag.as_millis())];
                    }
                    label.field {
                        span { "Time of a batch, in ms " em { "the application waits for so long to write to one of its documents" } }
                        input type="number" name="batchMs" min="10" max="10000" value=[tuning.batch_time.map(|time| time.as_millis())];
                    }
                    (because(false))
                    div.actions { button { "Change" } }
                }
            }
        }
    }
}

/// The processes that work on it.
fn workers(backfill: &BackfillStatus) -> Markup {
    let workers = &backfill.workers;
    html! {
        @if workers.is_empty() {
            "Nobody is working on it."
        } @else {
            "Worked on by "
            @for (index, worker) in workers.iter().take(NAMED).enumerate() {
                @if index > 0 { ", " }
                (visible(&worker.host)) "/" (worker.pid) " (" (plural(worker.ranges, "range")) ")"
            }
            @if workers.len() > NAMED { " and " (workers.len() - NAMED) " more" }
            "."
        }
    }
}
