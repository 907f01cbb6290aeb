//! JSON documents for programs: the shapes that the command line prints with `--format json`, for endpoints of your own.
//!
//! docs/json-schema.json describes them. Properties are added within a major version, never removed. Times are ISO 8601 strings
//! in UTC, durations whole milliseconds, ids qualified. Every property is always present; one that does not apply is null.

mod backfill;
mod document;
pub mod graph;
mod health;
mod history;
mod migration;
mod plan;
mod record;
mod report;
mod statistics;
mod status;
mod validation;

pub use backfill::{Backfill, Backfills, SkippedDocuments};
pub use health::Health;
pub use history::History;
pub use migration::Migration;
pub use plan::Plan;
pub use record::{Holder, Lock, Record, Released, StopRequest};
pub use report::Report;
pub use statistics::Statistics;
pub use status::{Pending, Shown, Standing, Status, Version, Versions, kebab_case};
pub use validation::{Differs, Finding, Validation};

use std::time::Duration;

use mongodb::bson::DateTime;
use serde::Serialize;

/// The JSON schema of all shapes (draft 2020-12), as in docs/json-schema.json. `$defs` has an entry for each.
pub const SCHEMA: &str = include_str!("json/schema.json");

/// An error of a command.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Error<'a> {
    /// The kind of error in kebab case.
    pub code: &'a str,
    /// The exit code of the process.
    pub exit: u8,
    /// The error in one sentence.
    pub message: &'a str,
    /// The chain of sources, outermost first.
    pub causes: &'a [String],
    /// The next step for a person.
    pub help: Option<&'a str>,
}

/// Formats a time as ISO 8601 in UTC.
fn time(at: DateTime) -> String {
    at.try_to_rfc3339_string().unwrap_or_else(|_| at.to_string())
}

/// Converts a duration to whole milliseconds.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
