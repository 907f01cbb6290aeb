//! Taking the lock away from its holder by force.

use mongodb::bson::Document;

use super::store::{Revoked, Store};
use super::{Holder, Lock};
use crate::Error;

/// A lock that was taken away from its holder.
#[derive(Debug)]
pub(crate) struct Seized {
    /// The new token.
    pub(crate) token: i64,
    /// The former holder, if there was one.
    pub(crate) holder: Option<Holder>,
    /// The sessions of holders that did not release the lock, which may have open transactions.
    pub(crate) abandoned: Vec<Document>,
}

impl<S: Store> Lock<S> {
    /// Frees the lock whoever holds it, and raises token and fence, so that a holder that still lives loses its lease and
    /// commits nothing more. Returns `None` if there has never been a lock. `newest` is the newest token on record.
    pub(crate) async fn seize(&self, newest: i64) -> Result<Option<Seized>, Error> {
        if self.sighting().await?.is_none() {
            return Ok(None);
        }
        // One of the two documents may have been lost, which is a reason to come here.
        self.seed(newest + 1).await?;
        let before = self.store.revoke().await.map_err(|error| self.failed("free the migration lock", error))?;
        let Some(Revoked { holder, token, mut abandoned }) = before else { return Ok(None) };
        abandoned.extend(holder.as_ref().map(|holder| holder.session.clone()));
        let raised = self.raise(token + 1, &abandoned).await?;
        tracing::warn!(token = token + 1, ?raised, "the migration lock was freed by force");
        Ok(Some(Seized { token: token + 1, holder, abandoned }))
    }
}
