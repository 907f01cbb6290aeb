//! Comparison of index specifications and collection options.

use std::cmp::Ordering;

use mongodb::bson::{Bson, Document, doc};

/// Fields of an index that are not compared: they do not affect what the index does, and differ between server versions.
pub(crate) const NOT_COMPARED: [&str; 3] = ["v", "ns", "background"];

/// Fields that the server adds to indexes of some types. They only depend on the server version.
const ADDED: [&str; 2] = ["textIndexVersion", "2dsphereIndexVersion"];

const TEXT: &str = "text";
const FTS: &str = "_fts";
const FILTER: &str = "partialFilterExpression";

/// Returns whether `found` has every field of `asked`. The server adds defaults for the others.
pub(crate) fn covers(found: &Bson, asked: &Bson) -> bool {
    match (found, asked) {
        (Bson::Document(found), Bson::Document(asked)) => asked.iter().all(|(key, asked)| match found.get(key) {
            Some(found) => covers(found, asked),
            None => is_nothing(asked),
        }),
        _ => same(found, asked),
    }
}

/// Returns whether two values are equal. Numbers are compared by value, whatever their types.
pub(crate) fn same(one: &Bson, other: &Bson) -> bool {
    match (one, other) {
        (Bson::Document(one), Bson::Document(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|((key, one), (as_well, other))| key == as_well && same(one, other))
        }
        (Bson::Array(one), Bson::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        _ => match (integer(one), integer(other), number(one), number(other)) {
            (Some(one), Some(other), ..) => one == other,
            (.., Some(one), Some(other)) => {
                one.partial_cmp(&other).map_or(one.is_nan() && other.is_nan(), Ordering::is_eq)
            }
            _ => one == other,
        },
    }
}

/// Returns whether a value means the same as an absent option: `false`, or an empty validator.
fn is_nothing(value: &Bson) -> bool {
    match value {
        Bson::Boolean(value) => !value,
        Bson::Document(value) => value.is_empty(),
        Bson::Null => true,
        _ => false,
    }
}

/// Returns whether an option, absent or not, has the expected value.
pub(crate) fn same_option(found: Option<&Bson>, expected: &Bson) -> bool {
    found.map_or_else(|| is_nothing(expected), |found| same(found, expected))
}

/// Returns whether an index is the expected one. An expectation without keys lists only some options; the others are ignored.
pub(crate) fn index_covers(found: &Document, expected: &Document) -> bool {
    if !expected.contains_key("key") {
        return has_all(found, expected);
    }
    let (found, expected) = (as_stored(found), as_stored(expected));
    let more = |(key, value): (&String, &Bson)| {
        !expected.contains_key(key) && !is_nothing(value) && !ADDED.contains(&key.as_str())
    };
    has_all(&found, &expected) && !found.iter().filter(compared).any(more)
}

fn compared((key, _): &(&String, &Bson)) -> bool {
    !NOT_COMPARED.contains(&key.as_str())
}

fn has_all(found: &Document, expected: &Document) -> bool {
    expected.iter().filter(compared).all(|(key, expected)| match (found.get(key), expected) {
        (Some(found), _) if key == "key" || key == "weights" => same(found, expected),
        (Some(Bson::Document(found)), Bson::Document(expected)) if key == FILTER => {
            same(&explicit(found).into(), &explicit(expected).into())
        }
        (Some(found), expected) => covers(found, expected),
        (None, expected) => is_nothing(expected),
    })
}

/// Returns an index in the server's internal form, with defaults. There, the fields of a text index are weights.
fn as_stored(index: &Document) -> Document {
    let mut stored = index.clone();
    let Ok(keys) = index.get_document("key") else { return stored };
    if keys.values().any(|kind| kind.as_str() == Some(TEXT)) {
        for (option, default) in [("default_language", "english"), ("language_override", "language")] {
            stored.entry(option.to_owned()).or_insert(default.into());
        }
    }
    let mut weights = index.get_document("weights").cloned().unwrap_or_default();
    let mut text = Document::new();
    for (field, kind) in keys {
        if kind.as_str() == Some(TEXT) && field != FTS {
            text.extend(doc! { FTS: TEXT, "_ftsx": 1 });
            weights.entry(field.clone()).or_insert(Bson::Int32(1));
        } else {
            text.insert(field, kind.clone());
        }
    }
    if text.contains_key(FTS) {
        let mut weights: Vec<_> = weights.into_iter().collect();
        weights.sort_by(|(one, _), (other, _)| one.cmp(other));
        stored.insert("key", text);
        stored.insert("weights", weights.into_iter().collect::<Document>());
    }
    stored
}

/// Returns a filter with `{ a: 5 }` written as `{ a: { $eq: 5 } }`.
fn explicit(filter: &Document) -> Document {
    let named = |(field, value): (&String, &Bson)| {
        let value = match value {
            Bson::Array(filters) if field.starts_with('$') => {
                let filters = filters.iter().map(|filter| {
                    filter.as_document().map_or_else(|| filter.clone(), |filter| explicit(filter).into())
                });
                Bson::Array(filters.collect())
            }
            value if field.starts_with('$') => value.clone(),
            Bson::Document(operators) if operators.keys().any(|key| key.starts_with('$')) => value.clone(),
            value => doc! { "$eq": value.clone() }.into(),
        };
        (field.clone(), value)
    };
    filter.iter().map(named).collect()
}

fn integer(value: &Bson) -> Option<i64> {
    match value {
        Bson::Int32(number) => Some(i64::from(*number)),
        Bson::Int64(number) => Some(*number),
        _ => None,
    }
}

fn number(value: &Bson) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "the other number has no more than 53 bits")]
        Bson::Int32(_) | Bson::Int64(_) => integer(value).map(|number| number as f64),
        Bson::Double(number) => Some(*number),
        Bson::Decimal128(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(weights: Document) -> Document {
        doc! {
            "key": { "_fts": "text", "_ftsx": 1 }, "weights": weights, "textIndexVersion": 3,
            "default_language": "english", "language_override": "language",
        }
    }

    fn filtered(filter: Document) -> Document {
        doc! { "key": { "a": 1 }, "partialFilterExpression": filter }
    }

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
            (text(doc! { "a": 1 }), doc! { "key": { "a": "text" } }, true),
            (text(doc! { "a": 1 }), doc! { "key": { "b": "text" } }, false),
            (text(doc! { "a": 1 }), doc! { "key": { "a": "text" }, "weights": { "a": 5 } }, false),
            (
                text(doc! { "a": 1, "b": 2 }),
                doc! { "key": { "b": "text", "a": "text" }, "weights": { "b": 2.0 } },
                true,
            ),
            (text(doc! { "a": 1 }), doc! { "key": { "a": "text" }, "default_language": "german" }, false),
            (text(doc! { "a": 1 }), text(doc! { "a": 1 }), true),
            (filtered(doc! { "a": 5 }), filtered(doc! { "a": { "$eq": 5.0 } }), true),
            (filtered(doc! { "$and": [{ "a": 5 }] }), filtered(doc! { "$and": [{ "a": { "$eq": 5 } }] }), true),
            (filtered(doc! { "a": { "$gt": 5 } }), filtered(doc! { "a": { "$gt": 6 } }), false),
            (doc! { "key": { "a": "2d" }, "bits": 8 }, doc! { "key": { "a": "2d" } }, false),
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
    fn numbers_are_compared_by_value() {
        let big = 1_i64 << 60;
        for (one, other, equal) in [
            (Bson::Double(f64::NAN), Bson::Double(f64::NAN), true),
            (Bson::Double(0.0), Bson::Double(-0.0), true),
            (Bson::Int64(5), Bson::Double(5.0), true),
            (Bson::Int64(big), Bson::Int64(big + 1), false),
            (Bson::Decimal128("5.0".parse().unwrap()), Bson::Int32(5), true),
            (Bson::Int32(1), Bson::Boolean(true), false),
            (doc! { "a": [1] }.into(), doc! { "a": [1.0] }.into(), true),
        ] {
            assert_eq!(same(&one, &other), equal, "{one} and {other}");
        }
    }

    #[test]
    fn an_empty_option_equals_an_absent_one() {
        assert!(same_option(None, &doc! {}.into()));
        assert!(same_option(Some(&doc! {}.into()), &doc! {}.into()));
        assert!(!same_option(None, &doc! { "a": 1 }.into()));
    }
}
