//! The newest executions. They are read from the records, which are known already; the history is a view of its own.

use maud::{Markup, html};
use mongrate::record::{Record, RecordStatus};
use mongrate::status::Status;

use crate::call::Call;
use crate::page::view::View;
use crate::page::words::{Tone, badge, elapsed, id, record_badge, time, visible};

const ROWS: usize = 10;

/// A record that is still running belongs to an execution that was interrupted, unless somebody is migrating.
fn outcome(status: &Status, record: &Record) -> Markup {
    if record.status == RecordStatus::Running && record.underway {
        return badge(Tone::Busy, "underway");
    }
    if record.canceled {
        return badge(Tone::Calm, "canceled");
    }
    if record.status == RecordStatus::Running && !status.is_migrating() {
        return badge(Tone::Busy, "interrupted");
    }
    record_badge(record.status)
}

pub(super) fn table(call: &Call, status: &Status) -> Markup {
    let mut records: Vec<_> = status.iter().filter_map(|standing| standing.record).chain(status.orphans()).collect();
    records.sort_by_key(|record| std::cmp::Reverse(record.reverted_at.unwrap_or(record.executed_at)));
    html! {
        section #recent data-live {
            @if !records.is_empty() {
                div.sub { h2 { "Latest executions" } a href=(View::History.url(&call.site, &[])) { "History" } }
                div.scroll {
                    table {
                        thead { tr { th scope="col" { "Migration" } th scope="col" { "Outcome" } th scope="col" { "When (UTC)" } th.num scope="col" { "Took" } th scope="col" { "By" } } }
                        tbody {
                            @for record in records.iter().take(ROWS) {
                                tr {
                                    td { (id(&call.site, &record.id)) }
                                    td { (outcome(status, record)) }
                                    td data-name="When" { (time(record.reverted_at.unwrap_or(record.executed_at))) }
                                    td.num data-name="Took" { @if !(record.underway || record.canceled) { (elapsed(record.duration())) } }
                                    td data-name="By" { (visible(record.reverted_by.as_ref().or(record.applied_by.as_ref()).unwrap_or(&record.host))) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
