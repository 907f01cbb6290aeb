//! What programs read: the JSON shapes of what the library knows. docs/json-schema.json describes them; they only ever grow.
//!
//! Times are ISO 8601 in UTC, durations whole milliseconds. Every property is always there; what does not apply is null.

mod document;
pub mod graph;
mod history;
mod migration;
mod plan;
mod record;
mod report;
mod status;
mod validation;

pub use history::History;
pub use migration::Migration;
pub use plan::Plan;
pub use record::{Holder, Lock, Record, Released};
pub use report::Report;
pub use status::{Pending, Shown, Status, Versions, word};
pub use validation::{Differs, Finding, Validation};

use std::time::Duration;

use mongodb::bson::DateTime;
use serde::Serialize;

/// What went wrong.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Error<'a> {
    /// Which kind of error, in kebab case.
    pub code: &'a str,
    /// The exit code of the process.
    pub exit: u8,
    pub message: &'a str,
    pub causes: &'a [String],
    /// What to do next.
    pub help: Option<&'a str>,
}

/// ISO 8601.
fn time(at: DateTime) -> String {
    at.try_to_rfc3339_string().unwrap_or_else(|_| at.to_string())
}

/// Whole milliseconds.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
