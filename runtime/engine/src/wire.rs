//! What programs read: the JSON shapes of what the library knows. docs/json-schema.json describes them; they only ever grow.
//!
//! Times are ISO 8601 in UTC, durations whole milliseconds. Every property is always there; what does not apply is null.

mod check;
mod completions;
mod document;
pub(crate) mod graph;
mod history;
mod lock_file;
mod migration;
mod new;
mod plan;
mod record;
mod report;
mod status;
mod validation;

pub(crate) use check::{Check, CheckedSource};
pub(crate) use completions::Completions;
pub(crate) use history::History;
pub(crate) use lock_file::{LockFile, LockFiles};
pub(crate) use migration::Migration;
pub(crate) use new::{Add, New};
pub(crate) use plan::Plan;
pub(crate) use record::{Holder, Lock, Record, Released};
pub(crate) use report::Report;
pub(crate) use status::{Pending, Shown, Status, Versions, word};
pub(crate) use validation::{Differs, Finding, Validation};

use std::time::Duration;

use mongodb::bson::DateTime;
use serde::Serialize;

/// What went wrong.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Error<'a> {
    /// Which kind of error, in kebab case.
    pub(crate) code: &'a str,
    /// The exit code of the process.
    pub(crate) exit: u8,
    pub(crate) message: &'a str,
    pub(crate) causes: &'a [String],
    /// What to do next.
    pub(crate) help: Option<&'a str>,
}

/// ISO 8601.
fn time(at: DateTime) -> String {
    at.try_to_rfc3339_string().unwrap_or_else(|_| at.to_string())
}

/// Whole milliseconds.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
