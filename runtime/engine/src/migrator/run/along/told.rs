//! What listeners and the log are told about a backfill, beside its progress.

use crate::events::{Event, EventSender};
use crate::executor::{Pause, Seen, Steering, Throttle};
use crate::migration::Migration;
use crate::migrator::backfills::{skipped, throttled};

/// What was told last.
#[derive(Debug)]
pub(super) struct Told {
    migration: Migration,
    events: EventSender,
    hold: Option<Hold>,
    skipped: u64,
}

/// Why it is not at its pace.
#[derive(Clone, Debug, PartialEq)]
enum Hold {
    Paused(Pause),
    Throttled(Throttle),
}

impl Told {
    pub(super) fn new(migration: Migration, events: &EventSender) -> Self {
        Self { migration, events: events.clone(), hold: None, skipped: 0 }
    }

    /// Tells what has changed.
    pub(super) fn tell(&mut self, seen: &[Seen], steering: &Steering) {
        let migration = self.migration;
        let hold = match &steering.paused {
            Some(pause) => Some(Hold::Paused(pause.clone())),
            None => throttled(seen).map(Hold::Throttled),
        };
        if hold != self.hold {
            log(migration.id(), self.hold.as_ref(), hold.as_ref());
            self.events.emit(|| match hold.clone() {
                Some(Hold::Paused(Pause { by, because, .. })) => Event::Paused { migration, by, because },
                Some(Hold::Throttled(Throttle { stopped, reason })) => Event::Throttled { migration, stopped, reason },
                None => Event::Resumed { migration },
            });
            self.hold = hold;
        }
        let documents = skipped(seen);
        if documents > self.skipped {
            tracing::warn!(id = migration.id(), documents, "a backfill has skipped documents whose change failed");
            self.events.emit(|| Event::Skipped { migration, documents });
        }
        self.skipped = documents;
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
