//! Styles that all commands share.

use mongodb::bson::DateTime;
use mongrate::migration::State;

use super::ink::{CYAN, DIM, GREEN, Painted, RED, YELLOW};

/// Colors the status of a migration: green is applied, yellow will run, red needs attention.
pub(super) fn state(word: &'static str, state: State) -> Painted<&'static str> {
    match (word, state) {
        ("running" | "underway", _) => CYAN.paint(word),
        ("manual" | "canceled" | "excluded", _) => DIM.paint(word),
        (_, State::Completed) => GREEN.paint(word),
        (_, State::New | State::RolledBack) => YELLOW.paint(word),
        _ => RED.paint(word),
    }
}

/// A time in UTC, to the second: `2026-11-20 16:49:03`.
pub(super) fn moment(at: DateTime) -> String {
    let text = at.try_to_rfc3339_string().unwrap_or_default();
    text.get(..19).unwrap_or(&text).replace('T', " ")
}
