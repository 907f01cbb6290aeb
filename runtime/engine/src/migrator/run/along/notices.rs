//! What is logged and sent to listeners about backfills, beside their progress.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::events::{Event, EventSender};
use crate::executor::{Pause, Seen, Steering, Throttle};
use crate::migration::Migration;
use crate::migrator::backfills::{skipped, throttled};

/// The last notices of a run, by id.
#[derive(Debug, Default)]
pub(in crate::migrator::run) struct Notices(Mutex<HashMap<&'static str, Notice>>);

#[derive(Debug, Default)]
struct Notice {
    hold: Option<Hold>,
    skipped: u64,
}

/// Why it is not at its pace.
#[derive(Clone, Debug, PartialEq)]
enum Hold {
    Paused(Pause),
    Throttled(Throttle),
}

impl Notices {
    /// Sends what has changed.
    pub(super) fn update(&self, migration: Migration, seen: &[Seen], steering: &Steering, events: &EventSender) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = all.entry(migration.id()).or_default();
        let is_live = seen.iter().any(|range| range.live && range.claim.is_some());
        let hold = match (&steering.paused, throttled(seen)) {
            (Some(pause), _) => Some(Hold::Paused(pause.clone())),
            (None, Some(throttle)) => Some(Hold::Throttled(throttle)),
            // Nobody works, so it has not gone on.
            (None, None) if !is_live && matches!(last.hold, Some(Hold::Throttled(_))) => last.hold.clone(),
            (None, None) => None,
        };
        if hold != last.hold {
            log(migration.id(), last.hold.as_ref(), hold.as_ref());
            events.emit(|| match hold.clone() {
                Some(Hold::Paused(Pause { by, because, .. })) => Event::Paused { migration, by, because },
                Some(Hold::Throttled(Throttle { stopped, reason })) => Event::Throttled { migration, stopped, reason },
                None => Event::Resumed { migration },
            });
            last.hold = hold;
        }
        let documents = skipped(seen);
        if documents > last.skipped {
            tracing::warn!(id = migration.id(), documents, "a backfill has skipped documents whose change failed");
            events.emit(|| Event::Skipped { migration, documents });
        }
        last.skipped = documents;
    }
}

/// Logs the beginning and the end, not each new value of a signal.
fn log(id: &str, before: Option<&Hold>, now: Option<&Hold>) {
    match (before, now) {
        (_, Some(Hold::Paused(pause))) => tracing::info!(id, "a backfill is {pause}"),
        (Some(Hold::Throttled(before)), Some(Hold::Throttled(now))) if before.stopped == now.stopped => {}
        (_, Some(Hold::Throttled(now))) => tracing::info!(id, reason = now.reason, "a backfill is {}", now.label()),
        (_, None) => tracing::info!(id, "a backfill goes on at its pace"),
    }
}
