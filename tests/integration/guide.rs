//! The guide is whole.

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// Everybody who meets an error finds its cause and its cure.
#[test]
fn every_error_is_in_the_guide() {
    let source = read("runtime/src/error.rs");
    let (_, after) = source.split_once("pub enum Error {\n").unwrap();
    let (body, _) = after.split_once("\n}\n").unwrap();
    let is_variant = |line: &&str| line.strip_prefix("    ").is_some_and(|rest| rest.starts_with(char::is_uppercase));
    let name = |line: &str| line.trim().chars().take_while(char::is_ascii_alphanumeric).collect::<String>();
    let variants: Vec<_> = body.lines().filter(is_variant).map(name).collect();
    assert!(variants.len() > 30, "{variants:?}");
    let guide = read("docs/guide/operating.md");
    let (_, table) = guide.split_once("## Every error").unwrap();
    let rows: String = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next()).collect();
    let missing: Vec<_> = variants.iter().filter(|variant| !rows.contains(&format!("`{variant}`"))).collect();
    assert!(missing.is_empty(), "not in docs/guide/operating.md: {missing:?}");
}
