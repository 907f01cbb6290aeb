//! A run to be shown.

use std::time::Duration;

use crate::fixtures::draw;
use crate::graph::Graph;
use crate::plan::{Plan, Reach, Verb};
use crate::{Counts, Event, Migration, Operation, State};

/// A plan of twelve steps, `001_step` to `012_step`, and the first two of them.
pub(super) fn planned() -> (Event, Migration, Migration) {
    let registry = draw(&(1..=12).map(|number| format!("{number:03}_step\n")).collect::<String>());
    let plan = Plan::up(&Graph::new(&registry).unwrap(), &Reach::All, |_| State::New).unwrap();
    let migrations: Vec<_> = registry.iter().collect();
    (Event::Planned(plan), migrations[0], migrations[1])
}

pub(super) fn started(migration: Migration) -> Event {
    Event::Started { migration, verb: Verb::Up }
}

pub(super) fn updated(migration: Migration, matched: u64) -> Event {
    let operation = Operation {
        kind: "update_many",
        collection: "users".to_owned(),
        counts: Counts { matched, ..Counts::default() },
        samples: Vec::new(),
        notes: Vec::new(),
        would_fail: false,
        in_doubt: false,
    };
    Event::Operation { migration, operation }
}

pub(super) fn finished(migration: Migration, verb: Verb) -> Event {
    Event::Finished { migration, verb, duration: Duration::from_millis(12) }
}

pub(super) fn failed(migration: Migration, verb: Verb) -> Event {
    Event::Failed { migration, verb, message: "the disk is full".to_owned(), duration: Duration::from_secs(2) }
}
