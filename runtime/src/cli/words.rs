//! Words in the colours that all commands share.

use console::{StyledObject, style};
use mongodb::bson::DateTime;

use crate::migration::State;

/// The word for where a migration stands, coloured: green is applied, yellow will run, red needs somebody.
pub(super) fn state(word: &'static str, state: State) -> StyledObject<&'static str> {
    match (word, state) {
        ("running", _) => style(word).cyan(),
        ("manual", _) => style(word).dim(),
        (_, State::Completed) => style(word).green(),
        (_, State::New | State::RolledBack) => style(word).yellow(),
        _ => style(word).red(),
    }
}

/// A text that somebody else has written, without what a terminal would take for a command.
pub(super) fn harmless(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

/// A moment in UTC, to the second: `2026-11-20 16:49:03`.
pub(super) fn moment(at: DateTime) -> String {
    let text = at.try_to_rfc3339_string().unwrap_or_default();
    text.get(..19).unwrap_or(&text).replace('T', " ")
}
