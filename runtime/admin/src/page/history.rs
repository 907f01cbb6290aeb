//! The history: filters, a page of entries, and a link to older ones.

mod filter;

use axum::response::Response;
use maud::{Markup, html};
use mongrate::display::{Count, plural};
use mongrate::migrator::HistoryPage;
use mongrate::record::{Act, HistoryEntry, RecordStatus};

use self::filter::{Filter, STATUSES};
use super::forms;
use super::layout::{Layout, live};
use super::view::View;
use super::words::{self, visible};
use crate::access::Action;
use crate::call::{Call, Query};
use crate::problem::Problem;
use crate::site::Site;

pub(crate) async fn show(call: Call, Query(filter): Query<Filter>) -> Result<Response, Problem> {
    let site = &call.site;
    let page = filter.query(call.migrator()).await?;
    let body = html! {
        section.head {
            div { h1 { "History" } p.muted { (subtitle(&page, &filter)) } }
            div.actions {
                (live())
                @if call.allowed.may(Action::Down) {
                    a.button href=(View::Plan.url(site, &[("verb", "down"), ("batch", "true")])) data-dialog { "Revert the last run…" }
                }
            }
        }
        (filters(&call, &filter))
        div #entries data-live {
            @if page.entries.is_empty() { (empty(site, &filter)) } @else { (table(&call, &page)) }
        }
        (pages(site, &filter, &page))
    };
    let title = if filter.is_empty() { "History" } else { "History, filtered" };
    Ok(Layout::of(&call, title, View::History).answer(&body))
}

fn subtitle(page: &HistoryPage, filter: &Filter) -> Markup {
    let entries = if page.total == 1 { "entry" } else { "entries" };
    html! {
        (Count(page.total).to_string()) " " (entries)
        @if filter.is_empty() { ". Executions and manual changes, newest first." } @else { (if page.total == 1 { " matches" } else { " match" }) ". Newest first." }
    }
}

fn filters(call: &Call, filter: &Filter) -> Markup {
    let (sources, acts) = (sources(call), filter::acts().collect::<Vec<_>>());
    html! {
        form.filters action=(View::History.segment()) {
            @if let Some(database) = call.site.tenant() { input type="hidden" name="database" value=(database); }
            input #find type="search" name="migration" value=[&filter.migration] placeholder="Id of a migration" aria-label="Migration";
            (forms::choice("status", "Any result", STATUSES, filter.status.as_deref()))
            (forms::choice("act", "Any act", acts.iter().map(|(value, word)| (value.as_str(), *word)), filter.act.as_deref()))
            (forms::choice("source", "Any source", sources.iter().map(|name| (name.as_str(), name.as_str())), filter.source.as_deref()))
            input type="text" name="by" value=[&filter.by] placeholder="By" aria-label="By" size="12";
            label { "From" input type="date" name="since" value=[&filter.since]; }
            label { "until" input type="date" name="until" value=[&filter.until]; }
            button { "Filter" }
            @if !filter.is_empty() { a href=(View::History.url(&call.site, &[])) { "Clear filters" } }
        }
    }
}

/// The names of the sources of all migrations, in order.
fn sources(call: &Call) -> Vec<String> {
    let mut names: Vec<_> = call.migrator().registry().iter().map(|migration| migration.source().to_string()).collect();
    names.dedup();
    names
}

fn empty(site: &Site, filter: &Filter) -> Markup {
    html! {
        div.empty {
            @if filter.is_empty() {
                p { "Nothing has happened yet." }
                p.muted { "Every execution and every manual change is recorded here." }
            } @else {
                p { "No entry matches." }
                p { a href=(View::History.url(site, &[])) { "Clear filters" } }
            }
        }
    }
}

fn table(call: &Call, page: &HistoryPage) -> Markup {
    html! {
        div.scroll {
            table.history {
                thead {
                    tr { @for name in ["When (UTC)", "What", "Migration", "Took", "By", "On"] { th scope="col" { (name) } } }
                }
                tbody { @for entry in &page.entries { (row(call, entry)) } }
            }
        }
    }
}

fn row(call: &Call, entry: &HistoryEntry) -> Markup {
    let site = &call.site;
    let key = entry.cursor().map_or_else(String::new, |cursor| format!("error-{cursor}"));
    html! {
        tr {
            td data-name="When" { (words::time(entry.executed_at)) }
            td data-name="What" { (what(entry)) }
            td data-name="Migration" {
                @if let Some(id) = &entry.migration_id { (words::id(site, id)) }
                @if entry.act == Act::Run { (run(site, entry)) }
                @if let Some(holder) = &entry.holder { span.muted { "held by " (visible(&holder.host)) "/" (holder.pid) } }
                @if let Some(error) = &entry.error {
                    (words::error(call, &key, error, entry.error_stack.as_deref().unwrap_or_default()))
                }
            }
            td.line data-name="Took" { @if entry.execution_duration > 0 { (words::elapsed(entry.duration())) } }
            td data-name="By" {
                @if let Some(by) = &entry.by { (visible(by)) }
                @if let Some(because) = &entry.because { " " q { (visible(because)) } }
            }
            td data-name="On" {
                span.line { (visible(&entry.host)) "/" (entry.pid) }
                @if entry.token > 0 && entry.act != Act::Run { " " span.line { (run(site, entry)) } }
            }
        }
    }
}

fn run(site: &Site, entry: &HistoryEntry) -> Markup {
    let token = entry.token.to_string();
    html! { a href=(View::Run.url(site, &[("id", &token)])) { "run " (token) } }
}

/// The act, and how it ended if that does not follow from it.
fn what(entry: &HistoryEntry) -> Markup {
    let act = filter::name(entry.act);
    let status = entry.status.filter(|_| matches!(entry.act, Act::Up | Act::Down | Act::Verify | Act::Run));
    html! {
        (act) @if let Some(steered) = &entry.steered { ": " (visible(steered)) }
        @if let Some(status) = status { " " (result(status)) }
    }
}

fn result(status: RecordStatus) -> Markup {
    // A record that is still running belongs to an execution that was interrupted.
    if status == RecordStatus::Running {
        words::badge(words::Tone::Busy, "interrupted")
    } else {
        words::record_badge(status)
    }
}

fn pages(site: &Site, filter: &Filter, page: &HistoryPage) -> Markup {
    let shown = plural(page.entries.len() as u64, "row");
    html! {
        @if page.next.is_some() || filter.cursor.is_some() {
            nav.actions aria-label="Pages" {
                @if filter.cursor.is_some() { a.button href=(View::History.url(site, &filter.pairs(None))) { "Newest" } }
                @if let Some(next) = page.next {
                    a.button href=(View::History.url(site, &filter.pairs(Some(&next.to_string())))) { "Load older" }
                }
                span.muted { (shown) " shown" }
            }
        }
    }
}
