//! Taking the lock away from its holder by force.

use super::store::{Revoked, Store};
use super::{Holder, Lock};
use crate::Error;

impl<S: Store> Lock<S> {
    /// Frees the lock whoever holds it, and raises token and fence, so that a holder that still lives loses its lease and
    /// commits nothing more. Gives the new token and the former holder, if there was one. `newest` is the newest token on
    /// record.
    pub(crate) async fn seize(&self, newest: i64) -> Result<Option<(i64, Holder)>, Error> {
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
        Ok(holder.map(|holder| (token + 1, holder)))
    }
}
