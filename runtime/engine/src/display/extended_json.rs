//! Documents as relaxed extended JSON on one line.
//!
//! See the [specification](https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/). The implementation in `bson` is
//! not used: it depends on `serde_json`, and its interface differs between versions 2 and 3.

use std::fmt::{self, Write};

use mongodb::bson::{Bson, DateTime, Document};

/// Maximum number of characters, elements or bytes of a value.
const SHOWN: usize = 200;

/// Displays a value as relaxed extended JSON. Long strings, arrays and binaries are truncated.
#[derive(Clone, Copy, Debug)]
pub struct Json<'v>(pub &'v Bson);

/// Displays a document as relaxed extended JSON. Long strings, arrays and binaries are truncated.
#[derive(Clone, Copy, Debug)]
pub struct JsonDocument<'d>(pub &'d Document);

impl fmt::Display for JsonDocument<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (key, value)) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "," })?;
            quote(f, key)?;
            write!(f, ":{}", Json(value))?;
        }
        f.write_str("}")
    }
}

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Bson::String(text) => quote(f, text),
            Bson::Document(document) => write!(f, "{}", JsonDocument(document)),
            Bson::Array(values) => array(f, values),
            Bson::Null => f.write_str("null"),
            Bson::Boolean(value) => write!(f, "{value}"),
            Bson::Int32(value) => write!(f, "{value}"),
            Bson::Int64(value) => write!(f, "{value}"),
            Bson::Double(value) if value.is_finite() => write!(f, "{value:?}"),
            Bson::Double(value) if value.is_nan() => f.write_str(r#"{"$numberDouble":"NaN"}"#),
            Bson::Double(value) if *value > 0.0 => f.write_str(r#"{"$numberDouble":"Infinity"}"#),
            Bson::Double(_) => f.write_str(r#"{"$numberDouble":"-Infinity"}"#),
            Bson::Decimal128(value) => write!(f, r#"{{"$numberDecimal":"{value}"}}"#),
            Bson::ObjectId(id) => write!(f, r#"{{"$oid":"{}"}}"#, id.to_hex()),
            Bson::DateTime(date) => date_time(f, *date),
            Bson::Timestamp(at) => write!(f, r#"{{"$timestamp":{{"t":{},"i":{}}}}}"#, at.time, at.increment),
            Bson::Binary(binary) => {
                let shown = Base64(&binary.bytes[..binary.bytes.len().min(SHOWN)]);
                write!(f, r#"{{"$binary":{{"base64":"{shown}"#)?;
                f.write_str(if binary.bytes.len() > SHOWN { "…" } else { "" })?;
                write!(f, r#"","subType":"{:02x}"}}}}"#, u8::from(binary.subtype))
            }
            // Deprecated types, as the driver displays them.
            other => quote(f, &other.to_string()),
        }
    }
}

fn array(f: &mut fmt::Formatter<'_>, values: &[Bson]) -> fmt::Result {
    f.write_str("[")?;
    for (index, value) in values.iter().take(SHOWN).enumerate() {
        write!(f, "{}{}", if index == 0 { "" } else { "," }, Json(value))?;
    }
    f.write_str(if values.len() > SHOWN { ",…]" } else { "]" })
}

/// Writes a date as ISO 8601 for the years 1970 to 9999, and in milliseconds otherwise.
fn date_time(f: &mut fmt::Formatter<'_>, date: DateTime) -> fmt::Result {
    match iso_8601(date) {
        Some(text) => write!(f, r#"{{"$date":"{text}"}}"#),
        None => write!(f, r#"{{"$date":{{"$numberLong":"{}"}}}}"#, date.timestamp_millis()),
    }
}

/// Formats a date of the years 1970 to 9999 as ISO 8601. `None` for any other date, for which extended JSON has another
/// form.
#[must_use]
pub fn iso_8601(date: DateTime) -> Option<String> {
    // The versions of `bson` format later dates differently.
    const YEAR_10000: i64 = 253_402_300_800_000;
    (0..YEAR_10000).contains(&date.timestamp_millis()).then(|| date.try_to_rfc3339_string().ok()).flatten()
}

fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for (index, character) in text.chars().enumerate() {
        match character {
            _ if index == SHOWN => {
                f.write_str("…")?;
                break;
            }
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            control if control.is_control() => write!(f, "\\u{:04x}", u32::from(control))?,
            other => f.write_char(other)?,
        }
    }
    f.write_str("\"")
}

/// Displays bytes in base64.
#[derive(Clone, Copy, Debug)]
pub struct Base64<'b>(pub &'b [u8]);

impl fmt::Display for Base64<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for three in self.0.chunks(3) {
            let bits =
                three.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - three.len()));
            for digit in 0..4 {
                let used = digit <= three.len();
                f.write_char(if used { char::from(DIGITS[bits >> (18 - 6 * digit) & 63]) } else { '=' })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::oid::ObjectId;
    use mongodb::bson::spec::BinarySubtype;
    use mongodb::bson::{Binary, doc};

    use super::*;

    #[test]
    fn documents_are_relaxed_extended_json() {
        let id = ObjectId::from_bytes([0xab; 12]);
        let document = doc! {
            "_id": id, "text": "a \"b\"\n\u{1}", "n": 1, "big": 5_000_000_000_i64, "half": 0.5, "whole": 2.0, "no": null,
            "list": [true, { "deep": f64::NAN }], "at": DateTime::from_millis(1_500), "before": DateTime::from_millis(-1), "after": DateTime::MAX,
        };
        assert_eq!(
            JsonDocument(&document).to_string(),
            r#"{"_id":{"$oid":"abababababababababababab"},"text":"a \"b\"\n\u0001","n":1,"big":5000000000,"half":0.5,"whole":2.0,"no":null,"list":[true,{"deep":{"$numberDouble":"NaN"}}],"at":{"$date":"1970-01-01T00:00:01.5Z"},"before":{"$date":{"$numberLong":"-1"}},"after":{"$date":{"$numberLong":"9223372036854775807"}}}"#
        );
    }

    #[test]
    fn bytes_are_base64() {
        let shown = |bytes: &[u8]| {
            let binary = Binary { subtype: BinarySubtype::Uuid, bytes: bytes.to_vec() };
            Json(&Bson::Binary(binary)).to_string()
        };
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(shown(bytes.as_bytes()), format!(r#"{{"$binary":{{"base64":"{text}","subType":"04"}}}}"#));
        }
    }

    #[test]
    fn long_values_are_truncated() {
        let text = Json(&Bson::String("x".repeat(1_000))).to_string();
        assert_eq!(text.chars().count(), SHOWN + 3);
        let array = Json(&Bson::Array(vec![Bson::Int32(1); 1_000])).to_string();
        assert!(array.ends_with(",1,…]") && array.len() < 500, "{array}");
    }
}
