//! What a dry run shows of a write: some documents before and after it, read in its own transaction.

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result;
use mongodb::{ClientSession, Collection};

use super::Shared;
use crate::context::operation::Sample;
use crate::excerpt::shorten_document;

/// How many documents of one operation are shown.
pub(super) const SAMPLES: usize = 3;

/// Which documents an operation changes.
#[derive(Debug)]
pub(super) enum Aim {
    /// None: it reads, or nobody wants to know.
    Nothing,
    /// Those that it inserts.
    New,
    /// Those that match, or some of them.
    Matches(Document),
}

/// Looks at documents before and after an operation.
///
/// A read that fails ends the transaction like any other operation. So nothing is asked here that could fail by itself: a
/// filter that the server does not understand fails the operation as well, and then this is the operation's error.
pub(super) struct Probe {
    collection: Collection<Document>,
    filter: Option<Document>,
}

impl Probe {
    pub(super) fn new(tx: &Shared, collection: &str, aim: Aim) -> Option<Self> {
        if !tx.dry_run || !tx.journal.lists() {
            return None;
        }
        let filter = match aim {
            Aim::Nothing => return None,
            Aim::New => None,
            // Only the operation itself has the values.
            Aim::Matches(filter) if has_variables(&Bson::Document(filter.clone())) => return None,
            Aim::Matches(filter) => Some(filter),
        };
        Some(Self { collection: tx.database.collection(collection), filter })
    }

    /// Some that match. An operation on one document may choose another one; then nothing has changed in these.
    pub(super) async fn before(&self, session: &mut ClientSession) -> Result<Vec<Document>> {
        match &self.filter {
            Some(filter) => self.find(filter.clone(), session).await,
            None => Ok(Vec::new()),
        }
    }

    /// What has become of them, and what is new.
    pub(super) async fn after(
        &self,
        before: Vec<Document>,
        inserted: Vec<Bson>,
        session: &mut ClientSession,
    ) -> Result<Vec<Sample>> {
        if before.is_empty() && inserted.is_empty() {
            // The result of a `find_one_and_update` does not tell what it upserted.
            let Some(filter) = &self.filter else { return Ok(Vec::new()) };
            let new = self.find(filter.clone(), session).await?;
            return Ok(new.into_iter().map(|after| sample(None, Some(after))).collect());
        }
        let ids = before.iter().filter_map(|document| document.get("_id").cloned()).chain(inserted);
        let ids: Vec<_> = ids.take(SAMPLES).collect();
        let mut now = self.find(doc! { "_id": { "$in": ids } }, session).await?;
        let mut samples = Vec::new();
        for before in before {
            let place = now.iter().position(|after| after.get("_id") == before.get("_id"));
            let after = place.map(|place| now.remove(place));
            if after.as_ref() != Some(&before) {
                samples.push(sample(Some(before), after));
            }
        }
        samples.extend(now.into_iter().map(|after| sample(None, Some(after))));
        Ok(samples)
    }

    async fn find(&self, filter: Document, session: &mut ClientSession) -> Result<Vec<Document>> {
        let limit = i64::try_from(SAMPLES).unwrap_or(i64::MAX);
        let mut found = self.collection.find(filter).limit(limit).session(&mut *session).await?;
        found.stream(session).try_collect().await
    }
}

/// Quotes documents, of which each may have 16 MB.
fn sample(before: Option<Document>, after: Option<Document>) -> Sample {
    Sample { before: before.map(shorten_document), after: after.map(shorten_document) }
}

/// Whether a filter may name variables of the operation's `let`.
fn has_variables(filter: &Bson) -> bool {
    match filter {
        Bson::String(text) => text.starts_with("$$"),
        Bson::Array(values) => values.iter().any(has_variables),
        Bson::Document(document) => document.values().any(has_variables),
        _ => false,
    }
}
