use super::*;

fn with(text: &str) -> String {
    with_module(text, "m002_b").unwrap()
}

#[test]
fn it_goes_among_the_last_ones_where_rustfmt_would_have_it() {
    for (text, expected) in [
        ("mod m001_a;\n", "mod m001_a;\nmod m002_b;\n"),
        ("mod m001_a;", "mod m001_a;\nmod m002_b;\n"),
        ("mod m001_a;\n\nfn f() {}\n", "mod m001_a;\nmod m002_b;\n\nfn f() {}\n"),
        ("mod m001_a;\nmod m003_c;\n", "mod m001_a;\nmod m002_b;\nmod m003_c;\n"),
        ("pub(crate) mod a;\npub mod z;\n", "pub(crate) mod a;\nmod m002_b;\npub mod z;\n"),
        // Below the first group.
        ("mod z;\n\nmod a;\nmod c;\n\nuse a::B;\n", "mod z;\n\nmod a;\nmod c;\nmod m002_b;\n\nuse a::B;\n"),
        // Before the first one, unless something is written above it.
        ("mod n;\nmod z;\n", "mod m002_b;\nmod n;\nmod z;\n"),
        ("//! What.\n\nmod n;\n", "//! What.\n\nmod m002_b;\nmod n;\n"),
        ("use a::B;\n// Nuts.\nmod n;\n", "use a::B;\n// Nuts.\nmod n;\nmod m002_b;\n"),
        ("// Nuts.\nmod n;\n", "// Nuts.\nmod n;\nmod m002_b;\n"),
        // In no order: after the last one.
        ("mod z;\nmod a;\n\nfn f() {}\n", "mod z;\nmod a;\nmod m002_b;\n\nfn f() {}\n"),
    ] {
        assert_eq!(with(text), expected, "{text}");
    }
}

#[test]
fn what_stands_around_it_stays_as_it_is() {
    for (text, expected) in [
        (
            "mod m001_a; // The first.\n// More.\n#[cfg(test)]\nmod tests;\n",
            "mod m001_a; // The first.\nmod m002_b;\n// More.\n#[cfg(test)]\nmod tests;\n",
        ),
        ("#[cfg(unix)]\n/// Nuts.\nmod n;\n", "mod m002_b;\n#[cfg(unix)]\n/// Nuts.\nmod n;\n"),
        ("mod m001_a; fn f() {\n}\n", "mod m001_a;\nmod m002_b;\n fn f() {\n}\n"),
        ("mod m001_a; /* a\nb */\n", "mod m001_a;\nmod m002_b;\n /* a\nb */\n"),
        ("mod m001_a;\r\n\r\nfn f() {}\r\n", "mod m001_a;\r\nmod m002_b;\r\n\r\nfn f() {}\r\n"),
        ("\u{feff}mod m001_ä;\n", "\u{feff}mod m001_ä;\nmod m002_b;\n"),
        (
            "// ünïcödé\nmod m001_a;\nconst A: &str = \"ü\";\n",
            "// ünïcödé\nmod m001_a;\nmod m002_b;\nconst A: &str = \"ü\";\n",
        ),
    ] {
        assert_eq!(with(text), expected, "{text}");
    }
}

#[test]
fn what_only_looks_like_a_module_is_none() {
    let text = r##"// mod n;
/* mod n; */
/// mod n;
const A: &str = "
mod n;
";
const B: &str = r#"
mod n;
"#;
mod inline {
    mod n;
}
macro_rules! m { () => { mod n; } }
fn f(r#mod: u8) -> u8 { r#mod }
"##;
    assert_eq!(declared(text, "n").unwrap(), Declared::No);
    assert_eq!(declared(text, "inline").unwrap(), Declared::Here);
    assert_eq!(declared("#[cfg(unix)]\npub(in mongrate::a) mod n;", "n").unwrap(), Declared::InAFile);
    assert_eq!(with(text), format!("mod m002_b;\n\n{text}"));
}

#[test]
fn without_any_it_goes_below_the_imports_or_on_top() {
    for (text, expected) in [
        ("", "mod m002_b;\n"),
        ("fn f() {}\n", "mod m002_b;\n\nfn f() {}\n"),
        ("//! What.\n", "//! What.\n\nmod m002_b;\n"),
        ("//! What.\n//! More.\n\nfn f() {}\n", "//! What.\n//! More.\n\nmod m002_b;\n\nfn f() {}\n"),
        ("#![deny(warnings)]\nfn f() {}\n", "#![deny(warnings)]\n\nmod m002_b;\n\nfn f() {}\n"),
        (
            "//! What.\n\nuse a::{\n    B,\n};\n\nfn f() {}",
            "//! What.\n\nuse a::{\n    B,\n};\n\nmod m002_b;\n\nfn f() {}",
        ),
        (
            "#[cfg(unix)]\npub use a::B;\nuse c::D; // D.\n/// F.\nfn f() {}\n",
            "#[cfg(unix)]\npub use a::B;\nuse c::D; // D.\n\nmod m002_b;\n\n/// F.\nfn f() {}\n",
        ),
        ("fn f() {}\nuse a::B;\n", "mod m002_b;\n\nfn f() {}\nuse a::B;\n"),
        ("// Licence.\n\nfn f() {}\n", "// Licence.\n\nmod m002_b;\n\nfn f() {}\n"),
        ("// Licence.\r\n\r\n// F.\r\nfn f() {}\r\n", "// Licence.\r\n\r\nmod m002_b;\r\n\r\n// F.\r\nfn f() {}\r\n"),
        ("/// F.\nfn f() {}\n", "mod m002_b;\n\n/// F.\nfn f() {}\n"),
    ] {
        assert_eq!(with(text), expected, "{text}");
    }
}

#[test]
fn what_is_not_rust_is_an_error() {
    assert!(with_module("mod a; }", "m002_b").is_err());
    assert!(declared("\"", "a").is_err());
}
