//! The databases of the tenants: how far each is, failed ones first.

mod up_all;

use std::cmp::Reverse;

use axum::response::Response;
use maud::{Markup, html};
use mongrate::display::{Count, plural};
use serde::Deserialize;

pub(crate) use up_all::up_all;

use super::layout::{Layout, live};
use super::view::View;
use super::words::{self, Tone, visible};
use crate::access::Action;
use crate::call::{Call, Query};
use crate::problem::Problem;
use crate::selection::text;
use crate::tenants::{Counts, Page, Tenant, Wanted};

/// The databases of one page.
const ROWS: usize = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Filter {
    #[serde(deserialize_with = "text")]
    q: Option<String>,
    /// `true` for the failed ones alone.
    #[serde(deserialize_with = "text")]
    failed: Option<String>,
    #[serde(deserialize_with = "text")]
    cursor: Option<String>,
}

pub(crate) async fn show(call: Call, Query(filter): Query<Filter>) -> Result<Response, Problem> {
    let tenants = call.tenants()?;
    let wanted = Wanted {
        search: filter.q.as_deref().unwrap_or_default(),
        failed: filter.failed.as_ref().map(|_| true),
        after: filter.cursor.as_deref(),
        limit: ROWS,
    };
    let mut page = tenants.page(&wanted).await?;
    page.tenants.sort_by_key(|tenant| Reverse(tenant.has_failed()));
    let failed = page.tenants.iter().filter(|tenant| tenant.has_failed()).count();
    let title = if failed == 0 { "Tenants".to_owned() } else { format!("{failed} failed: tenants") };
    let body = html! {
        section.head {
            div {
                h1 { "Tenants" }
                p.muted { (plural(page.total as u64, "database")) @if filter.q.is_some() { " with this name" } ". Each is migrated by itself." }
            }
            div.actions { (live()) }
        }
        @if filter.q.is_none() { (up_all::form(&call, page.total)) }
        (filters(&filter))
        div #tenants data-live {
            (up_all::state(&call))
            @if page.tenants.is_empty() { (empty(&filter)) } @else { (table(&call, &page)) }
        }
        (pages(&filter, &page))
    };
    Ok(Layout::of(&call, &title, View::Tenants).answer(&body))
}

fn filters(filter: &Filter) -> Markup {
    html! {
        form.filters action=(View::Tenants.segment()) {
            input #find type="search" name="q" value=[&filter.q] placeholder="Name of a database" aria-label="Name of a database";
            label { input type="checkbox" name="failed" value="true" checked[filter.failed.is_some()]; "Failed only" }
            button { "Filter" }
            @if filter.q.is_some() || filter.failed.is_some() { a href=(View::Tenants.segment()) { "Clear filters" } }
        }
    }
}

fn empty(filter: &Filter) -> Markup {
    html! {
        div.empty {
            @if filter.q.is_some() || filter.failed.is_some() {
                p { "No database matches." }
                p { a href=(View::Tenants.segment()) { "Clear filters" } }
            } @else {
                p { "There are no databases of tenants on this server." }
                p.muted { "The application's filter of databases selects none." }
            }
        }
    }
}

fn table(call: &Call, page: &Page) -> Markup {
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        th scope="col" { "Database" }
                        th scope="col" { "State" }
                        @for name in ["Pending", "Failed", "Manual", "Completed"] { th.num scope="col" { (name) } }
                        th scope="col" { span.hidden { "Act" } }
                    }
                }
                tbody { @for tenant in &page.tenants { (row(call, tenant)) } }
            }
        }
    }
}

fn row(call: &Call, tenant: &Tenant) -> Markup {
    let (tone, word) = state(tenant);
    let runs = tenant.counts.as_ref().is_some_and(|counts| counts.pending > 0) && call.allowed.may(Action::Up);
    html! {
        tr {
            td data-name="Database" { a.id href=(View::Overview.url_in(&tenant.database, &[])) { (visible(&tenant.database)) } }
            td data-name="State" {
                (words::badge(tone, word))
                @if let Some(error) = &tenant.error { p.needs { (visible(&call.error_text(error))) } }
            }
            @for (name, count) in columns(tenant.counts.as_ref()) {
                td.num data-name=(name) { @if let Some(count) = count { (Count(count as u64).to_string()) } }
            }
            td { @if runs { a href=(View::Plan.url_in(&tenant.database, &[])) { "Run…" } } }
        }
    }
}

fn columns(counts: Option<&Counts>) -> [(&'static str, Option<usize>); 4] {
    [
        ("Pending", counts.map(|counts| counts.pending)),
        ("Failed", counts.map(|counts| counts.failed)),
        ("Manual", counts.map(|counts| counts.manual)),
        ("Completed", counts.map(|counts| counts.completed)),
    ]
}

fn state(tenant: &Tenant) -> (Tone, &'static str) {
    match &tenant.counts {
        None => (Tone::Bad, "not readable"),
        Some(counts) if counts.is_running => (Tone::Busy, "running"),
        Some(counts) if counts.failed > 0 => (Tone::Bad, "failed"),
        Some(counts) if counts.pending > 0 => (Tone::Calm, "pending"),
        Some(_) => (Tone::Good, "up to date"),
    }
}

fn pages(filter: &Filter, page: &Page) -> Markup {
    html! {
        @if let Some(next) = &page.next {
            @let q = filter.q.as_deref().map(|q| ("q", q));
            @let failed = filter.failed.as_deref().map(|failed| ("failed", failed));
            @let query = [q, failed, Some(("cursor", next.as_str()))].into_iter().flatten();
            nav.actions aria-label="Pages" {
                a.button href=(View::Tenants.address(query)) { "More databases" }
            }
        }
    }
}
