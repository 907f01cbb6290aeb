//! Results of `find` and `aggregate` in a transaction.

use std::sync::Arc;

use mongodb::SessionCursor;
use mongodb::error::Result;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::turns::Reply;
use super::{Shared, ended};

/// The documents of a `find` or an `aggregate` in a transaction, fetched in batches as they are asked for.
pub struct TxCursor<T> {
    tx: Arc<Shared>,
    /// Shared with the operation whose turn it is.
    cursor: Arc<Mutex<SessionCursor<T>>>,
    /// The place of its operation among the notes.
    place: usize,
    /// A document that was asked for and not taken yet.
    asked: Option<Reply<Result<Option<T>>>>,
}

impl<T: DeserializeOwned + Send + Sync + 'static> TxCursor<T> {
    pub(super) fn new(tx: Arc<Shared>, cursor: SessionCursor<T>, place: usize) -> Self {
        Self { tx, cursor: Arc::new(Mutex::new(cursor)), place, asked: None }
    }

    /// The next document, or `None` at the end. No document is lost when the future is dropped: the next call returns it.
    pub async fn next(&mut self) -> Option<Result<T>> {
        let asked = self.asked.get_or_insert_with(|| ask(&self.tx, &self.cursor, self.place));
        let next = asked.wait().await;
        self.asked = None;
        match next {
            Some(next) => next.transpose(),
            None => Some(Err(self.tx.failed("read", "a cursor", ended()))),
        }
    }

    /// All that is left, in memory.
    pub async fn collect(mut self) -> Result<Vec<T>> {
        let mut all = Vec::new();
        while let Some(next) = self.next().await {
            all.push(next?);
        }
        Ok(all)
    }
}

/// Asks for the next document.
fn ask<T: DeserializeOwned + Send + Sync + 'static>(
    tx: &Arc<Shared>,
    cursor: &Arc<Mutex<SessionCursor<T>>>,
    place: usize,
) -> Reply<Result<Option<T>>> {
    let (shared, cursor) = (tx.clone(), cursor.clone());
    tx.turns.take(move |session| {
        Box::pin(async move {
            let next = match shared.may_go_on() {
                Ok(()) => cursor.lock().await.next(session).await.transpose(),
                Err(refused) => Err(refused),
            };
            match &next {
                Ok(Some(_)) => shared.journal.read(place),
                Ok(None) => {}
                Err(error) => shared.journal.failed("read", "a cursor", error),
            }
            next
        })
    })
}
