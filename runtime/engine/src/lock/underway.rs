//! Ends the operations of a session.

use std::time::Duration;

use mongodb::Client;
use mongodb::bson::Document;
use mongodb::error::Result;
use tokio::time::{Instant, sleep};

use super::Lock;
use super::command::{kill, under_way};
use super::store::Store;

/// Time in which a killed command must end. An index build takes 2 to 4 seconds; everything else ends immediately.
const END_LIMIT: Duration = Duration::from_secs(5);

/// Pause between two checks.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Ends the operations of a session, and waits until the server lists none. Returns false if it still does after five seconds, or
/// cannot be asked.
pub(crate) async fn end(client: &Client, session: &Document) -> bool {
    kill(client, std::slice::from_ref(session)).await;
    is_over(|| under_way(client, session)).await
}

async fn is_over<F: Future<Output = Result<Vec<Document>>>>(under_way: impl Fn() -> F) -> bool {
    let until = Instant::now() + END_LIMIT;
    loop {
        match under_way().await {
            Ok(operations) if operations.is_empty() => return true,
            Err(error) if !crate::error::is_transient(&error) => return false,
            _ if Instant::now() >= until => return false,
            _ => sleep(POLL_INTERVAL).await,
        }
    }
}

impl<S: Store> Lock<S> {
    /// Ends the operations of former holders that did not release the lease, and waits for that. With `builds`, the records show that
    /// an index build may be running. Returns the sessions that were left alone for that.
    ///
    /// The fence is already raised, so that none of their transactions can commit. But a holder that died in a body has not passed the
    /// fence, so raising it did not end its transaction, which locks the documents that it wrote for up to 90 seconds.
    ///
    /// This is done after the records are read, and not when the fence is raised: only records that were read behind the fence show
    /// which operations a former holder runs outside of transactions. An index build is left alone, because it would have to start
    /// over. The migration that resumes joins it.
    pub(crate) async fn end_former_holders(&self, sessions: Vec<Document>, builds: bool) -> Vec<Document> {
        let mut spared = Vec::new();
        for session in sessions {
            if builds && self.builds_an_index(&session).await {
                tracing::info!("an index build of a former holder continues; the migration will join it");
                spared.push(session);
                continue;
            }
            self.kill(std::slice::from_ref(&session)).await;
            if !is_over(|| self.store.under_way(&session)).await {
                tracing::warn!("a command of a former holder may still be running");
            }
        }
        spared
    }

    /// Returns whether an index build runs in this session. True if the server does not answer.
    async fn builds_an_index(&self, session: &Document) -> bool {
        let operations = self.store.under_way(session).await;
        let creates = |operation: &Document| {
            operation.get_document("command").is_ok_and(|command| command.contains_key("createIndexes"))
        };
        // Leaving it alone can only cost time.
        operations.map_or(true, |operations| operations.iter().any(creates))
    }
}
