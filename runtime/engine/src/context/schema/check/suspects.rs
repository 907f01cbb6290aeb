//! Filters for documents that an index may reject.

use mongodb::bson::{Bson, Document, doc};

/// The languages of text indexes, from the server's `fts_language.cpp`. The server also accepts them in upper case.
const LANGUAGES: [&str; 32] = [
    "none",
    "da",
    "danish",
    "nl",
    "dutch",
    "en",
    "english",
    "fi",
    "finnish",
    "fr",
    "french",
    "de",
    "german",
    "hu",
    "hungarian",
    "it",
    "italian",
    "nb",
    "norwegian",
    "pt",
    "portuguese",
    "ro",
    "romanian",
    "ru",
    "russian",
    "es",
    "spanish",
    "sv",
    "swedish",
    "tr",
    "turkish",
    "porter",
];

/// A radius of more than half the circumference of a sphere, in radians, so that every point on earth is within it.
const EVERYWHERE: i32 = 4;

/// Returns a filter that matches all documents that an index with these keys may reject, and perhaps others. `None` if the index
/// accepts every document.
pub(super) fn suspects(keys: &Document, spec: &Document) -> Option<Document> {
    let kind = |field: &str| keys.get_str(field).unwrap_or_default();
    let text = keys.iter().any(|(_, kind)| kind.as_str() == Some("text"));
    let paths: Vec<_> = keys.keys().filter(|path| !path.contains('$') && kind(path) != "text").collect();
    let mut any = Vec::new();
    for (index, path) in paths.iter().enumerate() {
        any.extend(paths[index + 1..].iter().map(|other| doc! { "$and": [is_array(path), is_array(other)] }));
        match kind(path) {
            "2dsphere" => any.push(not_on_earth(path)),
            "2d" => any.push(not_on_plane(path, spec)),
            kind => {
                let positional = path.split('.').any(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
                if text || positional || kind == "hashed" {
                    any.push(is_array(path));
                }
            }
        }
    }
    if text {
        let weights = spec.get_document("weights").ok().into_iter().flat_map(Document::keys);
        let fields = keys.keys().filter(|path| kind(path) == "text").chain(weights);
        let name = spec.get_str("language_override").unwrap_or("language");
        any.extend(fields.flat_map(|field| unknown_language(field, name)));
    }
    (!any.is_empty()).then(|| doc! { "$or": any })
}

/// Matches documents in which a field, or one of its parents, is an array.
fn is_array(path: &str) -> Document {
    let ends = path.match_indices('.').map(|(dot, _)| dot).chain([path.len()]);
    let arrays: Vec<_> = ends.map(|end| doc! { &path[..end]: { "$type": "array" } }).collect();
    doc! { "$or": arrays }
}

/// Matches documents with an unknown language. It can stand beside each part of the path, and for `$**` anywhere.
fn unknown_language(field: &str, name: &str) -> Vec<Document> {
    if field.contains('$') {
        return vec![Document::new()];
    }
    let unknown = doc! { "$exists": true, "$nin": LANGUAGES.map(Bson::from).to_vec() };
    let mut any = vec![doc! { name: unknown.clone() }, doc! { name: { "$type": "array" } }];
    for (dot, _) in field.match_indices('.') {
        let language = format!("{}.{name}", &field[..dot]);
        any.push(doc! { &language: unknown.clone() });
        any.push(doc! { "$and": [doc! { &language: { "$exists": true } }, is_array(&language)] });
    }
    any
}

/// Matches documents whose field is not a valid point on earth. An array of points is always matched.
fn not_on_earth(path: &str) -> Document {
    let several = doc! { format!("{path}.0"): { "$type": ["object", "array"] } };
    let elsewhere = doc! { path: { "$not": { "$geoWithin": { "$centerSphere": [[0, 0], EVERYWHERE] } } } };
    let mut any = vec![several, elsewhere];
    any.extend(path.match_indices('.').map(|(dot, _)| is_array(&path[..dot])));
    doc! { "$and": [{ path: { "$exists": true, "$ne": null } }, { "$or": any }] }
}

/// Matches documents whose field is not a pair of numbers within the bounds.
fn not_on_plane(path: &str, spec: &Document) -> Document {
    let bound = |name: &str, default: i32| spec.get(name).cloned().unwrap_or(Bson::Int32(default));
    let within = doc! { "$type": "number", "$gte": bound("min", -180), "$lt": bound("max", 180) };
    let pair = doc! { path: { "$size": 2 }, format!("{path}.0"): within.clone(), format!("{path}.1"): within };
    doc! { path: { "$exists": true, "$ne": null }, "$nor": [pair] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simple_index_accepts_every_document() {
        assert_eq!(suspects(&doc! { "a": 1 }, &doc! {}), None);
        assert_eq!(suspects(&doc! { "$**": 1 }, &doc! {}), None);
        assert!(suspects(&doc! { "a": 1, "b": 1 }, &doc! {}).is_some());
        assert!(suspects(&doc! { "a": "hashed" }, &doc! {}).is_some());
        assert!(suspects(&doc! { "a": "text" }, &doc! {}).is_some());
    }
}
