//! Whether two descriptions of an index or an option mean the same.

use mongodb::bson::{Bson, Document};

/// What does not count in an index: it says nothing about what the index does, and versions of the server differ in it.
pub(super) const NOT_COMPARED: [&str; 3] = ["v", "ns", "background"];

/// What the server adds to an index of some kinds that were not given it.
const ADDED: [&str; 8] = [
    "weights",
    "default_language",
    "language_override",
    "textIndexVersion",
    "2dsphereIndexVersion",
    "bits",
    "min",
    "max",
];

/// Whether `found` has all that `asked` has. The server fills in what was not asked for.
pub(super) fn covers(found: &Bson, asked: &Bson) -> bool {
    match (found, asked) {
        (Bson::Document(found), Bson::Document(asked)) => asked.iter().all(|(key, asked)| match found.get(key) {
            Some(found) => covers(found, asked),
            None => is_nothing(asked),
        }),
        _ => same(found, asked),
    }
}

/// Whether two values are equal, numbers of all types by their value.
pub(super) fn same(one: &Bson, other: &Bson) -> bool {
    match (one, other) {
        (Bson::Document(one), Bson::Document(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|((key, one), (as_well, other))| key == as_well && same(one, other))
        }
        (Bson::Array(one), Bson::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        _ => match (number(one), number(other)) {
            (Some(one), Some(other)) => one.total_cmp(&other).is_eq(),
            _ => one == other,
        },
    }
}

/// Whether a value is as good as none: `false`, or a validator that is empty.
pub(super) fn is_nothing(value: &Bson) -> bool {
    match value {
        Bson::Boolean(value) => !value,
        Bson::Document(value) => value.is_empty(),
        Bson::Null => true,
        _ => false,
    }
}

/// Whether an option that may be absent is the expected one.
pub(super) fn same_option(found: Option<&Bson>, expected: &Bson) -> bool {
    found.map_or_else(|| is_nothing(expected), |found| same(found, expected))
}

/// Whether an index is the expected one. What an expectation without keys does not mention is not known.
pub(super) fn index_covers(found: &Document, expected: &Document) -> bool {
    let compared = |(key, _): &(&String, &Bson)| !NOT_COMPARED.contains(&key.as_str());
    let has = |(key, expected): (&String, &Bson)| match found.get(key) {
        // The server keeps the keys of a text index in another form, and the fields as weights.
        Some(Bson::Document(found)) if key == "key" && found.contains_key("_fts") => {
            same_keys(found, expected) || is_text(expected)
        }
        Some(Bson::Document(found)) if key == "key" => same_keys(found, expected),
        Some(found) => covers(found, expected),
        None => is_nothing(expected),
    };
    let more = |(key, value): (&String, &Bson)| {
        !expected.contains_key(key) && !is_nothing(value) && !ADDED.contains(&key.as_str())
    };
    expected.iter().filter(compared).all(has)
        && (!expected.contains_key("key") || !found.iter().filter(compared).any(more))
}

fn same_keys(found: &Document, expected: &Bson) -> bool {
    expected.as_document().is_some_and(|expected| same(&found.clone().into(), &expected.clone().into()))
}

fn is_text(keys: &Bson) -> bool {
    keys.as_document().is_some_and(|keys| keys.values().any(|kind| kind.as_str() == Some("text")))
}

/// Sizes, ages and directions are small.
fn number(value: &Bson) -> Option<f64> {
    match value {
        Bson::Int32(number) => Some(f64::from(*number)),
        #[expect(
            clippy::cast_precision_loss,
            reason = "two that differ only beyond 53 bits are the same for this purpose"
        )]
        Bson::Int64(number) => Some(*number as f64),
        Bson::Double(number) => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    #[test]
    fn an_index_is_the_same_whatever_the_server_adds() {
        let plain = doc! { "v": 2, "key": { "a": 1 }, "name": "a_1" };
        for (found, expected, same) in [
            (plain.clone(), doc! { "key": { "a": 1.0 }, "name": "a_1", "unique": false }, true),
            (plain.clone(), doc! { "key": { "a": 1_i64 }, "name": "a_1", "v": 1, "background": true }, true),
            (plain.clone(), doc! { "key": { "a": -1 }, "name": "a_1" }, false),
            (plain.clone(), doc! { "key": { "a": 1, "b": 1 }, "name": "a_1" }, false),
            (plain.clone(), doc! { "key": { "a": 1 }, "name": "a_1", "unique": true }, false),
            (plain.clone(), doc! { "name": "a_1" }, true),
            (doc! { "key": { "a": 1 }, "name": "a_1", "unique": true }, plain.clone(), false),
            (doc! { "key": { "a": 1 }, "name": "a_1", "unique": true }, doc! { "name": "a_1", "hidden": false }, true),
            (doc! { "key": { "b": 1, "a": 1 } }, doc! { "key": { "a": 1, "b": 1 } }, false),
            (
                doc! { "key": { "_fts": "text", "_ftsx": 1 }, "weights": { "a": 1 }, "textIndexVersion": 3 },
                doc! { "key": { "a": "text" } },
                true,
            ),
            (
                doc! { "key": { "a": 1 }, "collation": { "locale": "de", "strength": 3 } },
                doc! { "key": { "a": 1 }, "collation": { "locale": "de" } },
                true,
            ),
        ] {
            assert_eq!(index_covers(&found, &expected), same, "{found} for {expected}");
        }
    }

    #[test]
    fn what_is_empty_is_absent() {
        assert!(same_option(None, &doc! {}.into()));
        assert!(same_option(Some(&doc! {}.into()), &doc! {}.into()));
        assert!(!same_option(None, &doc! { "a": 1 }.into()));
    }
}
