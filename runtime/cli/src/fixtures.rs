//! Fixtures of unit tests: events of a run, and a holder of the lease.

#[path = "../../engine/src/error/examples.rs"]
pub(crate) mod errors;

#[allow(dead_code, reason = "shared with the engine, which uses more of it")]
#[path = "../../engine/src/plan/fixtures.rs"]
pub(crate) mod drawings;

use std::time::Duration;

use mongrate::events::Event;
use mongrate::migration::{Direction, Migration};
use mongrate::plan::Plan;
use mongrate::record::Holder;
use mongrate::report::Operation;
use serde_json::json;

use self::drawings::draw;

/// A plan of twelve steps, `001_step` to `012_step`, and the first two of them.
pub(crate) fn planned() -> (Event, Migration, Migration) {
    let ids: Vec<_> = (1..=12).map(|number| format!("{number:03}_step")).collect();
    let registry = draw(&ids.join("\n"));
    let plan = Plan::from_scratch(&registry).unwrap();
    let migrations: Vec<_> = registry.iter().collect();
    (Event::Planned(plan), migrations[0], migrations[1])
}

pub(crate) fn started(migration: Migration) -> Event {
    Event::Started { migration, direction: Direction::Up }
}

pub(crate) fn updated(migration: Migration, matched: u64) -> Event {
    let mut operation = Operation::new("update_many", "users");
    operation.counts.matched = matched;
    Event::Operation { migration, operation }
}

pub(crate) fn finished(migration: Migration, direction: Direction) -> Event {
    Event::Finished { migration, direction, duration: Duration::from_millis(12) }
}

pub(crate) fn failed(migration: Migration, direction: Direction) -> Event {
    Event::Failed { migration, direction, message: "the disk is full".to_owned(), duration: Duration::from_secs(2) }
}

/// A holder of the lease: process `pid` on host-a, for `deploy`.
pub(crate) fn holder(pid: i64) -> Holder {
    let holder = json!({
        "host": "host-a", "pid": pid, "actor": "deploy", "since": { "$date": { "$numberLong": "1700000000000" } },
        "nonce": { "$oid": "0123456789abcdef01234567" }, "session": {},
    });
    serde_json::from_value(holder).unwrap()
}
