//! A position in the history.

use std::fmt;
use std::str::FromStr;

use mongodb::bson::DateTime;
use mongodb::bson::oid::ObjectId;

/// A position in the history: the page after it begins with the next older entry, however many entries are added meanwhile.
///
/// `Display` and `FromStr` convert it to and from opaque text for URLs, of letters and digits.
///
/// ```
/// use mongrate::history::Cursor;
///
/// assert!("page 2".parse::<Cursor>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    executed_at: DateTime,
    id: ObjectId,
}

/// The error of a text that is not a [`Cursor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of the history: pass the cursor of a page unchanged, or none for the first page")]
pub struct InvalidCursor;

impl Cursor {
    /// Number of hexadecimal digits of the time.
    const TIME: usize = 16;
    /// Number of hexadecimal digits in total.
    const LENGTH: usize = Self::TIME + 24;

    pub(crate) fn new(executed_at: DateTime, id: ObjectId) -> Self {
        Self { executed_at, id }
    }

    pub(crate) fn executed_at(self) -> DateTime {
        self.executed_at
    }

    pub(crate) fn id(self) -> ObjectId {
        self.id
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{}", self.executed_at.timestamp_millis(), self.id.to_hex())
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        if text.len() != Self::LENGTH || !text.bytes().all(|sign| sign.is_ascii_hexdigit()) {
            return Err(InvalidCursor);
        }
        let (time, id) = text.split_at(Self::TIME);
        let time = u64::from_str_radix(time, 16).map_err(|_| InvalidCursor)?;
        let id = ObjectId::parse_str(id).map_err(|_| InvalidCursor)?;
        Ok(Self::new(DateTime::from_millis(time.cast_signed()), id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_as_text() {
        for millis in [0, 1, -1, 1_795_800_000_000, i64::MIN, i64::MAX] {
            let cursor = Cursor::new(DateTime::from_millis(millis), ObjectId::from_bytes([0xab; 12]));
            let text = cursor.to_string();
            assert!(text.bytes().all(|sign| sign.is_ascii_alphanumeric()), "{text}");
            assert_eq!(text.parse(), Ok(cursor));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let cursor = Cursor::new(DateTime::from_millis(7), ObjectId::from_bytes([7; 12])).to_string();
        let texts = [
            String::new(),
            cursor[1..].to_owned(),
            format!("{cursor}0"),
            cursor.replacen('0', "+", 1),
            cursor.replacen('0', "g", 1),
            "ü".repeat(20),
        ];
        for text in texts {
            assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor), "{text}");
        }
    }
}
