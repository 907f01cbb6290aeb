//! Texts with signs that mean something to a format, or to a terminal.

use layout::gv::DotParser;

use super::*;

const ODD: &str = r#"A "quote", a \back\slash, <b>bold</b> & 'so' #1; `on` **and** %% on: \N {x}; --> ]"#;

fn odd() -> Drawing {
    let bell = "A bell \u{7}, red \u{1b}[31m, a form feed \u{c}and a tab\t";
    let migrations = [(r#"001_"a"\N<&>#1;`*"#, ODD), ("002_b", bell)].map(|(id, description)| {
        let dependencies = if id == "002_b" { vec![r#"001_"a"\N<&>#1;`*"#.to_owned()] } else { Vec::new() };
        Drawn { id: id.to_owned(), dependencies, description, ..Drawn::default() }.leak()
    });
    Drawing::new(migrations)
}

#[test]
fn are_escaped_in_svg() {
    let svg = Svg::new(&odd()).to_string();
    let document = Document::parse(&svg).expect("XML");
    let titles: Vec<_> = document.descendants().filter(|node| node.has_tag_name((NAMESPACE, "title"))).collect();
    let title = |text: &str| titles.iter().any(|title| title.text() == Some(text));
    assert!(title(&format!(r#"001_"a"\N<&>#1;`*: {ODD}"#)), "{svg}");
    assert!(title("002_b: A bell \u{fffd}, red \u{fffd}[31m, a form feed  and a tab"), "{svg}");
    assert!(title(r#"001_"a"\N<&>#1;`* → 002_b"#), "{svg}");
}

#[test]
fn are_escaped_in_links() {
    let svg = Svg::new(&odd()).inline("?\"<").to_string();
    let document = Document::parse(&svg).expect("XML");
    let link = document.descendants().find_map(|node| node.attribute("href"));
    assert_eq!(link, Some("?\"<001_%22a%22%5CN%3C%26%3E%231%3B%60%2A"), "{svg}");
}

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
