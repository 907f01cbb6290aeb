//! Each format of the same drawings. The expected ones lie beside this file, to be looked at.

mod odd;
mod sizes;

use std::fs;
use std::path::Path;

use roxmltree::Document;

use crate::display::graph::{Dot, Drawing, Mermaid, Node, Svg};
use crate::json;
use crate::plan::fixtures::story::story;
use crate::plan::fixtures::{self, Drawn};

/// Draws it without a database.
fn drawn(drawing: &str) -> Drawing {
    Drawing::new(fixtures::draw(drawing))
}

fn drawn_story() -> Drawing {
    Drawing::new(story().into_iter().map(|(migration, state, is_running)| Node::in_state(migration, state, is_running)))
}

/// Compares with a file beside this one; `UPDATE_EXPECT=1` overwrites it.
fn expect(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/display/graph/tests").join(name);
    let actual = format!("{actual}\n");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &actual).expect("the folder of the expected files is there");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected.replace("\r\n", "\n"), "UPDATE_EXPECT=1 overwrites {name}");
}

#[test]
fn a_digraph() {
    expect("story.dot", &Dot(&drawn_story().reduced()).to_string());
}

#[test]
fn a_flowchart() {
    expect("story.mmd", &Mermaid(&drawn_story().reduced()).to_string());
}

#[test]
fn a_picture() {
    expect("story.svg", &Svg::new(&drawn_story().reduced()).to_string());
}

#[test]
fn a_picture_of_one_source() {
    let drawing = drawn_story().of_source("plugin:whale-alerts").reduced();
    expect("source.svg", &Svg::new(&drawing).to_string());
    expect("source.dot", &Dot(&drawing).to_string());
    expect("source.mmd", &Mermaid(&drawing).to_string());
}

#[test]
fn a_document() {
    let drawing = drawn_story().of_source("module:menu");
    let written = serde_json::to_string_pretty(&json::graph::Graph::of(&drawing)).expect("JSON");
    expect("source.json", &written);
}

#[test]
fn what_nobody_has_asked_the_database_about() {
    let drawing = drawn("001_a <- 002_b");
    let written = serde_json::to_value(json::graph::Graph::of(&drawing)).expect("JSON");
    assert_eq!(written["nodes"][0]["status"], serde_json::Value::Null);
}

const NAMESPACE: &str = "http://www.w3.org/2000/svg";

/// A strict content security policy forbids style sheets and style attributes in a page.
#[test]
fn a_picture_in_a_page_has_links_and_no_styles() {
    let drawing = drawn_story().of_source("plugin:whale-alerts").reduced();
    let svg = Svg::new(&drawing).inline("migration?a=b&id=").to_string();
    expect("inline.svg", &svg);
    let document = Document::parse(&svg).expect("XML");
    let nodes = || document.descendants().filter(roxmltree::Node::is_element);
    assert!(!nodes().any(|node| node.has_tag_name((NAMESPACE, "style")) || node.has_attribute("style")), "{svg}");
    let links: Vec<_> = nodes().filter_map(|node| node.attribute("href")).collect();
    assert_eq!(
        links,
        [
            "migration?a=b&id=001_create_users",
            "migration?a=b&id=003_lower_emails",
            "migration?a=b&id=module%3Amenu%3A002_prices",
            "migration?a=b&id=plugin%3Awhale-alerts%3A001_init"
        ]
    );
}
