//! What the body of a backfill describes.

use mongodb::bson::{Bson, Document, doc};
use mongodb::options::UpdateModifications;

use super::ask::Ask;
use super::change::{Compute, Work};
use super::pace::Pace;
use crate::context::schema::print;
use crate::display::Count;
use crate::error::Error;
use crate::migration::Migration;
use crate::report::Operation;

/// Default number of batches that run at the same time.
const WORKERS: u32 = 2;

/// Default maximum of documents in a batch.
const BATCH: u32 = 10_000;

/// Number of documents in the first batch of a worker.
const FIRST: u64 = 100;

/// The most documents to skip. Their list is part of the document of a range.
const SKIPS: u32 = 1_000;

/// A change of the documents of a collection.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    /// The name in the database.
    pub(crate) collection: String,
    /// The migration. The checksum of its code alone identifies a function.
    pub(crate) migration: Migration,
    pub(crate) filter: Document,
    pub(crate) remaining: Option<Document>,
    /// The fields to read.
    pub(crate) project: Option<Document>,
    pub(crate) action: Action,
    pub(crate) workers: u32,
    pub(crate) batch: u32,
    pub(crate) pace: Option<Pace>,
    /// Says whether to wait.
    pub(crate) throttle: Option<Ask>,
    pub(crate) repeatable: bool,
    /// Whether a boot waits for it.
    pub(crate) blocking: bool,
    /// Maximum number of documents to skip.
    pub(crate) skip: u32,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    Update(UpdateModifications),
    Delete,
    Each(Compute),
    Batches(Work),
}

/// The numbers of documents of a worker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batches {
    /// In its first batch.
    pub(crate) first: u64,
    /// The most in a batch.
    pub(crate) at_most: u64,
    /// The most to skip, over all workers.
    pub(crate) skips: u32,
}

impl Description {
    pub(super) fn new(collection: String, migration: Migration) -> Self {
        Self {
            collection,
            migration,
            filter: Document::new(),
            remaining: None,
            project: None,
            action: Action::Delete,
            workers: WORKERS,
            batch: BATCH,
            pace: None,
            throttle: None,
            repeatable: false,
            blocking: false,
            skip: 0,
        }
    }

    /// The method that the body called.
    fn kind(&self) -> &'static str {
        match self.action {
            Action::Update(_) => "update",
            Action::Delete => "delete",
            Action::Each(_) => "each",
            Action::Batches(_) => "in_batches",
        }
    }

    /// What it did to documents, for the report.
    pub(crate) fn operation(&self, matched: u64, changed: u64) -> Operation {
        let mut operation = Operation::new(self.kind(), &self.collection);
        if matches!(self.action, Action::Delete) {
            operation.counts.deleted = changed;
        } else {
            (operation.counts.matched, operation.counts.modified) = (matched, changed);
        }
        operation
    }

    pub(crate) fn batches(&self) -> Batches {
        let at_most = u64::from(self.batch);
        // Nobody knows how long a function takes that may wait for something else.
        let first = if matches!(self.action, Action::Batches(_)) { 1 } else { FIRST.min(at_most) };
        Batches { first, at_most, skips: self.skip }
    }

    /// Returns whether a batch may be repeated after an interruption.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.repeatable || self.remaining.is_some()
    }

    /// Fails if this kind of server cannot run it.
    pub(crate) fn check_on(&self, transactional: bool) -> Result<(), Error> {
        if transactional || self.is_repeatable() {
            return Ok(());
        }
        Err(Error::Refused(
            "on a server without transactions, a batch that was interrupted is repeated: declare `remaining`, or `repeatable` if \
             that does no harm"
                .to_owned(),
        ))
    }

    /// Identifies what is changed and how. How it is done, such as the number of workers and the pace, does not count.
    pub(crate) fn print(&self) -> String {
        let change = match &self.action {
            Action::Update(UpdateModifications::Document(update)) => Bson::Document(update.clone()),
            Action::Update(UpdateModifications::Pipeline(stages)) => stages.clone().into(),
            Action::Each(_) | Action::Batches(_) => Bson::String(self.migration.checksum().to_owned()),
            Action::Update(_) | Action::Delete => Bson::Null,
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
        if self.skip > SKIPS {
            let (asked, most) = (Count(self.skip.into()), Count(SKIPS.into()));
            return Err(Error::Refused(format!("a backfill skips at most {most} documents, not {asked}")));
        }
        let problem = match &self.action {
            Action::Update(UpdateModifications::Document(update)) => {
                let first = update.keys().next();
                (!first.is_some_and(|first| first.starts_with('$'))).then_some(
                    "does not start with an operator such as `$set`; a replacement would make all documents alike",
                )
            }
            Action::Update(UpdateModifications::Pipeline(stages)) => stages.is_empty().then_some("has no stages"),
            Action::Update(_) | Action::Delete | Action::Each(_) | Action::Batches(_) => None,
        };
        problem.map_or(Ok(()), |problem| Err(Error::Refused(format!("the update of '{}' {problem}", self.collection))))
    }
}
