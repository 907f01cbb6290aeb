//! Every error has a code, a message and a help text of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::Error;
use super::examples::errors;

/// The name of a variant in its `Debug` output or in the source.
fn name(text: &str) -> String {
    text.trim().chars().take_while(char::is_ascii_alphanumeric).collect()
}

#[test]
fn examples_cover_every_variant() {
    let (_, after) = include_str!("../error.rs").split_once("pub enum Error {\n").unwrap();
    let (body, _) = after.split_once("\n}\n").unwrap();
    let is_variant = |line: &&str| line.strip_prefix("    ").is_some_and(|rest| rest.starts_with(char::is_uppercase));
    let variants: BTreeSet<_> = body.lines().filter(is_variant).map(name).collect();
    let examples: BTreeSet<_> = errors().iter().map(|error| name(&format!("{error:?}"))).collect();
    assert_eq!(examples, variants);
}

/// `LockTimeout` is `lock-timeout`.
#[test]
fn codes_are_the_names_of_the_variants() {
    for error in errors() {
        let words = name(&format!("{error:?}")).chars().fold(String::new(), |words, c| match c {
            c if c.is_ascii_uppercase() && !words.is_empty() => format!("{words}-{}", c.to_ascii_lowercase()),
            c => format!("{words}{}", c.to_ascii_lowercase()),
        });
        assert_eq!(error.code(), words);
    }
}

#[test]
fn messages_and_help_read_well_after_a_prefix() {
    for error in errors() {
        for text in [Some(error.message()), error.help()].into_iter().flatten() {
            // Only a name may begin with a capital letter.
            let begins_well = !text.starts_with(char::is_uppercase) || text.starts_with("MongoDB");
            assert!(begins_well && !text.ends_with('.') && !text.is_empty(), "{text}");
        }
    }
}

#[test]
fn every_variant_has_its_own_message() {
    let mut variants: BTreeMap<String, String> = BTreeMap::new();
    for error in errors() {
        let variant = name(&format!("{error:?}"));
        let other = variants.insert(error.message(), variant.clone());
        assert!(other.is_none_or(|other| other == variant), "{error}");
    }
}

#[test]
fn display_is_message_and_help() {
    let unknown = Error::UnknownMigration { id: "001_b".to_owned(), nearest: Some("001_a") };
    assert_eq!(unknown.to_string(), "no migration '001_b' is linked into this program. Did you mean '001_a'?");
    let (one, other) = (Error::NotApplied { id: "001_a".to_owned() }, Error::NotAnOrphan { id: "002_b" });
    let expected = format!("2 problems:\n- {one}\n- {other}");
    assert_eq!(Error::Several { errors: vec![one, other] }.to_string(), expected);
}
