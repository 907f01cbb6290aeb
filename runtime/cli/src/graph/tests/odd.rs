//! Texts with signs that mean something to a terminal.

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
fn do_nothing_to_a_terminal() {
    let text = plain(&odd(), None);
    assert!(text.contains("002_b              A bell \u{fffd}, red \u{fffd}[31m, a form feed  and a tab\n"), "{text}");
}
