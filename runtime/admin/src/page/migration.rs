//! One migration: what it is, what it depends on, how its executions went, and what can be done with it.

mod amend;
mod executions;
mod facts;

use std::collections::BTreeSet;

use axum::response::Response;
use maud::{Markup, PreEscaped, html};
use mongrate::Error;
use mongrate::display::graph::{Drawing, Svg};
use mongrate::migration::{Kind, State};
use mongrate::migrator::{BackfillStatus, HistoryPage, SkippedDocument};
use mongrate::record::Record;
use mongrate::status::{Standing, Status};
use serde::Deserialize;

use super::backfill;
use super::banners::banners;
use super::last_seen::{in_time, last_seen};
use super::layout::{Layout, crumb, live};
use super::view::View;
use super::words::{ago, causes, chip, error, record_badge, standing_badge, time, visible};
use crate::access::Action;
use crate::call::{Call, Query};
use crate::filter::waits_for_a_run;
use crate::problem::Problem;
use crate::site::Seen;

/// How far the graph goes.
const DEPTH: usize = 2;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    id: String,
}

pub(crate) async fn show(call: Call, Query(Which { id }): Query<Which>) -> Result<Response, Problem> {
    let (site, key) = (call.site.clone(), id.clone());
    match in_time(&call, async move { site.show(&key).await }).await {
        Ok((details, seen, skipped)) => {
            let history = details.history();
            let status = details.status();
            let (title, body) = match (details.standing(), details.orphan()) {
                (Some(standing), _) => {
                    (title(&id, standing.label()), linked(&call, &seen, &standing, Some((history, skipped.as_slice()))))
                }
                (None, Some(orphan)) => (title(&id, "not linked in"), orphaned(&call, status, orphan, history)),
                (None, None) => (title(&id, "not recorded"), unrecorded(&call, &id, history)),
            };
            Ok(Layout::of(&call, &title, None).banners(banners(&call, status)).answer(&body))
        }
        Err(problem) if problem.code == "unknown-migration" => Err(with_nearest(&call, &id, problem)),
        Err(problem) => last_seen(&call, problem.clone(), |seen, banner| {
            let standing = seen.status.get(&id).ok_or(problem)?;
            let body = linked(&call, seen, &standing, None);
            Ok(Layout::of(&call, &title(&id, standing.label()), None).banners(banner).answer(&body))
        }),
    }
}

/// An unknown id leads to the nearest one that is known.
fn with_nearest(call: &Call, id: &str, problem: Problem) -> Problem {
    match call.migrator().registry().find(id) {
        Err(Error::UnknownMigration { nearest: Some(nearest), .. }) => {
            problem.link(View::Migration.url(&call.site, &[("id", nearest)]), "Look at that one")
        }
        _ => problem,
    }
}

/// The state first.
fn title(id: &str, state: &str) -> String {
    format!("{state}: {id}")
}

/// A migration of this program. Without details, the status is an old one, and nothing can be done.
fn linked(
    call: &Call,
    seen: &Seen,
    standing: &Standing<'_>,
    details: Option<(&HistoryPage, &[SkippedDocument])>,
) -> Markup {
    let (status, migration) = (&*seen.status, standing.migration);
    let (history, skipped) = details.unzip();
    let backfill = seen.backfills.iter().find(|backfill| backfill.id == migration.id());
    html! {
        (crumb(call, migration.id()))
        section.head {
            div {
                h1 { (visible(migration.id())) " " span #badge data-live { (standing_badge(standing)) } }
                p { (visible(&migration.summary())) }
            }
            div.actions { (live()) div #acts .actions data-live { @if history.is_some() { (acts(call, standing)) } } }
        }
        // There without a backfill, too, because only what was there is kept up to date.
        div #progress .blocks data-live {
            @if let Some(backfill) = backfill {
                section.panel {
                    h2 { "Progress" }
                    (backfill::progress(call, backfill, true))
                    (backfill::strip(backfill))
                    (next_worker(backfill))
                }
                @if call.allowed.may(Action::Steer) { (backfill::skipped(call, skipped.unwrap_or_default())) }
            }
        }
        @if let Some(backfill) = backfill.filter(|_| history.is_some() && call.allowed.may(Action::Steer)) {
            (backfill::forms(call, backfill))
        }
        div #state .blocks data-live {
            (drift(standing))
            section.panel { h2 { "Facts" } (facts::of(migration, standing.record)) }
            section.panel { h2 { "Neighbors" } (neighbors(call, status, standing)) }
        }
        @if let Some(history) = history {
            (amend::forms(call, status, standing))
            (executions::section(call, migration.id(), history))
        } @else {
            section #executions data-live {
                h2 { "History" }
                @if let Some(message) = standing.record.and_then(|record| record.error.as_deref()) {
                    (error(call, "last-error", message, causes(standing)))
                }
                p.muted { "The rest is not known until the database answers." }
            }
        }
    }
}

/// Who goes on with a backfill that nobody works on.
fn next_worker(backfill: &BackfillStatus) -> Markup {
    html! {
        @if backfill.workers.is_empty() && backfill.state == State::Underway && backfill.paused.is_none() {
            p.muted { "The next process that boots or applies migrations goes on with it." }
        }
    }
}

/// A migration that is recorded but not part of this program.
fn orphaned(call: &Call, status: &Status, orphan: &Record, history: &HistoryPage) -> Markup {
    html! {
        (crumb(call, &orphan.id))
        section.head {
            div {
                h1 { (visible(&orphan.id)) " " (record_badge(orphan.status)) }
                p { (visible(orphan.description.lines().next().unwrap_or_default())) }
            }
            div.actions { (live()) }
        }
        p.alert.run {
            "It was applied " (ago(orphan.executed_at))
            @if let Some(version) = &orphan.codebase_version { " by version " (visible(version)) }
            ", and is not linked into this process: the process is older than the database, or the migration has been removed."
        }
        (amend::prune(call, status, &orphan.id))
        (executions::section(call, &orphan.id, history))
    }
}

/// A migration that only the history knows.
fn unrecorded(call: &Call, id: &str, history: &HistoryPage) -> Markup {
    html! {
        (crumb(call, id))
        section.head { h1 { (visible(id)) } div.actions { (live()) } }
        p.alert { "It is not linked into this process and has no record. Only the history knows it." }
        (executions::section(call, id, history))
    }
}

/// The links to plans, where they are confirmed.
fn acts(call: &Call, standing: &Standing<'_>) -> Markup {
    let plan = |verb| View::Plan.url(&call.site, &[("verb", verb), ("only", standing.migration.id())]);
    let can_run = waits_for_a_run(standing) && !standing.is_running && call.allowed.may(Action::Up);
    let reverts = match standing.state {
        State::Completed => standing.migration.is_reversible(),
        State::Underway | State::Failed | State::Interrupted => {
            standing.migration.kind() == Kind::Backfill && standing.migration.down_kind() == Some(Kind::Backfill)
        }
        _ => false,
    };
    let can_revert = reverts && call.allowed.may(Action::Down);
    html! {
        @if can_run { a.button.primary href=(plan("up")) data-dialog { "Run…" } }
        @if can_revert { a.button.danger href=(plan("down")) data-dialog { "Revert…" } }
    }
}

fn drift(standing: &Standing<'_>) -> Markup {
    html! {
        @if let Some(record) = standing.record.filter(|_| standing.has_drifted()) {
            p.alert.run {
                strong { "Its code has changed" } " since it was applied on " (time(record.executed_at)) ". "
                "The change has no effect on this database, because an applied migration does not run again. "
                "Undo the change and write a new migration, or accept the code as it is now."
            }
        }
        @if standing.record.is_some_and(|record| record.verification_failed) {
            p.alert.bad {
                strong { "Its effect is missing." } " It is applied, but its check has not found what it should have done."
            }
        }
    }
}

fn neighbors(call: &Call, status: &Status, standing: &Standing<'_>) -> Markup {
    let (id, needs) = (standing.migration.id(), standing.migration.dependencies());
    let needed_by: Vec<_> = ids_depending_on(status, |needed| needed == id).into_iter().collect();
    let beyond: Vec<_> = ids_depending_on(status, |needed| needed_by.contains(&needed))
        .into_iter()
        .filter(|id| !needed_by.contains(id))
        .collect();
    html! {
        div.graph tabindex="0" role="region" aria-label="Graph of the neighbors" { (graph(call, status, id)) }
        dl.facts {
            (chips(call, status, "Depends on", needs))
            (chips(call, status, "Needed by", &needed_by))
            @if !beyond.is_empty() { (chips(call, status, "Those are needed by", &beyond)) }
        }
    }
}

/// The part of the dependency graph around a migration. The drawing escapes what it quotes.
fn graph(call: &Call, status: &Status, id: &str) -> PreEscaped<String> {
    let part = Drawing::new(status.iter()).around(DEPTH, |node| node == id).reduced();
    let view = View::Migration.url(&call.site, &[]);
    let links = format!("{view}{}id=", if view.contains('?') { '&' } else { '?' });
    PreEscaped(Svg::new(&part).inline(&links).to_string())
}

fn ids_depending_on(status: &Status, is_meant: impl Fn(&str) -> bool) -> BTreeSet<&'static str> {
    let dependents = status.iter().filter(|other| other.migration.dependencies().iter().any(|needed| is_meant(needed)));
    dependents.map(|other| other.migration.id()).collect()
}

fn chips(call: &Call, status: &Status, name: &str, ids: &[&str]) -> Markup {
    html! {
        dt { (name) }
        dd { @if ids.is_empty() { span.muted { "nothing" } } @for id in ids { (chip(&call.site, status, id)) " " } }
    }
}
