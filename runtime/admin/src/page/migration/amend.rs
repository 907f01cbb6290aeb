//! The forms that change the record of a migration without running it.

use maud::{Markup, html};
use mongrate::migration::{Direction, Kind, State};
use mongrate::status::{Standing, Status};

use crate::access::Action;
use crate::call::Call;
use crate::etag::ETag;
use crate::page::forms::{address, because, typed_name};

/// A change of a record.
struct Change {
    action: Action,
    /// The name of its handler.
    name: &'static str,
    verb: &'static str,
    /// What it means.
    effect: &'static str,
}

const MARK_APPLIED: Change = Change {
    action: Action::Mark,
    name: "mark-applied",
    verb: "Mark as applied",
    effect: "Records it as applied without running it: for work that was done by hand.",
};

const MARK_PENDING: Change = Change {
    action: Action::Mark,
    name: "mark-pending",
    verb: "Mark as pending",
    effect: "Records it as pending without reverting anything. The next run applies it again.",
};

const END: Change = Change {
    effect: "Ends the backfill and records it as applied: for work that was done by hand. What is not changed yet stays so.",
    ..MARK_APPLIED
};

const CANCEL: Change = Change {
    action: Action::Mark,
    name: "cancel",
    verb: "Cancel the backfill",
    effect: "What it has changed stays; it runs again only when it is named.",
};

const RESTART: Change = Change {
    action: Action::Mark,
    name: "restart",
    verb: "Restart the backfill",
    effect: "Lets the next run start it from the beginning. What it has changed is changed again if it still matches.",
};

const ACCEPT: Change = Change {
    action: Action::Accept,
    name: "accept",
    verb: "Accept the code",
    effect: "Records the code as it is now as the applied one. Nothing runs.",
};

const PRUNE: Change = Change {
    action: Action::Prune,
    name: "prune",
    verb: "Remove the record",
    effect: "Forgets that it was applied: for a migration that no longer exists in any version. Its effects stay.",
};

/// The changes that make sense in the state of the migration.
pub(super) fn forms(call: &Call, status: &Status, standing: &Standing<'_>) -> Markup {
    let is_dubious = standing.has_drifted() || standing.record.is_some_and(|record| record.verification_failed);
    let is_underway = standing.state == State::Underway;
    let is_backfill = standing.migration.kind() == Kind::Backfill;
    let is_reverting = standing.record.is_some_and(|record| record.direction == Direction::Down);
    let has_begun = matches!(standing.state, State::Underway | State::Failed | State::Interrupted);
    let is_open = is_backfill && has_begun && !is_reverting;
    let changes = [
        (CANCEL, is_open),
        (RESTART, is_open || standing.state == State::Canceled),
        (END, is_underway),
        (MARK_APPLIED, standing.state != State::Completed && !standing.is_running && !is_underway),
        (ACCEPT, is_dubious),
        (MARK_PENDING, standing.state == State::Completed || is_backfill && has_begun && is_reverting),
    ];
    let changes = changes.into_iter().filter(|(_, makes_sense)| *makes_sense).map(|(change, _)| change);
    section(call, status, standing.migration.id(), changes)
}

/// The change of a record whose migration is not linked in.
pub(super) fn prune(call: &Call, status: &Status, id: &str) -> Markup {
    section(call, status, id, [PRUNE].into_iter())
}

fn section(call: &Call, status: &Status, id: &str, changes: impl Iterator<Item = Change>) -> Markup {
    let changes: Vec<_> = changes.filter(|change| call.allowed.may(change.action)).collect();
    html! {
        @if !changes.is_empty() {
            section.changes {
                h2 { "Change its record" }
                @for change in &changes { (form(call, status, id, change)) }
            }
        }
    }
}

fn form(call: &Call, status: &Status, id: &str, change: &Change) -> Markup {
    html! {
        details.group id=(change.name) {
            summary { (change.verb) "… " span.muted { (change.effect) } }
            form.fold method="post" action=(address(&call.site, change.name)) {
                input type="hidden" name="id" value=(id);
                input type="hidden" name="seen" value=(ETag::of_status(status));
                (because(true))
                (typed_name(call))
                div.actions { button.danger { (change.verb) } }
            }
        }
    }
}
