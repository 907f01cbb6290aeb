//! The kinds of collections.

use mongodb::results::{CollectionSpecification, CollectionType};

/// Names the kind of a collection that is not an ordinary one.
pub(crate) fn unsuitable(listed: &CollectionSpecification) -> Option<&'static str> {
    match listed.collection_type {
        CollectionType::View => Some("a view"),
        CollectionType::Timeseries => Some("a time-series collection"),
        _ if listed.options.capped == Some(true) => Some("a capped collection"),
        _ => None,
    }
}
