//! The history of one migration.

use maud::{Markup, html};
use mongrate::display::Count;
use mongrate::migrator::HistoryPage;
use mongrate::record::HistoryEntry;

use crate::call::Call;
use crate::page::view::View;
use crate::page::words::{capitalized, elapsed, error, record_badge, time, visible};

pub(super) fn section(call: &Call, id: &str, history: &HistoryPage) -> Markup {
    html! {
        section #executions data-live {
            div.sub {
                h2 { "History" }
                @if history.total > history.entries.len() as u64 {
                    a href=(View::History.url(&call.site, &[("migration", id)])) { "All " (Count(history.total)) }
                }
            }
            @if history.entries.is_empty() {
                p.muted { "It has never run here." }
            } @else {
                div.scroll { (table(call, &history.entries)) }
            }
        }
    }
}

fn table(call: &Call, entries: &[HistoryEntry]) -> Markup {
    html! {
        table {
            thead {
                tr { @for name in ["Act", "Outcome", "When (UTC)", "Took", "By", "Why"] { th scope="col" { (name) } } }
            }
            tbody { @for entry in entries { (row(call, entry)) } }
        }
    }
}

fn row(call: &Call, entry: &HistoryEntry) -> Markup {
    let causes = entry.error_stack.as_deref().unwrap_or_default();
    html! {
        tr {
            td data-name="Act" { (capitalized(&entry.act.to_string().replace('-', " "))) @if let Some(steered) = &entry.steered { ": " (visible(steered)) } }
            td data-name="Outcome" {
                @if let Some(status) = entry.status { (record_badge(status)) }
                @if let Some(message) = &entry.error {
                    (error(call, &format!("error-{}", entry.executed_at.timestamp_millis()), message, causes))
                }
            }
            td data-name="When" { (time(entry.executed_at)) }
            td.line data-name="Took" { @if entry.steered.is_none() { (elapsed(entry.duration())) } }
            td data-name="By" { (visible(entry.by.as_deref().unwrap_or(&entry.host))) }
            td data-name="Why" { @if let Some(because) = &entry.because { (visible(because)) } }
        }
    }
}
