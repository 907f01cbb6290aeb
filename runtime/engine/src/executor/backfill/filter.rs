//! The documents of a range, by the index on `_id`.

use mongodb::Collection;
use mongodb::action::Find;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::options::Hint;

use super::range::Range;

/// The conditions that an `_id` is not before the range's next one, and before `to`. Operators of the query language compare
/// within one type only, expressions in the order of the index, in which types follow each other. Expressions cost more.
pub(super) fn span(range: &Range, to: &Bson, including: bool) -> [Document; 2] {
    let end = if including { "$lte" } else { "$lt" };
    if is_one_type(&range.next, to) {
        return [doc! { "_id": { "$gte": range.next.clone() } }, doc! { "_id": { end: to.clone() } }];
    }
    [
        doc! { "$expr": { "$gte": ["$_id", { "$literal": range.next.clone() }] } },
        doc! { "$expr": { end: ["$_id", { "$literal": to.clone() }] } },
    ]
}

/// Returns whether only values that the operators compare with both lie between them in the index.
fn is_one_type(from: &Bson, to: &Bson) -> bool {
    matches!(
        (from, to),
        (Bson::ObjectId(_), Bson::ObjectId(_))
            | (Bson::String(_), Bson::String(_))
            | (Bson::Int32(_) | Bson::Int64(_), Bson::Int32(_) | Bson::Int64(_))
            | (Bson::Binary(_), Bson::Binary(_))
            | (Bson::DateTime(_), Bson::DateTime(_))
    )
}

/// A hint with the keys and not the name, since a clustered collection has no index of this name.
pub(super) fn by_id() -> Hint {
    Hint::Keys(doc! { "_id": 1 })
}

/// Reads the documents of a batch, about `size`.
pub(super) fn find<'c>(
    documents: &'c Collection<RawDocumentBuf>,
    matching: Document,
    project: Option<&Document>,
    size: u64,
) -> Find<'c, RawDocumentBuf> {
    let find = documents.find(matching).sort(doc! { "_id": 1 }).hint(by_id());
    // One more than there are, so that the first reply is the last.
    let find = find.batch_size(u32::try_from(size).unwrap_or(u32::MAX).saturating_add(1));
    match project {
        Some(fields) => find.projection(fields.clone()),
        None => find,
    }
}
