//! Samples of the documents that a write changes, for a dry run. They are read in the transaction of the write, before and after
//! it.

use futures_util::TryStreamExt;
use mongodb::action::{Action, Find};
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::error::{Error, Result};
use mongodb::options::Collation;
use mongodb::{ClientSession, Collection};

use super::{Mode, Shared};
use crate::context::catalog::same::same;
use crate::display::shorten_document;
use crate::report::{Counts, Sample};

/// Reason why the changed documents are unknown.
const OPTIONS: &str = "an option that was set through `with` chooses others than the filter does; set a collation with \
                       `collation`";

/// Reason why the changed documents of many pairs are unknown.
const PAIRS: &str = "samples are read for its first 100 pairs only";

/// Number of pairs that samples are read for.
const SAMPLED_PAIRS: usize = 100;

/// Maximum number of samples of one operation.
pub(super) const SAMPLES: usize = 3;

/// The documents that an operation changes.
#[derive(Debug)]
pub(super) enum Affected {
    /// None, or no samples are needed.
    Nothing,
    /// Documents that it inserts.
    New,
    /// Documents that match, or some of them.
    Matches(Target),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Target {
    filter: Document,
    collation: Option<Collation>,
    /// Whether the operation has options that were set through `with` and cannot be read.
    has_options: bool,
    pairs: Pairs,
}

/// Which filters of an operation a target has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pairs {
    /// The only one.
    #[default]
    None,
    /// One for each pair.
    All,
    /// Those of its first pairs.
    First,
}

impl Affected {
    pub(super) fn collate(&mut self, collation: &Collation) {
        if let Self::Matches(target) = self {
            target.collation = Some(collation.clone());
        }
    }

    pub(super) fn with_options(&mut self) {
        if let Self::Matches(target) = self {
            target.has_options = true;
        }
    }
}

/// The samples of a write, and notes on what they do not show.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) samples: Vec<Sample>,
    pub(super) notes: Vec<String>,
}

impl Shown {
    fn unknown(why: &str) -> Self {
        Self { samples: Vec::new(), notes: vec![format!("cannot tell which documents it changes: {why}")] }
    }
}

/// Reads documents before and after an operation.
///
/// A read that fails aborts the transaction like any other operation. The probe only sends reads that fail if the operation
/// itself would fail: an invalid filter is an error of the operation, too.
pub(super) struct Probe {
    collection: Collection<RawDocumentBuf>,
    target: Option<Target>,
}

impl Probe {
    pub(super) fn new<T: Send + Sync>(tx: &Shared, collection: &Collection<T>, affected: Affected) -> Option<Self> {
        if tx.mode != Mode::DryRun || !tx.journal.lists_next() {
            return None;
        }
        let target = match affected {
            Affected::Nothing => return None,
            Affected::New => None,
            Affected::Matches(target) => Some(target),
        };
        Some(Self { collection: collection.clone_with_type(), target })
    }

    /// Reads some documents that match. An operation on one document may choose another one; then these are unchanged.
    pub(super) async fn before(&self, session: &mut ClientSession) -> Result<Vec<RawDocumentBuf>> {
        match &self.target {
            Some(target) if !target.has_variables() => self.find(target.clone(), session).await,
            _ => Ok(Vec::new()),
        }
    }

    /// Reads the same documents again, and new ones, and returns the samples that differ.
    pub(super) async fn after(
        &self,
        before: Vec<RawDocumentBuf>,
        inserted: Vec<Bson>,
        counts: Counts,
        session: &mut ClientSession,
    ) -> Result<Shown> {
        let touched = counts.matched + counts.deleted;
        if before.is_empty() && inserted.is_empty() {
            let Some(target) = &self.target else { return Ok(Shown::default()) };
            if target.has_variables() {
                return Ok(Shown::unknown("its filter uses variables of its `let`"));
            }
            // The result of `find_one_and_update` does not have the id of an upserted document. A document that matches only now
            // is new if the operation matched none, or if the filter is on `_id`, which never changes.
            let new = touched == 0 || target.filter.keys().all(|field| field == "_id");
            if !new {
                return Ok(Shown::unknown(target.reason()));
            }
            let new = self.find(target.clone(), session).await?;
            let samples = new.iter().map(|after| sample(None, Some(after))).collect::<Result<Vec<_>>>()?;
            if samples.is_empty() && touched > 0 {
                return Ok(Shown::unknown(OPTIONS));
            }
            return Ok(Shown { samples, notes: Vec::new() });
        }
        let ids = before.iter().filter_map(id).chain(inserted);
        let ids: Vec<_> = ids.take(SAMPLES).collect();
        let by_id = Target::of(doc! { "_id": { "$in": ids } });
        let mut now = self.find(by_id, session).await?;
        let mut samples = Vec::new();
        for before in &before {
            let is =
                |after: &RawDocumentBuf| id(after).zip(id(before)).is_some_and(|(after, before)| same(&after, &before));
            let after = now.iter().position(is).map(|index| now.remove(index));
            if after.as_ref().map(|after| after.as_bytes()) != Some(before.as_bytes()) {
                samples.push(sample(Some(before), after.as_ref())?);
            }
        }
        for new in &now {
            samples.push(sample(None, Some(new))?);
        }
        let mut notes = Vec::new();
        if let Some(target) = &self.target {
            let missing = usize::try_from(touched).unwrap_or(SAMPLES).min(SAMPLES) > before.len();
            let changed = target.has_options && counts.modified + counts.deleted > 0;
            // Two pairs may change the same document.
            if missing && target.pairs != Pairs::All || changed && samples.is_empty() {
                notes = Shown::unknown(target.reason()).notes;
            }
        }
        Ok(Shown { samples, notes })
    }

    async fn find(&self, target: Target, session: &mut ClientSession) -> Result<Vec<RawDocumentBuf>> {
        let limit = i64::try_from(SAMPLES).unwrap_or(i64::MAX);
        let find = self.collection.find(target.filter).limit(limit).optional(target.collation, Find::collation);
        let mut found = find.session(&mut *session).await?;
        found.stream(session).try_collect().await
    }
}

impl Target {
    pub(super) fn of(filter: Document) -> Self {
        Self { filter, ..Self::default() }
    }

    /// The documents that match any of these filters.
    pub(super) fn of_pairs<'f>(filters: impl ExactSizeIterator<Item = &'f Document>) -> Self {
        let pairs = if filters.len() > SAMPLED_PAIRS { Pairs::First } else { Pairs::All };
        let filters: Vec<_> = filters.take(SAMPLED_PAIRS).collect();
        // The server accepts no empty `$or`.
        let filter = if filters.is_empty() {
            doc! { "_id": { "$in": [] } }
        } else {
            doc! { "$or": filters }
        };
        Self { filter, pairs, ..Self::default() }
    }

    /// Returns why documents that it changes may be unknown.
    fn reason(&self) -> &'static str {
        if self.pairs == Pairs::First { PAIRS } else { OPTIONS }
    }

    /// Returns whether the filter may use variables of the operation's `let`. Their values cannot be read.
    fn has_variables(&self) -> bool {
        self.filter.values().any(has_variables)
    }
}

fn id(document: &RawDocumentBuf) -> Option<Bson> {
    document.get("_id").ok()??.try_into().ok()
}

/// Creates a sample. The documents are shortened, since each may have 16 MB.
pub(crate) fn sample(before: Option<&RawDocumentBuf>, after: Option<&RawDocumentBuf>) -> Result<Sample> {
    let quoted = |document: Option<&RawDocumentBuf>| {
        let document = document.map(|document| Document::try_from(document.as_ref())).transpose();
        document.map(|document| document.map(shorten_document)).map_err(Error::custom)
    };
    Ok(Sample { before: quoted(before)?, after: quoted(after)? })
}

fn has_variables(filter: &Bson) -> bool {
    match filter {
        Bson::String(text) => text.starts_with("$$"),
        Bson::Array(values) => values.iter().any(has_variables),
        Bson::Document(document) => document.values().any(has_variables),
        _ => false,
    }
}
