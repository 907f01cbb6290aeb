//! The driver's errors in the texts of other errors. `anyhow` and `#[error(transparent)]` hide the type of the error that they wrap,
//! and a message that quotes its source contains the driver's own text: kind, labels and reply in Rust's debug notation.

use std::borrow::Cow;

use mongodb::bson::{Bson, Document};

use super::codes::{self, Class};
use super::notation;
use super::sentence::{Refused, in_words};

/// A driver's error, parsed from its `Display` output.
struct Quoted<'t> {
    kind: &'t str,
    labels: &'t str,
    /// The server's reply, if the text contains it.
    reply: Option<Document>,
    /// The writes that the server refused.
    writes: Vec<Document>,
}

const KIND: &str = "Kind: ";
const LABELS: &str = ", labels: {";
const REPLY: &str = ", server response: ";
const REPLIED: &str = "Some(RawDocumentBuf { data: \"";

/// Replaces each error of the driver in a text by a sentence.
pub(super) fn readable(text: &str) -> Cow<'_, str> {
    let first = text.find(KIND);
    let mut text = Cow::Borrowed(text);
    let mut end = text.len();
    // Last one first, because an error that quotes another begins before it.
    while let Some(start) = text[..end].rfind(KIND) {
        let quoted = Quoted::parse(&text[start..]);
        // Inside another error it may be part of a document.
        if let Some((length, quoted)) = quoted.filter(|(_, quoted)| Some(start) == first || is_whole(quoted.kind)) {
            let sentence = quoted.sentence();
            text.to_mut().replace_range(start..start + length, &sentence);
        }
        end = start;
    }
    text
}

/// Classifies the first error of the driver that a text quotes.
pub(super) fn class(text: &str) -> Option<Class> {
    let (_, quoted) = Quoted::parse(&text[text.find(KIND)?..])?;
    Some(quoted.class())
}

/// Whether the brackets are balanced.
fn is_whole(text: &str) -> bool {
    let depth = text.chars().try_fold(0_u32, |depth, c| match c {
        '(' | '[' | '{' => Some(depth + 1),
        ')' | ']' | '}' => depth.checked_sub(1),
        _ => Some(depth),
    });
    depth == Some(0)
}

impl<'t> Quoted<'t> {
    /// Parses an error at the beginning of the text. Returns its length as well.
    fn parse(text: &'t str) -> Option<(usize, Self)> {
        let (kind, rest) = text.strip_prefix(KIND)?.split_once(LABELS)?;
        let (labels, rest) = rest.split_once('}')?;
        let (reply, rest) = match rest.split_once(REPLY) {
            None => (None, ""),
            Some((_, rest)) => match rest.strip_prefix(REPLIED).and_then(|rest| rest.split_once("\" })")) {
                Some((digits, rest)) => (bytes(digits).and_then(|bytes| Document::from_reader(&*bytes).ok()), rest),
                None => (None, rest.strip_prefix("None")?),
            },
        };
        let quoted = Self { kind, labels, reply, writes: writes(kind).unwrap_or_default() };
        Some((text.len() - rest.len(), quoted))
    }

    /// The first write that the server refused, or else the command.
    fn refused(&self) -> Option<Refused<'_>> {
        if let Some(first) = self.writes.first() {
            return Some(Refused {
                message: first.get_str("message").ok()?,
                name: None,
                code: first.get_i32("code").ok()?,
                index: first.get_i32("index").ok().and_then(|index| usize::try_from(index).ok()),
                info: first.get_document("details").ok(),
                more: self.writes.len() - 1,
            });
        }
        let (code, rest) = self.kind.strip_prefix("Command failed: Error code ")?.split_once(" (")?;
        let (name, message) = rest.split_once("): ")?;
        let info = self.reply.as_ref().and_then(|reply| reply.get_document("errInfo").ok());
        Some(Refused { info, ..Refused::named(message, name, code.parse().ok()?) })
    }

    /// The text of [`Readable`](super::Readable).
    fn sentence(&self) -> String {
        match self.refused() {
            Some(refused) => refused.to_string(),
            None => in_words(self.kind.strip_prefix("Custom user error: ").unwrap_or(self.kind)),
        }
    }

    fn class(&self) -> Class {
        match self.refused().map(|refused| codes::class(refused.code, refused.message)) {
            Some(class) if class != Class::Permanent => class,
            _ if ["I/O error", "Connection pool"].iter().any(|start| self.kind.starts_with(start)) => Class::Now,
            _ if !self.labels.is_empty() || self.kind.starts_with("Server selection timeout") => Class::Later,
            _ => Class::Permanent,
        }
    }
}

/// Parses the writes in the text of a kind.
fn writes(kind: &str) -> Option<Vec<Document>> {
    let many = "An error occurred when trying to execute an insert_many operation: ";
    let one = "An error occurred when trying to execute a write operation: ";
    let Bson::Document(mut failure) = notation::parse(kind.strip_prefix(many).or_else(|| kind.strip_prefix(one))?)?
    else {
        return None;
    };
    if failure.contains_key("code") {
        return Some(vec![failure]);
    }
    match (failure.remove("write_errors"), failure.remove("write_concern_error")) {
        (Some(Bson::Array(errors)), _) if !errors.is_empty() => Some(
            errors
                .into_iter()
                .filter_map(|error| if let Bson::Document(error) = error { Some(error) } else { None })
                .collect(),
        ),
        (_, Some(Bson::Document(concern))) => Some(vec![concern]),
        _ => None,
    }
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;
    use mongodb::error::Error as DriverError;

    use super::super::Readable;
    use super::*;

    #[test]
    fn words_are_sorted_as_the_errors_themselves() {
        for (text, expected) in [
            (
                "Kind: Command failed: Error code 50 (MaxTimeMSExpired): too slow, labels: {}, source: None",
                Some(Class::Later),
            ),
            (
                "Kind: Command failed: Error code 85 (IndexOptionsConflict): no, labels: {}, source: None",
                Some(Class::Permanent),
            ),
            (
                "Kind: Command failed: Error code 85 (X): no, labels: {\"RetryableWriteError\"}, source: None",
                Some(Class::Later),
            ),
            (
                "saving: Kind: I/O error: reset, labels: {}, source: None, server response: None; sorry",
                Some(Class::Now),
            ),
            ("Kind: of blue", None),
            ("no", None),
        ] {
            assert_eq!(class(text), expected, "{text}");
        }
    }

    #[test]
    fn an_error_of_the_driver_is_a_sentence_wherever_it_is_quoted() {
        let driver = DriverError::custom("no such plugin".to_owned());
        assert_eq!(readable(&driver.to_string()), Readable(&driver).to_string());
        assert_eq!(readable(&format!("first {driver}, then {driver}.")), "first no such plugin, then no such plugin.");
        assert_eq!(readable("Kind: of blue"), "Kind: of blue");
    }

    /// The driver keeps no reply of an `insert_many`.
    #[test]
    fn a_refused_write_names_its_document() {
        let details = doc! { "failingDocumentId": 2, "details": {
            "operatorName": "$jsonSchema",
            "schemaRulesNotSatisfied": [{ "operatorName": "required", "missingProperties": ["email"] }],
        } };
        for (kind, write, told) in [
            (
                "an insert_many operation: InsertManyError",
                format!("write_errors: Some([IndexedWriteError {{ index: 1, code: 121, code_name: None, message: \"Document failed validation\", \
                     details: {:?} }}]), write_concern_error: None, inserted_ids: {{0: Int32(1)}}", Some(details)),
                "Document failed validation: _id 2, missing: email (code 121)",
            ),
            (
                "a write operation: WriteError(WriteError",
                "code: 11000, code_name: None, message: \"E11000 duplicate key: { a: \\\"Kind: b\\\" }\", details: None".to_owned(),
                "E11000 duplicate key: { a: \"Kind: b\" } (code 11000)",
            ),
        ] {
            let close = if kind.ends_with("(WriteError") { " })" } else { " }" };
            let text = format!(
                "saving: Kind: An error occurred when trying to execute {kind} {{ {write}{close}, labels: {{}}, source: None, server response: None"
            );
            assert_eq!(readable(&text), format!("saving: {told}"));
        }
    }

    #[test]
    fn one_that_quotes_another_is_a_sentence() {
        let inner = DriverError::from(std::io::Error::other("reset"));
        let outer = DriverError::custom(format!("the pool was cleared, because of: {inner}"));
        assert_eq!(readable(&outer.to_string()), "the pool was cleared, because of: I/O error: reset");
    }
}
