//! The migration lock: who holds it, and the form that releases it by force.

use std::time::Duration;

use axum::response::Response;
use maud::{Markup, html};
use mongodb::bson::DateTime;
use mongrate::lock::LockStatus;
use mongrate::record::Holder;

use super::layout::{Layout, live};
use super::view::View;
use super::words::{self, Tone, visible};
use super::{forms, takeover};
use crate::access::Action;
use crate::call::Call;
use crate::etag::ETag;
use crate::problem::Problem;

pub(crate) async fn show(call: Call) -> Result<Response, Problem> {
    let lock = call.migrator().lock_status().await?;
    let title = match &lock.holder {
        None => "The lock is free",
        Some(holder) if holder.expired => "The lock was left behind",
        Some(_) => "The lock is held",
    };
    let body = html! {
        section.head {
            div #lock-title data-live { h1 { (title) } p.muted { (subtitle(&lock)) } }
            div.actions { (live()) }
        }
        div #lock-state .stack data-live {
            @if let Some(holder) = &lock.holder { (state(&call, &lock, holder)) }
        }
        @if lock.holder.is_some() { (release(&call, &lock)) }
    };
    Ok(Layout::of(&call, title, View::Lock).answer(&body))
}

fn subtitle(lock: &LockStatus) -> &'static str {
    match &lock.holder {
        None if lock.token == 0 => "This database has never been migrated.",
        None => "No process is migrating. The next run takes the lock, and gives it back at its end.",
        Some(holder) if holder.expired => "Its holder has died or was cut off. The next run makes sure and takes over.",
        Some(_) => "One process is migrating. Others wait or are refused until it gives the lock back.",
    }
}

fn state(call: &Call, lock: &LockStatus, holder: &Holder) -> Markup {
    let token = lock.token.to_string();
    html! {
        dl.facts.panel {
            dt { "Holder" }
            dd { (visible(&holder.host)) "/" (holder.pid) @if let Some(actor) = &holder.actor { ", " (visible(actor)) } }
            dt { "Run" } dd { a href=(View::Run.url(&call.site, &[("id", &token)])) { (token) } }
            dt { "Since" }
            dd { (words::time(holder.since)) @if let Some(held) = lock.held_for { ", for " (words::whole(held)) } }
            dt { @if holder.expired { "Was running" } @else { "Now running" } }
            dd { @match &holder.current { Some(id) => (words::id(&call.site, id)), None => "between two migrations" } }
            @if let Some(at) = lock.last_heartbeat {
                dt { "Last heartbeat" }
                dd { (words::time(at)) @if let Some(passed) = since(lock, holder, at) { ", " (words::whole(passed)) " ago" } }
            }
            dt { "Lease" }
            dd { (lease(lock, holder)) }
            @if let Some(request) = &lock.stop_requested { dt { "Stop" } dd { (words::badge(Tone::Busy, "requested")) " " (visible(&words::capitalized(&request.to_string()))) ", " (words::time(request.at)) } }
        }
        @if holder.expired { (take_over(call)) }
    }
}

fn lease(lock: &LockStatus, holder: &Holder) -> Markup {
    if holder.expired {
        return html! { (words::badge(Tone::Bad, "expired")) " without a heartbeat from its holder" };
    }
    html! {
        (words::badge(Tone::Good, "alive"))
        @if let Some(left) = lock.expires_in {
            " expires in " (words::whole(left)) " unless a heartbeat prolongs it"
        }
    }
}

/// How long ago something was when the lock was read, by the server's clock alone.
fn since(lock: &LockStatus, holder: &Holder, time: DateTime) -> Option<Duration> {
    let after = time.timestamp_millis() - holder.since.timestamp_millis();
    lock.held_for?.checked_sub(Duration::from_millis(after.try_into().ok()?))
}

/// Offers to run what is pending, which waits until the holder is certainly gone.
fn take_over(call: &Call) -> Markup {
    html! {
        @if call.allowed.may(Action::Up) {
            p.actions {
                a.button.primary href=(View::Plan.url(&call.site, &[])) { "Plan a run that takes over…" }
                span.muted { "It waits up to " (words::whole(takeover::wait(call.migrator()))) " first. Nothing has to be released by hand." }
            }
        }
    }
}

fn release(call: &Call, lock: &LockStatus) -> Markup {
    let tag = ETag::of_lock(lock);
    html! {
        section.panel {
            h2 { "Release by force" }
            ul {
                li { "The holder is fenced off: its open transaction does not commit, and its run fails." }
                li { "What it has changed outside of transactions stays, and is not undone." }
                li { "It is recorded in the history with your name and reason. An expired lease needs none of this." }
            }
            @if call.allowed.may(Action::Unlock) {
                form.fields method="post" action=(forms::address(&call.site, "unlock")) {
                    input type="hidden" name="seen" value=(tag);
                    (forms::because(true))
                    (forms::typed_name(call))
                    div.actions.end { button.danger { "Release the lock" } }
                }
            } @else {
                p.muted { (forms::needs(call, Action::Unlock)) }
            }
        }
    }
}
