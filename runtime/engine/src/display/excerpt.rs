//! Shortens texts and documents that are stored or reported, and notes their original size.
//!
//! The server limits a document to 16 MB. Without this, an error that quotes a large document could not be recorded (I6).

use std::borrow::Cow;

use mongodb::bson::{Bson, Document};

use crate::display::count::Count;

/// Maximum length of a text in a record or a history entry, in bytes: a description, a name, a reason.
const TEXT: usize = 16 * 1024;

/// Maximum length of an error message, in bytes, and of all its causes together: 64 kB in total.
const MESSAGE: usize = 32 * 1024;
const CAUSES: usize = 32 * 1024;

/// Maximum number of causes of one error. All of them are shortened equally, because the last one is the root cause.
const CAUSES_LISTED: usize = 32;

/// Approximate maximum size of a document in a report, in bytes.
const DOCUMENT: usize = 16 * 1024;

/// Length up to which a text is never shortened, in bytes.
const LEAST: usize = 64;

/// Shortens a text of a record or a history entry.
pub(crate) fn shorten(text: &mut String) {
    cut(text, TEXT);
}

/// Shortens an error message.
pub(crate) fn shorten_message(message: &mut String) {
    cut(message, MESSAGE);
}

/// Shortens the causes of an error, outermost first.
pub(crate) fn shorten_causes(causes: &mut Vec<String>) {
    let count = causes.len();
    if count > CAUSES_LISTED {
        let left_out = count + 1 - CAUSES_LISTED;
        let note = format!("… ({} causes left out)", Count(left_out as u64));
        causes.splice(CAUSES_LISTED - 2..count - 1, [note]);
    }
    if causes.iter().map(String::len).sum::<usize>() > CAUSES {
        let share = CAUSES / causes.len();
        for cause in causes {
            cut(cause, share);
        }
    }
}

/// Shortens a document: keeps the first fields, and the beginning of each.
pub(crate) fn shorten_document(document: Document) -> Document {
    Budget(DOCUMENT).document(document)
}

/// Shortens a value.
pub(crate) fn shorten_value(value: Bson) -> Bson {
    Budget(DOCUMENT).value(value)
}

/// Shortens a text to at most `limit` bytes, including a note of the original length.
fn cut(text: &mut String, limit: usize) {
    if let Cow::Owned(cut) = excerpt(text, limit) {
        *text = cut;
    }
}

fn excerpt(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit {
        return text.into();
    }
    let note = format!("… ({} bytes in all)", Count(text.len() as u64));
    format!("{}{note}", truncated(text, limit.saturating_sub(note.len()))).into()
}

/// Returns the longest prefix of at most `limit` bytes. `str::floor_char_boundary` needs Rust 1.91.
pub(crate) fn truncated(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    &text[..end]
}

/// The remaining size of a shortened document, in bytes.
struct Budget(usize);

impl Budget {
    fn document(&mut self, document: Document) -> Document {
        let mut fields = document.into_iter();
        let mut quoted = Document::new();
        while let Some((name, value)) = fields.next() {
            if self.0 == 0 {
                let left = Count(fields.count() as u64 + 1);
                quoted.insert("…", format!("{left} more fields"));
                break;
            }
            let name = self.text(&name);
            let value = self.value(value);
            quoted.insert(name, value);
        }
        quoted
    }

    fn value(&mut self, value: Bson) -> Bson {
        match value {
            Bson::String(text) => Bson::String(self.text(&text)),
            Bson::JavaScriptCode(code) => Bson::JavaScriptCode(self.text(&code)),
            Bson::Symbol(symbol) => Bson::Symbol(self.text(&symbol)),
            Bson::Document(document) => {
                self.spend(2 * size_of::<i32>());
                Bson::Document(self.document(document))
            }
            Bson::Array(values) => Bson::Array(self.array(values)),
            // A truncated value would look complete.
            Bson::Binary(binary) if binary.bytes.len() > self.0.max(LEAST) => {
                Bson::String(format!("… (binary, {} bytes in all)", Count(binary.bytes.len() as u64)))
            }
            Bson::Binary(binary) => {
                self.spend(binary.bytes.len());
                Bson::Binary(binary)
            }
            other => {
                self.spend(size_of::<u64>());
                other
            }
        }
    }

    fn array(&mut self, values: Vec<Bson>) -> Vec<Bson> {
        let mut values = values.into_iter();
        let mut quoted = Vec::new();
        while let Some(value) = values.next() {
            if self.0 == 0 {
                quoted.push(Bson::String(format!("… ({} more)", Count(values.len() as u64 + 1))));
                break;
            }
            // BSON stores the index of an element as its name.
            self.spend(size_of::<u64>());
            quoted.push(self.value(value));
        }
        quoted
    }

    fn text(&mut self, text: &str) -> String {
        let quoted = excerpt(text, self.0.max(LEAST)).into_owned();
        self.spend(quoted.len());
        quoted
    }

    fn spend(&mut self, bytes: usize) {
        self.0 = self.0.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::spec::BinarySubtype;
    use mongodb::bson::{Binary, doc};

    use super::*;

    #[test]
    fn a_text_is_shortened_once_and_between_characters() {
        // With one of the two, the limit is in the middle of a character.
        for start in ["", "x"] {
            let mut text = start.to_owned() + &"é".repeat(TEXT);
            shorten(&mut text);
            assert!(text.len() <= TEXT && text.len() > TEXT - 2, "{}", text.len());
            assert!(text.starts_with(&format!("{start}éé")) && text.ends_with(" bytes in all)"), "{text}");
            let once = text.clone();
            shorten(&mut text);
            assert_eq!(text, once);
        }
        let mut short = "x".repeat(TEXT);
        shorten(&mut short);
        assert_eq!(short, "x".repeat(TEXT));
    }

    #[test]
    fn causes_are_shortened_equally_and_the_root_is_kept() {
        let mut causes: Vec<_> = (0..100).map(|n| format!("{n} ") + &"é".repeat(CAUSES)).collect();
        causes.push("the root".to_owned());
        shorten_causes(&mut causes);
        assert_eq!(causes.len(), CAUSES_LISTED);
        assert!(causes.iter().map(String::len).sum::<usize>() <= CAUSES);
        assert!(causes[29].starts_with("29 éé"));
        assert_eq!((causes[30].as_str(), causes[31].as_str()), ("… (70 causes left out)", "the root"));
        let once = causes.clone();
        shorten_causes(&mut causes);
        assert_eq!(causes, once);
    }

    #[test]
    fn a_large_document_is_shortened() {
        let small = doc! { "a": "b", "c": [1, { "d": 2.5 }], "e": Bson::Null };
        assert_eq!(shorten_document(small.clone()), small);

        let bytes = Binary { subtype: BinarySubtype::Generic, bytes: vec![0; DOCUMENT + 1] };
        let large = doc! { "bytes": bytes, "n": 1, "list": vec![1; 100_000], "after": 1, "last": 1 };
        let quoted = shorten_document(large);
        assert_eq!(quoted.get_str("bytes").unwrap(), "… (binary, 16,385 bytes in all)");
        assert_eq!(quoted.get_i32("n").unwrap(), 1);
        let list = quoted.get_array("list").unwrap();
        assert!(list.len() < 2_000 && list.last().unwrap().as_str().unwrap().ends_with(" more)"));
        assert_eq!(quoted.get_str("…").unwrap(), "2 more fields");

        let names = shorten_document([("é".repeat(DOCUMENT), Bson::Int32(1))].into_iter().collect());
        assert!(names.keys().next().unwrap().len() <= DOCUMENT);
    }
}
