//! What the body of a backfill describes.

use mongodb::bson::{Bson, Document, doc};
use mongodb::options::UpdateModifications;

use crate::context::schema::print;
use crate::error::Error;

/// Default number of batches that run at the same time.
const WORKERS: u32 = 2;

/// Default maximum of documents in a batch.
const BATCH: u32 = 10_000;

/// A change of the documents of a collection.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    /// The name in the database.
    pub(crate) collection: String,
    pub(crate) filter: Document,
    pub(crate) remaining: Option<Document>,
    pub(crate) change: Change,
    pub(crate) workers: u32,
    pub(crate) batch: u32,
    pub(crate) repeatable: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Update(UpdateModifications),
    Delete,
}

impl Description {
    pub(super) fn new(collection: String) -> Self {
        Self {
            collection,
            filter: Document::new(),
            remaining: None,
            change: Change::Delete,
            workers: WORKERS,
            batch: BATCH,
            repeatable: false,
        }
    }

    /// The method that the body called.
    pub(crate) fn kind(&self) -> &'static str {
        match self.change {
            Change::Update(_) => "update",
            Change::Delete => "delete",
        }
    }

    pub(crate) fn deletes(&self) -> bool {
        matches!(self.change, Change::Delete)
    }

    /// Numbers of workers and of documents in a batch, at most.
    pub(crate) fn pace(&self) -> (u32, u32) {
        (self.workers, self.batch)
    }

    /// Returns whether a batch may be repeated after an interruption.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.repeatable || self.remaining.is_some()
    }

    /// Identifies what is changed and how. The number of workers and the size of batches do not count.
    pub(crate) fn print(&self) -> String {
        let change = match &self.change {
            Change::Update(UpdateModifications::Document(update)) => Bson::Document(update.clone()),
            Change::Update(UpdateModifications::Pipeline(stages)) => stages.clone().into(),
            Change::Update(_) | Change::Delete => Bson::Null,
        };
        print(&doc! {
            "collection": &self.collection,
            "filter": self.filter.clone(),
            "remaining": self.remaining.clone(),
            "kind": self.kind(),
            "change": change,
        })
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let problem = match &self.change {
            Change::Update(UpdateModifications::Document(update)) => {
                let first = update.keys().next();
                (!first.is_some_and(|first| first.starts_with('$'))).then_some(
                    "does not start with an operator such as `$set`; a replacement would make all documents alike",
                )
            }
            Change::Update(UpdateModifications::Pipeline(stages)) => stages.is_empty().then_some("has no stages"),
            Change::Update(_) | Change::Delete => None,
        };
        problem.map_or(Ok(()), |problem| Err(Error::Refused(format!("the update of '{}' {problem}", self.collection))))
    }
}
