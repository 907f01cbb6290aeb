//! The cursor of `find` and `aggregate` in a transaction.

use std::fmt;
use std::sync::Arc;

use mongodb::SessionCursor;
use mongodb::error::Result;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::turns::Reply;
use super::{Shared, ended};

/// A cursor over the documents of a `find` or an `aggregate` in a transaction. Documents are fetched in batches.
pub struct TxCursor<T> {
    tx: Arc<Shared>,
    /// Shared with the operation that fetches the next document.
    cursor: Arc<Mutex<SessionCursor<T>>>,
    /// Index of the operation in the journal.
    index: usize,
    /// A request for the next document that was not answered or not returned yet.
    asked: Option<Reply<Result<Option<T>>>>,
}

impl<T: DeserializeOwned + Send + Sync + 'static> TxCursor<T> {
    pub(super) fn new(tx: Arc<Shared>, cursor: SessionCursor<T>, index: usize) -> Self {
        Self { tx, cursor: Arc::new(Mutex::new(cursor)), index, asked: None }
    }

    /// Returns the next document, or `None` at the end. Cancel safe: if the future is dropped, the next call returns the
    /// document.
    pub async fn next(&mut self) -> Option<Result<T>> {
        let asked = self.asked.get_or_insert_with(|| ask(&self.tx, &self.cursor, self.index));
        let next = asked.wait().await;
        self.asked = None;
        match next {
            Some(next) => next.transpose(),
            None => Some(Err(self.tx.failed("read", "a cursor", ended()))),
        }
    }

    /// Collects the remaining documents in memory.
    pub async fn collect(mut self) -> Result<Vec<T>> {
        let mut all = Vec::new();
        while let Some(next) = self.next().await {
            all.push(next?);
        }
        Ok(all)
    }
}

impl<T> fmt::Debug for TxCursor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TxCursor").finish_non_exhaustive()
    }
}

/// Requests the next document.
fn ask<T: DeserializeOwned + Send + Sync + 'static>(
    tx: &Arc<Shared>,
    cursor: &Arc<Mutex<SessionCursor<T>>>,
    index: usize,
) -> Reply<Result<Option<T>>> {
    let (shared, cursor) = (tx.clone(), cursor.clone());
    tx.turns.take(move |session| {
        Box::pin(async move {
            let next = match shared.check_permit() {
                Ok(()) => cursor.lock().await.next(session).await.transpose(),
                Err(refused) => Err(refused),
            };
            match &next {
                Ok(Some(_)) => shared.journal.read(index),
                Ok(None) => {}
                Err(error) => shared.journal.failed("read", "a cursor", error),
            }
            next
        })
    })
}
