//! The documents of a range, by the index on `_id`.

use mongodb::bson::{Bson, Document, doc};
use mongodb::options::Hint;

use super::range::Range;

/// The conditions that an `_id` is not before the range's next one, and before `to`. Operators of the query language compare
/// within one type only, expressions in the order of the index, in which types follow each other.
pub(super) fn span(range: &Range, to: &Bson, including: bool) -> [Document; 2] {
    let end = if including { "$lte" } else { "$lt" };
    [
        doc! { "$expr": { "$gte": ["$_id", { "$literal": range.next.clone() }] } },
        doc! { "$expr": { end: ["$_id", { "$literal": to.clone() }] } },
    ]
}

/// A hint with the keys and not the name, since a clustered collection has no index of this name.
pub(super) fn by_id() -> Hint {
    Hint::Keys(doc! { "_id": 1 })
}
