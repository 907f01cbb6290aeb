//! What a session has under way at the server, and its end.

use std::time::Duration;

use mongodb::Client;
use mongodb::bson::Document;
use mongodb::error::Result;
use tokio::time::{Instant, sleep};

use super::Lock;
use super::command::{kill, under_way};
use super::store::Store;

/// How long a command that was killed may take to end. An index build takes 2 to 4 seconds, everything else ends at once.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The pause between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Ends what a session has under way, and waits until the server shows nothing of it. False when it still does after five
/// seconds, or cannot be asked.
pub(crate) async fn end(client: &Client, session: &Document) -> bool {
    kill(client, std::slice::from_ref(session)).await;
    is_over(|| under_way(client, session)).await
}

async fn is_over<F: Future<Output = Result<Vec<Document>>>>(under_way: impl Fn() -> F) -> bool {
    let until = Instant::now() + LAST_WORDS;
    loop {
        match under_way().await {
            Ok(operations) if operations.is_empty() => return true,
            Err(error) if !crate::error::passes(&error) => return false,
            _ if Instant::now() >= until => return false,
            _ => sleep(BETWEEN_LOOKS).await,
        }
    }
}

impl<S: Store> Lock<S> {
    /// Ends what holders that did not release the lease have under way in these sessions, and waits until it has ended. `builds`
    /// says whether the records know of an index build among it. Returns the sessions that were spared for that.
    ///
    /// The fence is raised already, so nothing that they still have open can commit. But the transaction of a holder that
    /// died in a body has not passed the fence, so it did not block it either, and it locks the documents that it wrote for
    /// up to 90 seconds. This comes after the records are read, and not with the raise: only records that were read behind
    /// the fence tell what a former holder has under way outside of transactions. An index build is left alone, because it would
    /// have to begin again: the migration that resumes joins it.
    pub(crate) async fn end_former_holders(&self, sessions: Vec<Document>, builds: bool) -> Vec<Document> {
        let mut spared = Vec::new();
        for session in sessions {
            if builds && self.builds_an_index(&session).await {
                tracing::info!("a former holder's index build goes on; it is joined");
                spared.push(session);
                continue;
            }
            self.kill(std::slice::from_ref(&session)).await;
            if !is_over(|| self.store.under_way(&session)).await {
                tracing::warn!("a former holder's command may still be under way");
            }
        }
        spared
    }

    /// Whether that is what a session has under way, as far as the server tells.
    async fn builds_an_index(&self, session: &Document) -> bool {
        let operations = self.store.under_way(session).await;
        let creates = |operation: &Document| {
            operation.get_document("command").is_ok_and(|command| command.contains_key("createIndexes"))
        };
        // In doubt it is left: all that it may cost is time.
        operations.map_or(true, |operations| operations.iter().any(creates))
    }
}
