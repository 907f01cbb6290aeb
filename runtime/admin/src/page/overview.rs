//! The overview: counts, and every migration with its state.

mod list;
mod recent;

use axum::response::Response;
use maud::{Markup, html};
use mongrate::display::{Count, plural};
use mongrate::migration::State;
use mongrate::status::{Standing, Status};

use super::banners::banners;
use super::last_seen::{in_time, last_seen};
use super::layout::{Layout, live};
use super::view::View;
use super::words::{Tone, ago, badge, capitalized, visible};
use crate::access::Action;
use crate::call::{Call, Query};
use crate::filter::{Filter, waits_for_a_run};
use crate::problem::Problem;
use crate::site::Seen;

/// The counts of a status.
struct Counts {
    pending: usize,
    underway: usize,
    failed: usize,
    completed: usize,
    manual: usize,
    canceled: usize,
    changed: usize,
}

pub(crate) async fn show(call: Call, Query(filter): Query<Filter>) -> Result<Response, Problem> {
    let site = call.site.clone();
    match in_time(&call, async move { site.status().await }).await {
        Ok(seen) => Ok(frame(&call, &seen, &filter, true, banners(&call, &seen.status))),
        Err(problem) => last_seen(&call, problem, |seen, banner| Ok(frame(&call, seen, &filter, false, banner))),
    }
}

/// `is_fresh` is whether the database answers, so that something can be done.
fn frame(call: &Call, seen: &Seen, filter: &Filter, is_fresh: bool, banners: Markup) -> Response {
    let status = &*seen.status;
    let counts = Counts::of(status);
    let body = html! {
        section.head {
            div #summary data-live { h1 { (heading(status, &counts)) } p.muted { (place(call, status)) } }
            div.actions {
                (live())
                div #acts .actions data-live { @if is_fresh { (acts(call, status, &counts)) } }
            }
        }
        dl #counts .counts data-live { (counts.cells(call, status, is_fresh)) }
        @if call.migrator().registry().is_empty() {
            (nothing_linked())
        } @else {
            (filters(call, status, filter))
            div #list .groups data-live { (list::groups(call, seen, filter, is_fresh && !is_running(status))) }
            (recent::table(call, status))
        }
    };
    Layout::of(call, &counts.title(status), View::Overview).banners(banners).answer(&body)
}

impl Counts {
    fn of(status: &Status) -> Self {
        let waiting = status.iter().filter(waits_for_a_run);
        let (by_name, pending): (Vec<_>, Vec<_>) = waiting.partition(Standing::runs_only_by_name);
        let canceled = by_name.iter().filter(|standing| standing.state == State::Canceled).count();
        Self {
            pending: pending.len(),
            underway: status.iter().filter(|standing| standing.state == State::Underway).count(),
            failed: status.failed().count(),
            completed: status.completed().count(),
            manual: by_name.len() - canceled,
            canceled,
            changed: status.drifted().count(),
        }
    }

    /// The state in a few words, for the title of the window.
    fn title(&self, status: &Status) -> String {
        match (self.failed, self.pending) {
            _ if is_running(status) => "Running".to_owned(),
            _ if is_empty(status) => "No migrations".to_owned(),
            (0, 0) if self.underway > 0 => format!("{} underway", self.underway),
            (0, 0) => "Up to date".to_owned(),
            (0, pending) => format!("{pending} pending"),
            (failed, _) => format!("{failed} failed"),
        }
    }

    fn cells(&self, call: &Call, status: &Status, is_fresh: bool) -> Markup {
        let link = |key: &str, value: &str| View::Overview.url(&call.site, &[(key, value)]);
        let underway = (self.underway > 0).then(|| ("Underway", self.underway, link("state", "underway")));
        let canceled = (self.canceled > 0).then(|| ("Canceled", self.canceled, link("state", "canceled")));
        let cells = [
            ("Pending", self.pending, link("state", "pending")),
            ("Failed", self.failed, link("state", "failed")),
            ("Completed", self.completed, link("state", "completed")),
            ("Manual", self.manual, link("state", "manual")),
            ("Changed", self.changed, link("drifted", "true")),
        ];
        let (tone, word) = match (self.failed, self.pending) {
            _ if is_empty(status) => (Tone::Calm, "nothing linked in"),
            (0, 0) if self.underway > 0 => (Tone::Busy, "underway"),
            (0, 0) => (Tone::Good, "up to date"),
            (0, _) => (Tone::Busy, "pending"),
            _ => (Tone::Bad, "failed"),
        };
        html! {
            @for (name, count, url) in cells.into_iter().chain(underway).chain(canceled) {
                div.bad[name == "Failed" && count > 0] { dt { (name) } dd { a href=(url) { (Count(count as u64)) } } }
            }
            div.state {
                dt { "State" }
                dd {
                    @if is_running(status) {
                        (badge(Tone::Busy, "running"))
                    } @else if is_empty(status) {
                        (badge(tone, word))
                    } @else {
                        (badge(tone, word)) (badge(Tone::Calm, if is_fresh { "ready" } else { "last known" }))
                    }
                }
            }
        }
    }
}

fn is_running(status: &Status) -> bool {
    status.holder().is_some_and(|holder| !holder.expired)
}

/// Whether no migration is linked in.
fn is_empty(status: &Status) -> bool {
    status.iter().next().is_none()
}

fn heading(status: &Status, counts: &Counts) -> String {
    let sentence = |count: usize, one: &str, more: &str| {
        format!("{} {}", plural(count as u64, "migration"), if count == 1 { one } else { more })
    };
    match (counts.failed, counts.pending, counts.manual) {
        _ if is_running(status) => "Migrations are running".to_owned(),
        (0, 0, 0) if is_empty(status) => "No migrations".to_owned(),
        (0, 0, _) if counts.underway == 1 => "1 backfill is underway".to_owned(),
        (0, 0, _) if counts.underway > 1 => format!("{} backfills are underway", counts.underway),
        (0, 0, 0) if counts.canceled == 1 => "1 backfill was canceled".to_owned(),
        (0, 0, 0) if counts.canceled > 1 => format!("{} backfills were canceled", counts.canceled),
        (0, 0, 0) => "Everything is applied".to_owned(),
        (0, 0, manual) => sentence(manual, "waits to be run by hand", "wait to be run by hand"),
        (0, pending, _) => sentence(pending, "is pending", "are pending"),
        (failed, ..) => sentence(failed, "has failed", "have failed"),
    }
}

/// Where this is, and what happened last.
fn place(call: &Call, status: &Status) -> Markup {
    let records = status.iter().filter_map(|standing| standing.record);
    let last = records.max_by_key(|record| record.reverted_at.unwrap_or(record.executed_at));
    html! {
        "Database " b { (visible(call.migrator().database().name())) }
        @if let Some(holder) = status.holder().filter(|holder| !holder.expired) {
            " · run by " (visible(holder.actor.as_deref().unwrap_or(&holder.host))) ", started " (ago(holder.since))
            @if let Some(current) = &holder.current { ": " code { (visible(current)) } }
        } @else if let Some(last) = last {
            @let (at, by) = last.reverted_at.map_or((last.executed_at, &last.applied_by), |at| (at, &last.reverted_by));
            " · last execution " (ago(at))
            @if let Some(by) = by { " by " (visible(by)) }
        }
    }
}

fn acts(call: &Call, status: &Status, counts: &Counts) -> Markup {
    let plan = View::Plan.url(&call.site, &[("verb", "up")]);
    html! {
        @if is_running(status) {
            a.button href=(holders_run(call, status)) { "Look at the run" }
        } @else if counts.pending > 0 && call.allowed.may(Action::Up) {
            a.button.primary href=(plan) data-dialog { "Plan and run all…" }
        } @else if counts.pending > 0 {
            a.button href=(plan) data-dialog { "Show the plan" }
        }
    }
}

/// The address of the run that goes on.
fn holders_run(call: &Call, status: &Status) -> String {
    match status.token() {
        Some(token) => View::Run.url(&call.site, &[("id", &token.to_string())]),
        None => View::Lock.url(&call.site, &[]),
    }
}

/// Works without a script; with one, rows are also filtered while typing.
fn filters(call: &Call, status: &Status, filter: &Filter) -> Markup {
    let sources: std::collections::BTreeSet<_> = status.iter().map(|standing| standing.migration.source()).collect();
    let sources: Vec<_> = sources.into_iter().map(|source| source.to_string()).collect();
    html! {
        form.filters role="search" action="./" {
            @if let Some(database) = call.site.tenant() { input type="hidden" name="database" value=(database); }
            input #find type="search" name="q" value=(filter.q) placeholder="Find an id or a description" aria-label="Find an id or a description";
            select name="source" aria-label="Source" {
                option value="" { "All sources" }
                @for source in &sources {
                    option value=(source) selected[*source == filter.source] { (source) }
                }
            }
            select name="state" aria-label="State" {
                option value="" { "All states" }
                @for state in Filter::STATES {
                    option value=(state) selected[state == filter.state] { (capitalized(&state.replace('-', " "))) }
                }
            }
            label { input type="checkbox" name="isolated" value="true" checked[filter.isolated]; "can run alone" }
            label { input type="checkbox" name="drifted" value="true" checked[filter.drifted]; "changed" }
            button { "Filter" }
        }
    }
}

fn nothing_linked() -> Markup {
    html! {
        div.empty {
            h2 { "No migrations are linked into this process" }
            p.muted {
                "Migrations register themselves when the crate or module that defines them is part of the program. A crate that nothing "
                "else uses is left out by the linker; name it once:"
            }
            pre { "use my_migrations as _;" }
        }
    }
}
