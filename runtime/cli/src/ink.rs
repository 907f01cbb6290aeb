//! Colors, and escaping of control characters.
//!
//! A text to print contains both the program's own styles and foreign text, such as a name on record or an error that quotes a
//! document. [`rendered`] has to distinguish them. So a style begins with an escape sequence that contains a random number of this
//! process, and every other control character is escaped.

use std::collections::hash_map::RandomState;
use std::fmt::{self, Display, Write};
use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;

/// The parameters of an escape sequence for a style (SGR).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ink(&'static str);

pub(super) const NONE: Ink = Ink("");
pub(super) const BOLD: Ink = Ink("1");
pub(super) const DIM: Ink = Ink("2");
pub(super) const RED: Ink = Ink("31");
pub(super) const GREEN: Ink = Ink("32");
pub(super) const YELLOW: Ink = Ink("33");
pub(super) const MAGENTA: Ink = Ink("35");
pub(super) const CYAN: Ink = Ink("36");
pub(super) const BOLD_RED: Ink = Ink("31;1");
pub(super) const BOLD_GREEN: Ink = Ink("32;1");
pub(super) const BOLD_YELLOW: Ink = Ink("33;1");
pub(super) const BOLD_BLUE: Ink = Ink("34;1");

/// The reset sequence of [`Style`](console::Style) and of tables.
const RESET: &str = "\u{1b}[0m";

/// The end of our escape sequences: a random number, split into parts that are valid parameters.
static OURS: LazyLock<String> = LazyLock::new(|| {
    let mut number = RandomState::new().build_hasher().finish();
    let mut part = || {
        number /= 10_000;
        number % 10_000
    };
    format!(";{:04};{:04};{:04}m", part(), part(), part())
});

/// A text in a style, for [`rendered`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Painted<T>(Ink, T);

impl Ink {
    pub(super) fn paint<T: Display>(self, text: T) -> Painted<T> {
        Painted(self, text)
    }
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Ink(parameters), text) = self;
        if parameters.is_empty() {
            return text.fmt(f);
        }
        write!(f, "\u{1b}[{parameters}{}", *OURS)?;
        text.fmt(f)?;
        f.write_str(RESET)
    }
}

/// Renders a text with or without its own styles. Escapes all other control characters and those that change the text direction.
pub(super) fn rendered(text: &str, colors: bool) -> String {
    let mut printed = String::with_capacity(text.len());
    let (mut rest, mut is_styled) = (text, false);
    while let Some(c) = rest.chars().next() {
        if let Some((parameters, after)) = ours(rest) {
            if colors {
                let _ = write!(printed, "\u{1b}[{parameters}m");
            }
            (rest, is_styled) = (after, true);
        } else if let (Some(after), true) = (rest.strip_prefix(RESET), is_styled) {
            if colors {
                printed.push_str(RESET);
            }
            (rest, is_styled) = (after, false);
        } else {
            if is_dangerous(c) && c != '\n' {
                printed.extend(c.escape_unicode());
            } else {
                printed.push(c);
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    printed
}

/// The parameters of an escape sequence of ours, and the rest of the text.
fn ours(text: &str) -> Option<(&str, &str)> {
    let sequence = text.strip_prefix("\u{1b}[")?;
    let end = sequence.find(|c: char| !(c.is_ascii_digit() || c == ';'))?;
    let (sequence, after) = sequence.split_at_checked(end + 1)?;
    Some((sequence.strip_suffix(OURS.as_str())?, after))
}

/// Escapes the characters that JSON does not, but a terminal interprets.
pub(super) fn rendered_json(text: &str) -> String {
    let mut printed = String::with_capacity(text.len());
    for c in text.chars() {
        if is_dangerous(c) && c != '\n' {
            let _ = write!(printed, "\\u{:04x}", u32::from(c));
        } else {
            printed.push(c);
        }
    }
    printed
}

/// Control characters, and those that change the text direction.
fn is_dangerous(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_styles_are_printed_or_left_out() {
        let text = format!("{} and {}", RED.paint("red"), BOLD_BLUE.paint(7));
        assert_eq!(rendered(&text, true), "\u{1b}[31mred\u{1b}[0m and \u{1b}[34;1m7\u{1b}[0m");
        assert_eq!(rendered(&text, false), "red and 7");
        assert_eq!(console::measure_text_width(&text), "red and 7".len());
        assert_eq!(NONE.paint("plain").to_string(), "plain");
    }

    #[test]
    fn everything_else_is_spelled_out() {
        for colors in [true, false] {
            for (text, printed) in [
                ("two\nlines", "two\nlines"),
                ("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m"),
                ("\u{1b}[31;0000;0000;0000mred", "\\u{1b}[31;0000;0000;0000mred"),
                ("\u{1b}[2J\u{7}\u{8}\r\t", "\\u{1b}[2J\\u{7}\\u{8}\\u{d}\\u{9}"),
                ("\u{9b}2J\u{7f}", "\\u{9b}2J\\u{7f}"),
                ("abc\u{202e}cba", "abc\\u{202e}cba"),
                ("\u{1b}", "\\u{1b}"),
                ("\u{1b}[31é", "\\u{1b}[31é"),
                ("größer ✓", "größer ✓"),
            ] {
                assert_eq!(rendered(text, colors), printed);
                assert_eq!(rendered(&rendered(text, colors), colors), printed);
            }
        }
    }

    #[test]
    fn a_foreign_text_in_a_style_ends_with_it() {
        let text = RED.paint("a\u{1b}[0m\u{1b}[0mb").to_string();
        assert_eq!(rendered(&text, true), "\u{1b}[31ma\u{1b}[0m\\u{1b}[0mb\\u{1b}[0m");
    }

    #[test]
    fn json_stays_json() {
        let text = serde_json::json!({ "by": "a\u{9b}2J\u{1b}[2J\u{7f}\u{202e}" }).to_string();
        let printed = rendered_json(&text);
        assert!(printed.is_ascii() && !printed.contains(char::is_control), "{printed}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&printed).unwrap(),
            serde_json::from_str::<serde_json::Value>(&text).unwrap()
        );
    }
}
