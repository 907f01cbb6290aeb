//! What one operation of a body did.

use std::fmt;

use mongodb::bson::Document;

use crate::display::Count;

/// So many operations of a body are shown one by one, and looked at closely in a dry run. A body that loops over its
/// documents may make thousands.
pub(crate) const LISTED: usize = 20;

/// One operation of a body.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Operation {
    /// What was called: `update_many`, `create_index`.
    pub kind: &'static str,
    /// The collection's name in the database.
    pub collection: String,
    /// How many documents it touched.
    pub counts: Counts,
    /// In a dry run: up to three of the documents that it changed. Only the first 20 operations of a body have some.
    pub samples: Vec<Sample>,
    /// In a dry run: what was found out about an operation of `Schema` that was not executed, and what cannot be shown of one
    /// of `Tx`.
    pub notes: Vec<String>,
    /// In a dry run: what an operation of `Schema` would do; the notes say why. `None` for one that was executed.
    pub prediction: Option<Prediction>,
}

/// What an operation of `Schema` would do, with names, indexes and documents as they are now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Prediction {
    /// What it asks for is there already.
    NothingToDo,
    /// It would succeed, and change the database.
    WouldChange,
    /// Nobody but the server knows, and it cannot be asked without doing it.
    CannotTell,
    /// It would fail.
    WouldFail,
}

/// A document that an operation of a dry run changed, as long as its transaction lasted. A document of more than 16 kB is
/// shortened: long texts end with their length, and a field or element `…` counts those that are left out.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sample {
    /// Before the operation; `None` when it inserted the document.
    pub before: Option<Document>,
    /// After it; `None` when it deleted the document.
    pub after: Option<Document>,
}

impl Operation {
    /// An operation that has touched nothing.
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

/// How many documents an operation touched; what does not apply is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Matched by an update, or found.
    pub matched: u64,
    /// Changed by an update or a replacement.
    pub modified: u64,
    /// Inserted, by an upsert too.
    pub inserted: u64,
    /// Deleted.
    pub deleted: u64,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}{}", self.collection, self.kind, self.counts)
    }
}

/// As the end of a line: `, 4,812 matched, 4,812 modified`.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.matched, "matched"),
            (self.modified, "modified"),
            (self.inserted, "inserted"),
            (self.deleted, "deleted"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {} {what}", Count(count))?;
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
