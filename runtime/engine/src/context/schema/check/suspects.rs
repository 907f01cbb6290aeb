//! Documents that an index may reject.

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::error::{Error, Result};

use super::scratch::{Scratch, refusal, scratch_options};
use super::{Check, Described};
use crate::context::schema::command::limited;
use crate::display::{Json, plural, shorten_value};

/// Maximum number of documents that are tried in the index, and their maximum total size in bytes.
const TRIED: usize = 1_000;
const TRIED_BYTES: usize = 16 * 1024 * 1024;

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

/// Documents that an index may reject.
struct Suspects {
    documents: Vec<RawDocumentBuf>,
    /// Whether there are more.
    more: bool,
}

impl Check<'_> {
    /// Checks whether the index accepts the existing documents.
    pub(super) async fn documents(&mut self, stored: &str, there: Option<&Described>, spec: &Document) -> Result<()> {
        let keys = spec.get_document("key").cloned().unwrap_or_default();
        let unique = spec.get_bool("unique").unwrap_or(false);
        let mut filter = suspects(&keys, spec);
        if unique && !self.duplicates(stored, &keys, spec).await? {
            filter = Some(Document::new());
        }
        let Some(filter) = filter else { return Ok(()) };
        let Suspects { documents, more } = self.suspects(stored, filter, spec).await?;
        if documents.is_empty() || self.found.is_obstacle() {
            return Ok(());
        }
        if !self.projection.transactional {
            self.cannot_tell(format!("the index may reject {}", plural(documents.len() as u64, "document")));
            return Ok(());
        }
        let mut scratch = Scratch::begin(self.database, self.max_time).await?;
        let options = there.map(|there| scratch_options(&there.options)).unwrap_or_default();
        let held = hold(&mut scratch, &options, spec, &documents).await;
        scratch.end().await;
        match held? {
            Err(error) => {
                let id = first_rejected(&error).and_then(|index| id(documents.get(index)?));
                if let Some(id) = id {
                    self.note(format!("the index rejects the document with `_id` {id}"));
                }
                self.answered(&error);
            }
            Ok(()) if more => self.cannot_tell(format!(
                "the server was asked about {} that the index may be unable to hold, but there are more",
                plural(documents.len() as u64, "document")
            )),
            Ok(()) => {}
        }
        Ok(())
    }

    async fn suspects(&self, stored: &str, filter: Document, spec: &Document) -> Result<Suspects> {
        let filters = [Some(filter), spec.get_document("partialFilterExpression").ok().cloned()];
        let filters: Vec<_> = filters.into_iter().flatten().map(Bson::Document).collect();
        let limit = i64::try_from(TRIED).unwrap_or(i64::MAX) + 1;
        let mut find = doc! { "find": stored, "filter": { "$and": filters }, "limit": limit };
        if let Some(collation) = spec.get("collation") {
            find.insert("collation", collation.clone());
        }
        let found = self.database.run_cursor_command(limited(find, self.max_time)).await?;
        let mut found = found.with_type::<RawDocumentBuf>();
        let (mut documents, mut bytes) = (Vec::new(), 0);
        while let Some(document) = found.try_next().await? {
            bytes += document.as_bytes().len();
            if documents.len() == TRIED || bytes > TRIED_BYTES {
                return Ok(Suspects { documents, more: true });
            }
            documents.push(document);
        }
        Ok(Suspects { documents, more: false })
    }
}

/// Inserts documents into a collection with the index.
async fn hold(
    scratch: &mut Scratch,
    options: &Document,
    spec: &Document,
    documents: &[RawDocumentBuf],
) -> Result<std::result::Result<(), Error>> {
    // The server cannot insert into a capped collection in a transaction.
    let capped = |key: &String| ["capped", "size", "max"].contains(&key.as_str());
    let options = options.iter().filter(|(key, _)| !capped(key)).map(|(key, value)| (key.clone(), value.clone()));
    scratch.create(&options.collect()).await?;
    scratch.create_indexes(std::slice::from_ref(spec)).await?;
    refusal(scratch.insert(documents).await)
}

/// Returns a filter that matches all documents that an index with these keys may reject, and perhaps others. `None` if the index
/// accepts every document.
fn suspects(keys: &Document, spec: &Document) -> Option<Document> {
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

fn first_rejected(error: &Error) -> Option<usize> {
    match &*error.kind {
        mongodb::error::ErrorKind::InsertMany(many) => many.write_errors.as_ref()?.first().map(|first| first.index),
        _ => None,
    }
}

fn id(document: &RawDocumentBuf) -> Option<String> {
    let document = Document::try_from(document.as_ref()).ok()?;
    document.get("_id").map(|id| Json(&shorten_value(id.clone())).to_string())
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
