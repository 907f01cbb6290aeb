//! Graphs that cannot be linked in, because they would not compile.

use super::*;
use crate::fixtures::drawings::draw;

fn found(drawing: &str) -> crate::json::Check<'static> {
    let registry = draw(drawing);
    let findings = mistakes(&registry).unwrap_or_else(|failure| panic!("{}", failure.message));
    checked(&registry, findings)
}

fn problems(drawing: &str) -> Vec<(String, &'static str)> {
    let checked = found(drawing);
    assert_eq!(checked.valid, checked.findings.is_empty());
    checked.findings.into_iter().map(|finding| (finding.id.into_owned(), finding.problem)).collect()
}

#[test]
fn what_fits_together_is_counted_by_source() {
    let checked = found("001_a <- 002_b <- module:menu:001_a\nplugin:whales:001_a");
    assert!(checked.valid);
    assert_eq!(checked.migrations, 4);
    let sources = checked.sources.iter().map(|source| (source.source.as_str(), source.migrations));
    assert_eq!(sources.collect::<Vec<_>>(), [("system", 2), ("module:menu", 1), ("plugin:whales", 1)]);
}

#[test]
fn a_missing_dependency_is_found() {
    let checked = found("?999_x <- 002_b");
    assert_eq!(checked.findings[0].id, "002_b");
    assert!(checked.findings[0].message.contains("depends on '999_x'"), "{}", checked.findings[0].message);
    assert!(!checked.valid);
}

#[test]
fn all_mistakes_are_found_together() {
    assert_eq!(
        problems("?999_x <- 001_a\n002_b <- 003_c <- 002_b"),
        [("001_a".to_owned(), "missing-dependency"), ("002_b".to_owned(), "cycle")]
    );
    assert_eq!(problems("001_a"), []);
}

#[test]
fn two_of_one_id_are_found() {
    let registry: Registry = [draw("001_a"), draw("001_a")].into_iter().flatten().collect();
    let findings = mistakes(&registry).unwrap_or_else(|failure| panic!("{}", failure.message));
    assert_eq!(findings.iter().map(|finding| finding.problem).collect::<Vec<_>>(), ["duplicate-id"]);
}
