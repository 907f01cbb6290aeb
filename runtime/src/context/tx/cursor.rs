//! Results of `find` and `aggregate` in a transaction.

use std::sync::Arc;

use mongodb::SessionCursor;
use mongodb::error::Result;
use serde::de::DeserializeOwned;

use super::{Shared, open};

/// The documents of a `find` or an `aggregate` in a transaction, fetched in batches as they are asked for.
pub struct TxCursor<T> {
    tx: Arc<Shared>,
    cursor: SessionCursor<T>,
    /// The place of its operation among the notes.
    place: usize,
}

impl<T: DeserializeOwned + Send + Sync> TxCursor<T> {
    pub(super) fn new(tx: Arc<Shared>, cursor: SessionCursor<T>, place: usize) -> Self {
        Self { tx, cursor, place }
    }

    /// The next document, or `None` at the end.
    pub async fn next(&mut self) -> Option<Result<T>> {
        // As for every operation: kept until it is noted how this one ended.
        let mut entered = None;
        let result = async {
            let entered = entered.insert(self.tx.enter().await?);
            let session = open(entered)?;
            let under_way = self.tx.journal.begins("read", "a cursor");
            let result = self.cursor.next(session).await.transpose();
            under_way.ended();
            result
        }
        .await;
        match &result {
            Ok(Some(_)) => self.tx.journal.read(self.place),
            Ok(None) => {}
            Err(error) => self.tx.journal.failed("read", "a cursor", error),
        }
        result.transpose()
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
