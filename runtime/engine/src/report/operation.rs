//! Operations of a body.

use std::fmt;

use mongodb::bson::Document;

use crate::display::Count;

/// Maximum number of operations of a body that are listed one by one, and sampled in a dry run. A body that loops over
/// documents may perform thousands.
pub(crate) const LISTED: usize = 20;

/// An operation of a body.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Operation {
    /// The method that was called, such as `update_many` or `create_index`.
    pub kind: &'static str,
    /// The name of the collection in the database. Of another database, its full name: `archive.orders`.
    pub collection: String,
    /// The numbers of affected documents.
    pub counts: Counts,
    /// In a dry run: up to three of the changed documents, for the first 20 operations of a body only.
    pub samples: Vec<Sample>,
    /// In a dry run: the findings about an operation of `Schema`, which was not executed, and the limits of the samples of `Tx`.
    pub notes: Vec<String>,
    /// In a dry run: the predicted effect of an operation of `Schema`, explained by the notes. `None` for an operation that was
    /// executed.
    pub prediction: Option<Prediction>,
}

/// The predicted effect of an operation of `Schema`, given the names, indexes and documents at the time of the dry run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Prediction {
    /// Nothing: the database is already as requested.
    NothingToDo,
    /// It would succeed and change the database.
    WouldChange,
    /// Unknown: only executing it would show the effect.
    CannotTell,
    /// It would fail.
    WouldFail,
}

/// A document that an operation of a dry run changed within its transaction.
///
/// A document of more than 16 kB is shortened: a long text ends with its length, and a field or element `…` holds the number of
/// omitted ones.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sample {
    /// The document before the operation; `None` if the operation inserted it.
    pub before: Option<Document>,
    /// The document after the operation; `None` if the operation deleted it.
    pub after: Option<Document>,
}

impl Operation {
    /// Creates an operation with counts of 0.
    #[must_use]
    pub fn new(kind: &'static str, collection: &str) -> Self {
        Self {
            kind,
            collection: collection.to_owned(),
            counts: Counts::default(),
            samples: Vec::new(),
            notes: Vec::new(),
            prediction: None,
        }
    }
}

/// The numbers of documents that an operation affected. A count that does not apply is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Documents matched by an update, or found.
    pub matched: u64,
    /// Documents changed by an update or a replacement.
    pub modified: u64,
    /// Documents inserted, including by an upsert.
    pub inserted: u64,
    /// Documents deleted.
    pub deleted: u64,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}{}", self.collection, self.kind, self.counts)
    }
}

/// The end of a line: `, 4,812 matched, 4,812 modified`.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.matched, "matched"),
            (self.modified, "modified"),
            (self.inserted, "inserted"),
            (self.deleted, "deleted"),
        ];
        for (count, name) in counts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {} {name}", Count(count))?;
        }
        Ok(())
    }
}

impl Counts {
    pub(crate) fn has_changed(self) -> bool {
        self.modified + self.inserted + self.deleted > 0
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.matched += other.matched;
        self.modified += other.modified;
        self.inserted += other.inserted;
        self.deleted += other.deleted;
    }
}
