//! How far a backfill has come.

use maud::{Markup, html};
use mongrate::display::{Count, plural};
use mongrate::migrator::BackfillStatus;

use super::words::{self, ago, visible};
use crate::call::Call;

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
                (Count(backfill.done)) " of " (plural(backfill.ranges, "range")) " done"
            }
            p.needs { "Started " (ago(backfill.started)) ". " (workers(backfill)) }
            @if let Some(failure) = backfill.failure.as_ref().filter(|_| with_failure) {
                (words::error(call, &format!("failure-{}", backfill.id), failure, &[]))
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
