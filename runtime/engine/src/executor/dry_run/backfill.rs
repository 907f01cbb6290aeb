//! A backfill in a dry run: its first documents are changed in a transaction of their own, which is rolled back.

use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc, oid::ObjectId};
use mongodb::error::{Result, TRANSIENT_TRANSACTION_ERROR};
use tokio::time::sleep;

use super::shared::{ATTEMPTS, DryRun, excuse, execution, not_simulated};
use crate::context::sample;
use crate::display::{Elapsed, plural};
use crate::error::codes::MAX_TIME_MS_EXPIRED;
use crate::error::{Error, code};
use crate::executor::transaction::abort;
use crate::executor::{Failure, Header, Mongo, Step, describe, suitable};
use crate::lock::{Session, start};
use crate::migration::Direction;
use crate::report::{Execution, Operation, Sample};
use crate::stop::backoff;
use crate::store::Tracker;

/// How many of them are shown.
const SHOWN: usize = 3;

/// How long to look for documents that match.
const SEARCH: Duration = Duration::from_secs(10);

impl DryRun<'_> {
    /// Changes the first documents that match, and rolls back.
    pub(super) async fn try_backfill(&self, step: &Step<'_>) -> Execution {
        match self.change_first(step).await {
            Ok(Ok(operation)) => execution(step, 1, Ok(()), vec![operation]),
            Ok(Err(reason)) => not_simulated(step, &reason),
            Err(failure) => {
                let missing = match &failure {
                    Failure::Failed(error) => match error.downcast_ref() {
                        Some(Error::NotProvided { name, .. }) => Some(*name),
                        _ => None,
                    },
                    Failure::Stopped(_) => None,
                };
                excuse(execution(step, 1, Err(failure), Vec::new()), missing)
            }
        }
    }

    /// Returns the operation, or why it is not simulated.
    async fn change_first(
        &self,
        step: &Step<'_>,
    ) -> std::result::Result<std::result::Result<Operation, String>, Failure> {
        let (database, names) = (self.database, &self.options.names);
        let description = describe(step.migration, step.direction, self.options).await.map_err(Failure::Failed)?;
        description.check_on(self.transactional)?;
        if !self.transactional {
            return Ok(Err(super::NO_TRANSACTIONS.to_owned()));
        }
        let stored = Tracker::new(database, names).backfill(step.migration.id()).await?;
        match stored.as_ref().and_then(Header::read).map(|header| header.direction == step.direction) {
            Some(true) => return Ok(Err("it has started already, and goes on where it is".to_owned())),
            Some(false) => {
                return Ok(Err("it has not completed: what it has passed so far would be reverted".to_owned()));
            }
            None if step.direction == Direction::Down && step.state.is_pending() => {
                return Ok(Err("it failed before it had started, so there is nothing to revert".to_owned()));
            }
            None => {}
        }
        let name = &description.collection;
        suitable(database, name).await?;
        let failed = |error| Failure::server(&format!("change documents of '{name}'"), error);
        let count = database.collection::<Document>(name).estimated_document_count().await.map_err(failed)?;
        let store = Mongo::new(database, self.options, ObjectId::new(), &description, self.transactional);
        let number = description.batches().first;
        let mut session = Session::unnamed(database.client()).await.map_err(failed)?;
        let mut attempts = 0;
        loop {
            attempts += 1;
            self.stop.check()?;
            start(&mut session).await.map_err(failed)?;
            let changed = change(&store, number, &mut session).await;
            abort(&mut session).await;
            match changed {
                Ok(Tried { leaves: Some(id), .. }) => {
                    return Err(Error::Refused(format!(
                        "the change leaves documents that still match `remaining`, such as the one with the _id {id}"
                    ))
                    .into());
                }
                Ok(Tried { matched, changed, samples, .. }) => {
                    let mut operation = description.operation(matched, changed);
                    operation.samples = samples;
                    let all = plural(count, "document");
                    operation.notes.push(match matched {
                        0 => format!("none of about {all} matches"),
                        _ => format!("the first that match; the collection has about {all}"),
                    });
                    return Ok(Ok(operation));
                }
                Err(error) if code(&error) == Some(MAX_TIME_MS_EXPIRED) => {
                    return Ok(Err(format!("the server did not find documents that match within {}", Elapsed(SEARCH))));
                }
                Err(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR) && attempts < ATTEMPTS => {
                    sleep(backoff(attempts)).await;
                }
                Err(error) => return Err(failed(error)),
            }
        }
    }
}

/// What became of the first documents.
struct Tried {
    matched: u64,
    changed: u64,
    /// The `_id` of a document that still matches `remaining`.
    leaves: Option<Bson>,
    samples: Vec<Sample>,
}

async fn change(store: &Mongo, number: u64, session: &mut Session) -> Result<Tried> {
    let first = store
        .documents
        .find(store.matching(Vec::new()))
        .sort(doc! { "_id": 1 })
        .limit(i64::try_from(number).unwrap_or(i64::MAX));
    let mut first = first.projection(doc! { "_id": 1 }).max_time(SEARCH).session(&mut **session).await?;
    let first: Vec<Document> = first.stream(session).try_collect().await?;
    let ids: Vec<_> = first.into_iter().filter_map(|mut document| document.remove("_id")).collect();
    let shown = doc! { "_id": { "$in": ids.iter().take(SHOWN).collect::<Vec<_>>() } };
    let before = read(store, shown.clone(), session).await?;
    let matching = store.matching(vec![doc! { "_id": { "$in": &ids } }]);
    let (matched, changed) = store.apply(matching.clone(), ids.len() as u64, session).await?;
    let leaves = if store.has_remaining() && matched > 0 {
        store
            .documents
            .find_one(matching)
            .session(&mut **session)
            .await?
            .and_then(|mut document| document.remove("_id"))
    } else {
        None
    };
    let after = read(store, shown, session).await?;
    let same = |before: &RawDocumentBuf| after.iter().find(|after| after.get("_id").ok() == before.get("_id").ok());
    let samples = before.iter().map(|before| (before, same(before))).filter(|(before, after)| Some(*before) != *after);
    let samples = samples.map(|(before, after)| sample(Some(before), after)).collect::<Result<_>>()?;
    Ok(Tried { matched, changed, leaves, samples })
}

async fn read(store: &Mongo, filter: Document, session: &mut Session) -> Result<Vec<RawDocumentBuf>> {
    let documents = store.documents.clone_with_type::<RawDocumentBuf>();
    let mut found = documents.find(filter).sort(doc! { "_id": 1 }).session(&mut **session).await?;
    found.stream(session).try_collect().await
}
