//! Words in the colours that all commands share.

use mongodb::bson::DateTime;

use super::ink::{CYAN, DIM, GREEN, Painted, RED, YELLOW};
use mongrate::migration::State;

/// The word for where a migration stands, coloured: green is applied, yellow will run, red needs somebody.
pub(super) fn state(word: &'static str, state: State) -> Painted<&'static str> {
    match (word, state) {
        ("running", _) => CYAN.paint(word),
        ("manual", _) => DIM.paint(word),
        (_, State::Completed) => GREEN.paint(word),
        (_, State::New | State::RolledBack) => YELLOW.paint(word),
        _ => RED.paint(word),
    }
}

/// A moment in UTC, to the second: `2026-11-20 16:49:03`.
pub(super) fn moment(at: DateTime) -> String {
    let text = at.try_to_rfc3339_string().unwrap_or_default();
    text.get(..19).unwrap_or(&text).replace('T', " ")
}
