//! Warnings above a view about the state of the database.

use maud::{Markup, html};
use mongrate::display::plural;
use mongrate::status::{Standing, Status};

use super::view::View;
use super::words::{ago, id, sentence, time, visible};
use crate::call::Call;
use crate::problem::Problem;
use crate::site::Seen;

/// How many failed migrations are named.
const NAMED: usize = 3;

/// What a person should know before anything else.
pub(super) fn banners(call: &Call, status: &Status) -> Markup {
    html! {
        (failed(call, status))
        (half_done(call, status))
        (orphans(status))
        (expired(call, status))
    }
}

/// The database does not answer, so an older status is shown.
pub(super) fn unreachable(call: &Call, problem: &Problem, seen: &Seen) -> Markup {
    html! {
        div.alert.bad {
            strong { "The database does not answer." } " " (visible(&sentence(&call.error_text(&problem.detail))))
            " This is the state of " (time(mongodb::bson::DateTime::from_system_time(seen.at))) " UTC; nothing can be done meanwhile."
        }
    }
}

fn failed(call: &Call, status: &Status) -> Markup {
    let failed: Vec<_> = status.failed().collect();
    html! {
        @for (migration, record) in failed.iter().take(NAMED) {
            p.alert.bad {
                (id(&call.site, migration.id())) " failed " (ago(record.executed_at)) ": "
                (visible(first_line(&call.error_text(record.error.as_deref().unwrap_or("no reason is recorded")))))
            }
        }
        @if failed.len() > NAMED {
            p.alert.bad {
                a href=(View::Overview.url(&call.site, &[("state", "failed")])) { (failed.len() - NAMED) " more failed" } "."
            }
        }
    }
}

fn half_done(call: &Call, status: &Status) -> Markup {
    let half_done: Vec<_> = status.iter().filter(|standing| is_half_done(standing)).take(NAMED).collect();
    html! {
        @for standing in half_done {
            p.alert.run {
                (id(&call.site, standing.migration.id()))
                @if standing.label() == "partial" {
                    " changed a part of its documents only. Look at them, then run it by itself."
                } @else {
                    " was interrupted. The next run continues it."
                }
            }
        }
    }
}

fn is_half_done(standing: &Standing<'_>) -> bool {
    matches!(standing.label(), "partial" | "interrupted")
}

fn orphans(status: &Status) -> Markup {
    let orphans = status.orphans();
    html! {
        @if !orphans.is_empty() {
            details #orphans .alert.run {
                summary {
                    strong { "This process is older than the database." } " "
                    (plural(orphans.len() as u64, "applied migration")) " of a newer or another version "
                    @if orphans.len() == 1 { "is" } @else { "are" } " not linked into it."
                }
                ul { @for orphan in orphans.iter().take(50) { li { code { (visible(&orphan.id)) } } } }
                @if orphans.len() > 50 { p { "and " (orphans.len() - 50) " more" } }
            }
        }
    }
}

fn expired(call: &Call, status: &Status) -> Markup {
    html! {
        @if let Some(holder) = status.holder().filter(|holder| holder.expired) {
            p.alert.run {
                "A run by process " (holder.pid) " on " (visible(&holder.host)) " has ended without releasing the lock. The next run takes over. "
                a href=(View::Lock.url(&call.site, &[])) { "Look at the lock" }
            }
        }
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
