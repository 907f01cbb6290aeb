//! Connection strings in the wrong place: what somebody mistypes is quoted in the error about it, and ends up in a log.

use std::borrow::Cow;

use clap::error::{ContextKind, ContextValue};

/// The text without the user and the password of any connection string in it.
pub(super) fn discreet(text: &str) -> Cow<'_, str> {
    let mut told = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        told.push_str(before);
        told.push_str("://");
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`')).unwrap_or(after.len());
        // A password may have an @ in it that should have been escaped.
        rest = after;
        if let Some((_, server)) = after[..end].rsplit_once('@') {
            told.push_str("***@");
            rest = &after[end - server.len()..];
        }
    }
    if told.is_empty() {
        return Cow::Borrowed(text);
    }
    told.push_str(rest);
    Cow::Owned(told)
}

/// The same for what clap has to say.
pub(super) fn discreet_error(mut error: clap::Error) -> clap::Error {
    let quoted: Vec<(ContextKind, ContextValue)> = error.context().map(|(kind, value)| (kind, value.clone())).collect();
    for (kind, value) in quoted {
        match value {
            ContextValue::String(text) => {
                error.insert(kind, ContextValue::String(discreet(&text).into_owned()));
            }
            ContextValue::Strings(texts) => {
                let texts = texts.iter().map(|text| discreet(text).into_owned()).collect();
                error.insert(kind, ContextValue::Strings(texts));
            }
            // Styled, with what was typed in it.
            ContextValue::StyledStr(text) if text.to_string().contains("://") => {
                error.remove(kind);
            }
            ContextValue::StyledStrs(texts) if texts.iter().any(|text| text.to_string().contains("://")) => {
                error.remove(kind);
            }
            _ => {}
        }
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_left_out() {
        for (text, told) in [
            ("mongodb://ana:secret@a:1,b:2/shop", "mongodb://***@a:1,b:2/shop"),
            ("'mongodb+srv://ana:sec@re/t@a' is odd", "'mongodb+srv://***@a' is odd"),
            ("one mongodb://a:b@c and two mongodb://d@e/f?g=h@i", "one mongodb://***@c and two mongodb://***@i"),
            ("mongodb://localhost/shop", "mongodb://localhost/shop"),
            ("see https://a.b/c: d@e", "see https://a.b/c: d@e"),
            ("nobody@nowhere", "nobody@nowhere"),
        ] {
            assert_eq!(discreet(text), told);
        }
    }
}
