//! Texts of requests.

use serde::Deserialize;

use crate::text::is_invisible;

/// One line of text, at most `MAX` characters long, without control characters. Trimmed, and perhaps empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Line<const MAX: usize>(String);

/// Who, beside the credentials.
pub(crate) type By = Line<100>;

/// Why.
pub(crate) type Because = Line<500>;

impl<const MAX: usize> Line<MAX> {
    /// The text, unless it is empty.
    pub(crate) fn text(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|text| !text.is_empty())
    }
}

impl<const MAX: usize> TryFrom<String> for Line<MAX> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let text = text.trim();
        if text.contains('\n') || text.chars().any(is_invisible) {
            return Err("a text must be one line without invisible characters".to_owned());
        }
        let length = text.chars().count();
        if length > MAX {
            return Err(format!("a text has {length} characters; here, it may have {MAX}"));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_short_and_one_line() {
        let line = |text: &str| By::try_from(text.to_owned()).map(|line| line.text().map(str::to_owned));
        assert_eq!(line(" OPS-17, größer "), Ok(Some("OPS-17, größer".to_owned())));
        assert_eq!(line(" "), Ok(None));
        assert_eq!(line(&"ü".repeat(100)), Ok(Some("ü".repeat(100))));
        for refused in ["a\nb", "a\rb", "a\0b", "a\u{2028}b", &"ü".repeat(101)] {
            assert!(line(refused).is_err(), "{refused:?}");
        }
    }
}
