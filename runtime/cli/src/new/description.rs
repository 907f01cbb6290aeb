//! A text for a doc comment.

use crate::failure::Failure;

/// The text as it can stand in a comment.
pub(super) fn check(text: &str) -> Result<String, Failure> {
    let text = text.replace("\r\n", "\n").replace('\t', " ").trim().to_owned();
    if text.is_empty() {
        return Err(Failure::usage("the description is empty").help("leave it out, and the name becomes a sentence"));
    }
    match text.chars().find(|&c| c != '\n' && (c.is_control() || turns_text(c))) {
        Some(odd) => Err(Failure::usage(format!("`{}` cannot be in a doc comment", odd.escape_unicode()))
            .help("write the description without it")),
        None => Ok(text),
    }
}

/// rustc refuses what makes a text look other than it is: the lint `text_direction_codepoint_in_comment`.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_text_can_have_several_lines() {
        assert_eq!(check(" Adds:\r\n\tröles. ").unwrap(), "Adds:\n röles.");
    }

    #[test]
    fn what_cannot_stand_in_a_comment_is_refused() {
        for (text, message) in [
            (" \n", "the description is empty"),
            ("a\rb", "`\\u{d}` cannot be in a doc comment"),
            ("a\u{202e}b", "`\\u{202e}` cannot be in a doc comment"),
        ] {
            assert_eq!(&*check(text).unwrap_err().message, message);
        }
    }
}
