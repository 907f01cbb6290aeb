//! Events of a run, and somebody who holds the lease.

use std::time::Duration;

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document};

use crate::fixtures::draw;
use crate::graph::Graph;
use crate::lock::Holder;
use crate::plan::{Plan, Reach, Verb};
use crate::{Counts, Event, Migration, Operation, State};

/// A plan of twelve steps, `001_step` to `012_step`, and the first two of them.
pub(crate) fn planned() -> (Event, Migration, Migration) {
    let ids: Vec<_> = (1..=12).map(|number| format!("{number:03}_step")).collect();
    let registry = draw(&ids.join("\n"));
    let plan = Plan::up(&Graph::new(&registry).unwrap(), &Reach::All, |_| State::New).unwrap();
    let migrations: Vec<_> = registry.iter().collect();
    (Event::Planned(plan), migrations[0], migrations[1])
}

pub(crate) fn started(migration: Migration) -> Event {
    Event::Started { migration, verb: Verb::Up }
}

pub(crate) fn updated(migration: Migration, matched: u64) -> Event {
    let operation = Operation {
        kind: "update_many",
        collection: "users".to_owned(),
        counts: Counts { matched, ..Counts::default() },
        samples: Vec::new(),
        notes: Vec::new(),
        prediction: None,
    };
    Event::Operation { migration, operation }
}

pub(crate) fn finished(migration: Migration, verb: Verb) -> Event {
    Event::Finished { migration, verb, duration: Duration::from_millis(12) }
}

pub(crate) fn failed(migration: Migration, verb: Verb) -> Event {
    Event::Failed { migration, verb, message: "the disk is full".to_owned(), duration: Duration::from_secs(2) }
}

/// Somebody who holds the lease: process `pid` on host-a, for `deploy`.
pub(crate) fn holder(pid: i64) -> Holder {
    Holder {
        host: "host-a".to_owned(),
        pid,
        actor: Some("deploy".to_owned()),
        since: DateTime::from_millis(1_700_000_000_000),
        current: None,
        expired: false,
        nonce: ObjectId::new(),
        session: Document::new(),
    }
}
