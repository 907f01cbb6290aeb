//! A parser for Rust's debug notation (`{:?}`), in which the driver formats a refused write.

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document};

/// Parses a struct as a document, `Some(x)` and the like as `x`, and a bare name as null. Returns `None` for anything else.
pub(super) fn parse(text: &str) -> Option<Bson> {
    Reader(text).value()
}

struct Reader<'t>(&'t str);

impl Reader<'_> {
    fn value(&mut self) -> Option<Bson> {
        match self.peek()? {
            '"' => self.string().map(Bson::String),
            '[' => self.list('[', ']'),
            '{' => self.fields().map(Bson::Document),
            c if c.is_ascii_digit() || c == '-' => self.number(),
            _ => self.named(),
        }
    }

    fn named(&mut self) -> Option<Bson> {
        let end = self.0.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        self.0 = rest;
        match (name, self.peek()) {
            ("", _) => None,
            ("true", _) => Some(true.into()),
            ("false", _) => Some(false.into()),
            (_, Some('{')) => self.fields().map(Bson::Document),
            (_, Some('(')) => {
                let Bson::Array(mut inner) = self.list('(', ')')? else { return None };
                let inner = inner.pop()?;
                let id = inner.as_str().filter(|_| name == "ObjectId").and_then(|id| ObjectId::parse_str(id).ok());
                Some(id.map_or(inner, Bson::ObjectId))
            }
            _ => Some(Bson::Null),
        }
    }

    fn list(&mut self, open: char, close: char) -> Option<Bson> {
        self.take(open)?;
        let mut items = Vec::new();
        while self.peek()? != close {
            items.push(self.value()?);
            self.comma(close)?;
        }
        self.take(close)?;
        Some(Bson::Array(items))
    }

    /// Fields of a struct or a map.
    fn fields(&mut self) -> Option<Document> {
        self.take('{')?;
        let mut fields = Document::new();
        while self.peek()? != '}' {
            let name = if self.peek()? == '"' {
                self.string()?
            } else {
                let (name, _) = self.0.split_once(':')?;
                self.0 = &self.0[name.len()..];
                name.to_owned()
            };
            self.take(':')?;
            fields.insert(name, self.value()?);
            self.comma('}')?;
        }
        self.take('}')?;
        Some(fields)
    }

    fn number(&mut self) -> Option<Bson> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
        let end = self.0.find(|c| !is_part(c)).unwrap_or(self.0.len());
        let (number, rest) = self.0.split_at(end);
        self.0 = rest;
        let whole = number.parse().map(|whole: i64| i32::try_from(whole).map_or(Bson::Int64(whole), Bson::Int32));
        whole.ok().or_else(|| number.parse().ok().map(Bson::Double))
    }

    fn string(&mut self) -> Option<String> {
        self.take('"')?;
        let mut text = String::new();
        let mut characters = self.0.char_indices();
        loop {
            let (at, c) = characters.next()?;
            match c {
                '"' => {
                    self.0 = &self.0[at + 1..];
                    return Some(text);
                }
                '\\' => text.push(match characters.next()?.1 {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    '0' => '\0',
                    'u' => {
                        let code: String =
                            characters.by_ref().map(|(_, c)| c).skip(1).take_while(|c| *c != '}').collect();
                        u32::from_str_radix(&code, 16).ok().and_then(char::from_u32)?
                    }
                    other => other,
                }),
                c => text.push(c),
            }
        }
    }

    /// The next character after white space.
    fn peek(&mut self) -> Option<char> {
        self.0 = self.0.trim_start();
        self.0.chars().next()
    }

    fn take(&mut self, expected: char) -> Option<()> {
        self.peek()?;
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    /// A comma between two items.
    fn comma(&mut self, close: char) -> Option<()> {
        if self.peek()? == close { Some(()) } else { self.take(',') }
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    #[derive(Debug)]
    #[expect(dead_code, reason = "only its notation is read")]
    struct Write {
        code: i32,
        name: Option<String>,
        details: Option<Document>,
        at: Vec<bool>,
    }

    #[test]
    fn what_is_written_is_read_back() {
        let id = ObjectId::from_bytes([7; 12]);
        let details = doc! {
            "id": id, "n": 2, "l": -3_i64, "d": 1.5, "s": "a \"b\"\n\u{1f}{}[](),:\\", "x": null, "a": [{ "b": true }, "c"], "e": {},
        };
        let write = Write { code: -1, name: None, details: Some(details.clone()), at: vec![true] };
        let mut expected = details;
        expected.insert("l", -3);
        let read = parse(&format!("{write:?}")).unwrap();
        assert_eq!(read, doc! { "code": -1, "name": null, "details": expected, "at": [true] }.into());
    }

    #[test]
    fn what_is_cut_off_is_nothing() {
        for text in ["", "A {", "[1, 2", "\"abc", "A(1", "?", "{ a }"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
