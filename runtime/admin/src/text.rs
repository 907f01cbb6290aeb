//! Texts with characters that nobody sees, or that change how others are seen.

use std::borrow::Cow;
use std::fmt::Write;

/// Shows invisible characters as Rust's escapes, such as `\u{202e}`. Keeps line breaks.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    replaced(text, |character, shown| write!(shown, "{}", character.escape_unicode()))
}

/// Writes invisible characters in a JSON text as JSON's escapes, such as `\u202e`: the same values, but safe to print. JSON itself
/// only escapes ASCII control characters.
pub(crate) fn visible_json(text: &str) -> Cow<'_, str> {
    replaced(text, |character, shown| {
        character.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(shown, "\\u{unit:04x}"))
    })
}

fn replaced(text: &str, escape: impl Fn(char, &mut String) -> std::fmt::Result) -> Cow<'_, str> {
    if !text.chars().any(is_invisible) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_invisible(character) {
            // Writing to a string cannot fail.
            let _ = escape(character, &mut shown);
        } else {
            shown.push(character);
        }
    }
    shown.into()
}

/// Control characters, characters without width, and those that change the direction of writing.
pub(crate) fn is_invisible(character: char) -> bool {
    let has_no_width = matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    (character.is_control() && character != '\n') || has_no_width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_shown_as_escapes() {
        assert_eq!(visible("a\u{202e}b\r\u{0}\nc ä"), "a\\u{202e}b\\u{d}\\u{0}\nc ä");
        assert!(matches!(visible("plain ä\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_keeps_its_values() {
        let value = serde_json::json!({ "name": "a\u{202e}b\u{7f}\u{e0041}\r\n ä" });
        let text = value.to_string();
        let shown = visible_json(&text);
        assert_eq!(shown, "{\"name\":\"a\\u202eb\\u007f\\udb40\\udc41\\r\\n ä\"}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
