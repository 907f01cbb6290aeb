//! The replacement of `find_one_and_replace` in the form in which the driver sends it.

use mongodb::bson::RawDocumentBuf;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The replacement of a `find_one_and_replace`, or its result: the driver uses one type for both.
#[doc(hidden)]
#[derive(Debug)]
pub enum Replaced<T> {
    With(RawDocumentBuf),
    Found(T),
}

impl<T: Serialize> Serialize for Replaced<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::With(document) => document.serialize(serializer),
            Self::Found(document) => document.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Replaced<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
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
