//! Stored documents as relaxed [extended JSON], in full.
//!
//! `bson` 2 can do this itself, but `bson` 3 only with a feature that the driver does not forward. The `Serialize` of `bson` comes
//! close, but writes plain bytes as a list of numbers.
//!
//! [extended JSON]: https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/

use mongodb::bson::{Bson, Document};
use serde::{Serialize, Serializer};

use crate::display::{Base64, iso_8601};

/// A document as relaxed extended JSON.
#[derive(Debug)]
pub(super) struct Extended<'d>(pub(super) &'d Document);

/// A value in a document.
#[derive(Debug)]
pub(super) struct Value<'v>(pub(super) &'v Bson);

#[derive(Serialize)]
enum Special {
    #[serde(rename = "$date")]
    Date(String),
    #[serde(rename = "$numberDouble")]
    Double(&'static str),
    #[serde(rename = "$binary", rename_all = "camelCase")]
    Binary { base64: String, sub_type: String },
}

impl Serialize for Extended<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, Value(value))))
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Bson::Document(document) => Extended(document).serialize(serializer),
            Bson::Array(values) => serializer.collect_seq(values.iter().map(Value)),
            Bson::DateTime(at) => match iso_8601(*at) {
                Some(text) => Special::Date(text).serialize(serializer),
                None => self.0.serialize(serializer),
            },
            // JSON has no such numbers.
            Bson::Double(value) if value.is_nan() => Special::Double("NaN").serialize(serializer),
            Bson::Double(value) if value.is_infinite() => {
                Special::Double(if *value > 0.0 { "Infinity" } else { "-Infinity" }).serialize(serializer)
            }
            Bson::Binary(binary) => {
                let (base64, sub_type) =
                    (Base64(&binary.bytes).to_string(), format!("{:02x}", u8::from(binary.subtype)));
                Special::Binary { base64, sub_type }.serialize(serializer)
            }
            // Identical in relaxed and canonical form.
            other => other.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use mongodb::bson::oid::ObjectId;
    use mongodb::bson::spec::BinarySubtype;
    use mongodb::bson::{Binary, DateTime, Decimal128, JavaScriptCodeWithScope, Regex, Timestamp, doc};
    use serde_json::json;

    use super::*;

    /// A pattern: a `String` in bson 2, a type of its own in bson 3.
    fn pattern<T: TryFrom<String, Error: Debug>>(text: &str) -> T {
        text.to_owned().try_into().unwrap()
    }

    #[test]
    fn every_type_is_relaxed_extended_json() {
        let document = doc! {
            "_id": ObjectId::from_bytes([0xab; 12]),
            "small": 1, "big": i64::MAX, "half": 0.5, "whole": 2.0, "nan": f64::NAN, "infinite": f64::NEG_INFINITY,
            "price": "19.99".parse::<Decimal128>().unwrap(), "no": Bson::Null, "yes": true,
            "at": DateTime::from_millis(1_500), "before": DateTime::from_millis(-1), "after": DateTime::MAX,
            "clock": Timestamp { time: 7, increment: 1 },
            "plain": Binary { subtype: BinarySubtype::Generic, bytes: vec![1, 2] },
            "bytes": Binary { subtype: BinarySubtype::Uuid, bytes: vec![1, 2, 3] },
            "list": [{ "deep": DateTime::from_millis(0) }, "x".repeat(1_000)],
            "least": Bson::MinKey, "most": Bson::MaxKey, "undefined": Bson::Undefined,
            "code": Bson::JavaScriptCode("1".to_owned()), "symbol": Bson::Symbol("a".to_owned()),
            "pattern": Regex { pattern: pattern("^a"), options: pattern("i") },
            "scoped": JavaScriptCodeWithScope { code: "1".to_owned(), scope: doc! { "x": 1 } },
        };
        let expected = json!({
            "_id": { "$oid": "abababababababababababab" },
            "small": 1, "big": i64::MAX, "half": 0.5, "whole": 2.0,
            "nan": { "$numberDouble": "NaN" }, "infinite": { "$numberDouble": "-Infinity" },
            "price": { "$numberDecimal": "19.99" }, "no": null, "yes": true,
            "at": { "$date": "1970-01-01T00:00:01.5Z" }, "before": { "$date": { "$numberLong": "-1" } },
            "after": { "$date": { "$numberLong": "9223372036854775807" } },
            "clock": { "$timestamp": { "t": 7, "i": 1 } },
            "plain": { "$binary": { "base64": "AQI=", "subType": "00" } },
            "bytes": { "$binary": { "base64": "AQID", "subType": "04" } },
            "list": [{ "deep": { "$date": "1970-01-01T00:00:00Z" } }, "x".repeat(1_000)],
            "least": { "$minKey": 1 }, "most": { "$maxKey": 1 }, "undefined": { "$undefined": true },
            "code": { "$code": "1" }, "symbol": { "$symbol": "a" },
            "pattern": { "$regularExpression": { "pattern": "^a", "options": "i" } },
            "scoped": { "$code": "1", "$scope": { "x": 1 } },
        });
        assert_eq!(serde_json::to_value(Extended(&document)).unwrap(), expected);
    }
}
