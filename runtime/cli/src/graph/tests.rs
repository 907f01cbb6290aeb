//! The text output. The expected one lies beside this file, to be looked at.

mod odd;
mod sizes;

use std::fs;
use std::path::Path;

use console::strip_ansi_codes;
use mongrate::display::graph::{Drawing, Node};

use super::text::text;
use crate::fixtures::drawings::story::story;
use crate::fixtures::drawings::{self, Drawn};

/// Draws it without a database.
fn drawn(drawing: &str) -> Drawing {
    Drawing::new(drawings::draw(drawing))
}

fn drawn_story() -> Drawing {
    Drawing::new(story().into_iter().map(|(migration, state, is_running)| Node::in_state(migration, state, is_running)))
}

fn plain(drawing: &Drawing, width: Option<usize>) -> String {
    strip_ansi_codes(&text(drawing, width)).into_owned()
}

/// Compares with a file beside this one; `UPDATE_EXPECT=1` overwrites it.
fn expect(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/graph/tests").join(name);
    let actual = format!("{actual}\n");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &actual).expect("the folder of the expected files is there");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected.replace("\r\n", "\n"), "UPDATE_EXPECT=1 overwrites {name}");
}

#[test]
fn a_text() {
    expect("story.txt", &plain(&drawn_story().reduced(), None));
}

#[test]
fn a_text_fits_the_terminal() {
    let text = plain(&drawn_story().reduced(), Some(50));
    assert_eq!(text.lines().nth(2), Some("●─│─╮  ✗ 003_lower_emails              interrupte…"),);
    assert!(text.lines().take(7).all(|line| line.chars().count() <= 50), "{text}");
}

#[test]
fn what_nobody_has_asked_the_database_about() {
    assert_eq!(plain(&drawn("001_a <- 002_b"), None), "○  001_a\n●  002_b\n\n2 migrations");
}
