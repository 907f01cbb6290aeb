//! Texts with signs that mean something to a format.

use layout::gv::DotParser;
use roxmltree::Document;

use super::*;

const ODD: &str = r#"A "quote", a \back\slash, <b>bold</b> & 'so' #1; `on` **and** %% on: \N {x}; --> ]"#;

fn odd() -> Drawing {
    let mut drawing = drawn("001_a <- 002_b");
    drawing.nodes[0].id = r#"001_"a"\N<&>#1;`*"#;
    drawing.nodes[0].summary = ODD.to_owned();
    drawing.nodes[1].summary = "A bell \u{7} and a form feed \u{c}".to_owned();
    drawing
}

#[test]
fn are_escaped_in_svg() {
    let svg = Svg::new(&odd()).to_string();
    let document = Document::parse(&svg).expect("XML");
    let titles: Vec<_> = document.descendants().filter(|node| node.has_tag_name((NAMESPACE, "title"))).collect();
    let title = |text: &str| titles.iter().any(|title| title.text() == Some(text));
    assert!(title(&format!(r#"001_"a"\N<&>#1;`*: {ODD}"#)), "{svg}");
    assert!(title("002_b: A bell \u{fffd} and a form feed \u{fffd}"), "{svg}");
    assert!(title(r#"001_"a"\N<&>#1;`* → 002_b"#), "{svg}");
}

const NAMESPACE: &str = "http://www.w3.org/2000/svg";

#[test]
fn are_escaped_in_dot() {
    let dot = Dot(&odd()).to_string();
    expect("odd.dot", &dot);
    DotParser::new(&dot).process().expect("a digraph");
}

#[test]
fn are_escaped_in_mermaid() {
    expect("odd.mmd", &Mermaid(&odd()).to_string());
}
