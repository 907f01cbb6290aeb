//! Documents in the form in which the driver sends and receives them, with either version of bson.

use mongodb::bson::{RawDocument, RawDocumentBuf};
use mongodb::error::Result;
use serde::{Deserialize, Serialize};

/// Serializes a document as the driver does. The function has a different name in each version of bson: the glob import brings in
/// the one that exists, and shadows the fallback in this module.
#[allow(clippy::useless_conversion, reason = "one of the functions has the driver's error already")]
pub(crate) fn raw<T: Serialize>(document: &T) -> Result<RawDocumentBuf> {
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

/// Deserializes a document as the driver does.
#[allow(clippy::useless_conversion, reason = "one of the functions has the driver's error already")]
pub(crate) fn decoded<'d, T: Deserialize<'d>>(document: &'d RawDocument) -> Result<T> {
    #[allow(unused_imports, clippy::wildcard_imports, reason = "imports the function where it exists")]
    use mongodb::bson::*;
    deserialize_from_slice(document.as_bytes()).map_err(Into::into)
}

/// Fallback for version 2, which has no function of this name.
#[allow(dead_code, clippy::useless_conversion, reason = "version 3 has a function of this name")]
fn deserialize_from_slice<'d, T: Deserialize<'d>>(document: &'d [u8]) -> Result<T> {
    #[allow(unused_imports, clippy::wildcard_imports, reason = "imports the function where it exists")]
    use mongodb::bson::*;
    from_slice(document).map_err(Into::into)
}

/// Fallback of the fallback. Never called, since each version has one of the two functions.
#[allow(dead_code, reason = "version 2 has a function of this name")]
fn from_slice<'d, T: Deserialize<'d>>(_: &'d [u8]) -> Result<T> {
    unreachable!("bson has one of the two functions")
}
