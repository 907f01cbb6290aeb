//! Each format of the same drawings. The expected ones lie beside this file, to be looked at.

mod odd;
mod sizes;

use std::fs;
use std::path::Path;

use console::strip_ansi_codes;
use mongrate::json;

use super::dot::Dot;
use super::drawing::{Class, Drawing};
use super::mermaid::Mermaid;
use super::svg::Svg;
use super::text::text;
use crate::fixtures::drawings::{self, Drawn};

/// Draws it without a database.
fn drawn(drawing: &str) -> Drawing {
    Drawing::offline(&drawings::draw(drawing))
}

fn plain(drawing: &Drawing, width: Option<usize>) -> String {
    strip_ansi_codes(&text(drawing, width)).into_owned()
}

/// Every state, two sources, and one dependency that follows from others.
fn story() -> Drawing {
    let migrations = [
        ("001_create_users", "", "E-mail addresses are unique."),
        ("002_assign_roles", "001_create_users", "Every user has a role."),
        ("003_lower_emails", "002_assign_roles", "E-mail addresses are in lower case,\nso that nobody is there twice."),
        ("004_shrink_orders", "003_lower_emails", ""),
        ("module:menu:001_namespace", "001_create_users", "The menu has a namespace."),
        ("module:menu:002_prices", "module:menu:001_namespace", "Prices are in cents."),
        (
            "plugin:whale-alerts:001_init",
            "001_create_users 003_lower_emails module:menu:002_prices",
            "Alerts of whales.",
        ),
    ];
    let migrations = migrations.map(|(id, dependencies, description)| {
        let dependencies = dependencies.split_whitespace().map(str::to_owned).collect();
        Drawn { id: id.to_owned(), dependencies, description, ..Drawn::default() }.leak()
    });
    let mut drawing = Drawing::offline(&migrations.into_iter().collect());
    let standing = [
        (Class::Completed, "completed"),
        (Class::Completed, "completed"),
        (Class::Failed, "interrupted"),
        (Class::Manual, "manual"),
        (Class::Completed, "completed"),
        (Class::Running, "running"),
        (Class::Pending, "rolled back"),
    ];
    for (node, (class, word)) in drawing.nodes.iter_mut().zip(standing) {
        (node.class, node.word) = (class, word);
    }
    drawing
}

/// Compares with a file beside this one; `UPDATE_EXPECT=1` writes it anew.
fn expect(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/graph/tests").join(name);
    let actual = format!("{actual}\n");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &actual).expect("the folder of the expected files is there");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected.replace("\r\n", "\n"), "UPDATE_EXPECT=1 writes {name} anew");
}

#[test]
fn a_text() {
    expect("story.txt", &plain(&story().reduced(), None));
}

#[test]
fn a_text_fits_the_terminal() {
    let text = plain(&story().reduced(), Some(50));
    assert_eq!(text.lines().nth(2), Some("●─│─╮  ✗ 003_lower_emails              interrupte…"),);
    assert!(text.lines().take(7).all(|line| line.chars().count() <= 50), "{text}");
}

#[test]
fn a_digraph() {
    expect("story.dot", &Dot(&story().reduced()).to_string());
}

#[test]
fn a_flowchart() {
    expect("story.mmd", &Mermaid(&story().reduced()).to_string());
}

#[test]
fn a_picture() {
    expect("story.svg", &Svg::new(&story().reduced()).to_string());
}

#[test]
fn a_picture_of_one_source() {
    let drawing = story().of_source("plugin:whale-alerts").reduced();
    expect("source.svg", &Svg::new(&drawing).to_string());
    expect("source.dot", &Dot(&drawing).to_string());
    expect("source.mmd", &Mermaid(&drawing).to_string());
}

#[test]
fn a_document() {
    let drawing = story().of_source("module:menu");
    let written = serde_json::to_string_pretty(&json::graph::Graph::from(&drawing)).expect("JSON");
    expect("source.json", &written);
}

#[test]
fn what_nobody_has_asked_the_database_about() {
    let drawing = drawn("001_a <- 002_b");
    assert_eq!(plain(&drawing, None), "○  001_a\n●  002_b\n\n2 migrations");
    let written = serde_json::to_value(json::graph::Graph::from(&drawing)).expect("JSON");
    assert_eq!(written["nodes"][0]["status"], serde_json::Value::Null);
}
