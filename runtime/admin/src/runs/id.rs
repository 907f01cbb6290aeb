//! How a run is named in URLs.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The id of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunId {
    /// The token of its lease: `57`. Every process knows it.
    Token(i64),
    /// A dry run of this process: `d3`.
    Dry(u64),
    /// A run of this process that has no lease, or not yet: `w4`.
    Waiting(u64),
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(token) => write!(f, "{token}"),
            Self::Dry(number) => write!(f, "d{number}"),
            Self::Waiting(number) => write!(f, "w{number}"),
        }
    }
}

impl FromStr for RunId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.strip_prefix(['d', 'w']).unwrap_or(text);
        if !is_number(number) {
            return Err(());
        }
        match text.as_bytes()[0] {
            b'd' => number.parse().map(Self::Dry).map_err(|_| ()),
            b'w' => number.parse().map(Self::Waiting).map_err(|_| ()),
            _ => number.parse().map(Self::Token).map_err(|_| ()),
        }
    }
}

impl Serialize for RunId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_as_it_is_written() {
        for id in [RunId::Token(57), RunId::Dry(3), RunId::Waiting(4)] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for text in ["", "d", "x3", "-1", "+1", "5 7", "d+3", "99999999999999999999", "..", "57d"] {
            assert_eq!(text.parse::<RunId>(), Err(()), "{text}");
        }
    }
}
