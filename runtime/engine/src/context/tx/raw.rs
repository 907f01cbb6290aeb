//! Documents in the form in which the driver sends them.

use mongodb::bson::{Document, RawDocumentBuf};
use mongodb::error::Result;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Serializes a document as the driver does, with either version of bson. The function has a different name in each: the glob
/// import brings in the one that exists, and shadows the fallback in this module.
#[allow(clippy::useless_conversion, reason = "one of the functions has the driver's error already")]
pub(super) fn raw<T: Serialize>(document: &T) -> Result<RawDocumentBuf> {
    #[allow(unused_imports, clippy::wildcard_imports, reason = "imports the function where it exists")]
    use mongodb::bson::*;
    serialize_to_raw_document_buf(document).map_err(Into::into)
}

/// Fallback for version 2, which has no function of this name.
#[allow(dead_code, clippy::useless_conversion, reason = "version 3 has a function of this name")]
fn serialize_to_raw_document_buf<T: Serialize>(document: &T) -> Result<RawDocumentBuf> {
    #[allow(unused_imports, clippy::wildcard_imports, reason = "imports the function where it exists")]
    use mongodb::bson::*;
    to_raw_document_buf(document).map_err(Into::into)
}

/// Fallback of the fallback. Never called, since each version has one of the two functions.
#[allow(dead_code, reason = "version 2 has a function of this name")]
fn to_raw_document_buf<T: Serialize>(_: &T) -> Result<RawDocumentBuf> {
    unreachable!("bson has one of the two functions")
}

/// Deserializes a document, with either version of bson.
#[allow(clippy::useless_conversion, reason = "one of the functions has the driver's error already")]
pub(in crate::context) fn decoded<T: DeserializeOwned>(document: Document) -> Result<T> {
    #[allow(unused_imports, clippy::wildcard_imports, reason = "imports the function where it exists")]
    use mongodb::bson::*;
    deserialize_from_document(document).map_err(Into::into)
}

/// Fallback for version 2, which has no function of this name.
#[allow(dead_code, clippy::useless_conversion, reason = "version 3 has a function of this name")]
fn deserialize_from_document<T: DeserializeOwned>(document: Document) -> Result<T> {
    #[allow(unused_imports, clippy::wildcard_imports, reason = "imports the function where it exists")]
    use mongodb::bson::*;
    from_document(document).map_err(Into::into)
}

/// Fallback of the fallback. Never called, since each version has one of the two functions.
#[allow(dead_code, reason = "version 2 has a function of this name")]
fn from_document<T: DeserializeOwned>(_: Document) -> Result<T> {
    unreachable!("bson has one of the two functions")
}

/// The replacement of a `find_one_and_replace`, or its result: the driver uses one type for both.
#[doc(hidden)]
#[derive(Debug)]
pub enum Replaced<T> {
    With(RawDocumentBuf),
    Found(T),
}

impl<T: Serialize> Serialize for Replaced<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::With(document) => document.serialize(serializer),
            Self::Found(document) => document.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Replaced<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::Found)
    }
}

impl<T> Replaced<T> {
    /// Returns the document that the server returned.
    pub(super) fn found(self) -> Option<T> {
        match self {
            Self::Found(document) => Some(document),
            Self::With(_) => None,
        }
    }
}
