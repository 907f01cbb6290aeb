//! The migrations, grouped by source.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use maud::{Markup, html};
use mongrate::Source;
use mongrate::display::Count;
use mongrate::migration::State;
use mongrate::migrator::BackfillStatus;
use mongrate::status::{Standing, Status};

use crate::access::Action;
use crate::call::Call;
use crate::filter::{Filter, waits_for_a_run};
use crate::page::backfill;
use crate::page::view::View;
use crate::page::words::{Tone, ago, badge, causes, chip, elapsed, error, id, kind, standing_badge, visible};
use crate::site::Seen;

/// How many completed migrations of a source are shown at first.
const NEWEST: usize = 50;

/// How many rows a filter shows on one page.
const PAGE: usize = 1_000;

/// Each source with its migrations. Without a filter, completed ones are folded.
pub(super) fn groups(call: &Call, seen: &Seen, filter: &Filter, can_act: bool) -> Markup {
    let status = &*seen.status;
    let row = Row { call, status, backfills: &seen.backfills, can_act };
    let mut groups: BTreeMap<Source<'static>, Vec<Standing<'_>>> = BTreeMap::new();
    for standing in status.iter().filter(|standing| filter.selects(standing)) {
        groups.entry(standing.migration.source()).or_default().push(standing);
    }
    if filter.selects_all() {
        return html! { @for (source, standings) in groups { (folded(&row, source, standings)) } };
    }
    let count = groups.values().map(Vec::len).sum::<usize>();
    let begin = (filter.page.max(1) - 1).saturating_mul(PAGE);
    let mut position = 0..;
    html! {
        @if count == 0 { (no_match(call)) }
        @for (source, standings) in groups {
            @let found = standings.len();
            @let shown = standings.into_iter().filter(|_| position.next().is_some_and(|at| (begin..begin + PAGE).contains(&at)));
            @let shown: Vec<_> = shown.collect();
            @if !shown.is_empty() {
                details.group open id=(format!("source-{source}")) {
                    summary { h2 { (source) } span.muted { (Count(found as u64)) " found" } }
                    ul.rows { @for standing in &shown { (row.of(standing)) } }
                }
            }
        }
        @if begin + PAGE < count { p { a href=(page_after(call, filter)) { "Next " (PAGE) } } }
    }
}

fn folded(row: &Row<'_>, source: Source<'static>, standings: Vec<Standing<'_>>) -> Markup {
    let (mut completed, open): (Vec<_>, Vec<_>) =
        standings.into_iter().partition(|standing| standing.label() == "completed" && !standing.has_drifted());
    completed.sort_by_key(|standing| Reverse(standing.record.map(|record| record.executed_at)));
    let source = source.to_string();
    let all = View::Overview.url(&row.call.site, &[("source", &source), ("state", "completed")]);
    html! {
        details.group open[!open.iter().all(is_excluded)] id=(format!("source-{source}")) {
            summary { h2 { (source) } span.muted { (summary(&open)) } }
            ul.rows { @for standing in &open { (row.of(standing)) } }
            @if !completed.is_empty() {
                details.completed id=(format!("completed-{source}")) {
                    summary { (Count(completed.len() as u64)) " completed" }
                    ul.rows { @for standing in completed.iter().take(NEWEST) { (row.of(standing)) } }
                    @if completed.len() > NEWEST { p.more { a href=(all) { "All " (Count(completed.len() as u64)) " completed" } } }
                }
            }
        }
    }
}

fn summary(open: &[Standing<'_>]) -> String {
    let count = |is: &dyn Fn(&&Standing<'_>) -> bool| open.iter().filter(|standing| is(standing)).count();
    let is_canceled = |standing: &&Standing<'_>| standing.state == State::Canceled;
    let pending = count(&|standing| waits_for_a_run(standing) && !is_canceled(standing));
    let pending =
        if pending == 0 { "nothing pending".to_owned() } else { format!("{} pending", Count(pending as u64)) };
    let others = [
        (count(&|standing| standing.state == State::Underway), "underway"),
        (count(&is_canceled), "canceled"),
        (count(&|standing| standing.has_drifted()), "changed"),
        (count(&|one| is_excluded(one)), "excluded"),
    ];
    let others = others.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    [pending].into_iter().chain(others).collect::<Vec<_>>().join(", ")
}

fn is_excluded(standing: &Standing<'_>) -> bool {
    standing.state == State::Excluded
}

/// The address of the next page.
fn page_after(call: &Call, filter: &Filter) -> String {
    let page = (filter.page.max(1) + 1).to_string();
    let texts = [("q", &*filter.q), ("source", &filter.source), ("state", &filter.state), ("page", &page)];
    let flags = [("isolated", filter.isolated), ("drifted", filter.drifted)];
    let flags = flags.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| (name, "true"));
    let query: Vec<_> = texts.into_iter().filter(|(_, text)| !text.is_empty()).chain(flags).collect();
    View::Overview.url(&call.site, &query)
}

fn no_match(call: &Call) -> Markup {
    html! {
        div.empty {
            h2 { "No migration matches" }
            p { a href=(View::Overview.url(&call.site, &[])) { "Clear the filters" } }
        }
    }
}

/// Draws rows.
struct Row<'a> {
    call: &'a Call,
    status: &'a Status,
    backfills: &'a [BackfillStatus],
    can_act: bool,
}

impl Row<'_> {
    /// Whether the holder of the lease runs it now. In a transaction, its record does not say so yet.
    fn is_current(&self, id: &str) -> bool {
        self.status.holder().is_some_and(|holder| !holder.expired && holder.current.as_deref() == Some(id))
    }

    fn of(&self, standing: &Standing<'_>) -> Markup {
        let (migration, site) = (standing.migration, &self.call.site);
        let name = migration.id();
        let can_run =
            self.can_act && waits_for_a_run(standing) && !standing.is_running && self.call.allowed.may(Action::Up);
        html! {
            li {
                @if self.is_current(name) { (badge(Tone::Busy, "running")) } @else { (standing_badge(standing)) }
                div.what {
                    (id(site, name))
                    @let summary = migration.summary();
                    @if !summary.is_empty() { p { (visible(&summary)) } }
                    @if !migration.dependencies().is_empty() {
                        p.needs { "needs" @for needed in migration.dependencies() { " " (chip(site, self.status, needed)) } }
                    }
                    @let message = standing.record.and_then(|record| record.error.as_deref());
                    @if let Some(backfill) = self.backfills.iter().find(|backfill| backfill.id == name) {
                        (backfill::progress(self.call, backfill, message.is_none()))
                    }
                    @if let Some(message) = message {
                        (error(self.call, &format!("error-{name}"), message, causes(standing)))
                    }
                }
                (meta(standing))
                @if can_run {
                    a.button.act href=(View::Plan.url(site, &[("verb", "up"), ("only", name)])) data-dialog
                        aria-label=(format!("Run {name}…")) { "Run…" }
                }
            }
        }
    }
}

fn meta(standing: &Standing<'_>) -> Markup {
    html! {
        div.meta {
            span { (kind(standing.migration)) @if standing.migration.is_manual() { ", manual" } }
            @if let Some(record) = standing.record {
                span {
                    (ago(record.executed_at))
                    @if record.batch == 0 { ", marked" } @else if !(standing.is_running || record.underway || record.canceled) { ", " (elapsed(record.duration())) }
                }
            }
        }
    }
}
