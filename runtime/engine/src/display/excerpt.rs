//! Texts and documents cut to what is worth storing and showing, with a note of what they were.
//!
//! A document of the server holds 16 MB. What is longer than that is not stored at all, so that an error that quotes
//! what it met must not decide whether it is on record (I6).

use std::borrow::Cow;

use mongodb::bson::{Bson, Document};

use crate::display::count::Count;

/// Longest text of a record or an entry of the history, in bytes: a description, a name, a reason.
const TEXT: usize = 16 * 1024;

/// Longest message of an error, in bytes, and the most that its causes take together: 64 kB in all.
const MESSAGE: usize = 32 * 1024;
const CAUSES: usize = 32 * 1024;

/// The most causes of one error. Each of them gets its share, because the last one is the root.
const CAUSES_LISTED: usize = 32;

/// The longest document quoted in a report, in bytes, roughly.
const DOCUMENT: usize = 16 * 1024;

/// The least of a text that is quoted, in bytes.
const LEAST: usize = 64;

/// A text of a record or an entry of the history.
pub(crate) fn shorten(text: &mut String) {
    cut(text, TEXT);
}

/// The message of an error.
pub(crate) fn shorten_message(message: &mut String) {
    cut(message, MESSAGE);
}

/// The causes of an error, outermost first.
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

/// A document that is quoted: its first fields, and of these the beginnings.
pub(crate) fn shorten_document(document: Document) -> Document {
    Budget(DOCUMENT).document(document)
}

/// A value that is quoted.
pub(crate) fn shorten_value(value: Bson) -> Bson {
    Budget(DOCUMENT).value(value)
}

/// Leaves at most `limit` bytes, of which the last ones say how many there were.
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

/// The longest beginning of a text that takes at most `limit` bytes. `str::floor_char_boundary` needs Rust 1.91.
pub(crate) fn truncated(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    &text[..end]
}

/// How many bytes a quoted document may still take.
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
            // Cut, it would look whole.
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
            // The place of an element is stored as its name.
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
    fn a_text_is_cut_between_characters_and_once() {
        // Both parities, so that one of them falls into a character.
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
    fn every_cause_has_its_share_and_the_root_stays() {
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
    fn a_document_is_quoted_in_part() {
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
