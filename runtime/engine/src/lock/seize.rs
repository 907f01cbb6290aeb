//! Acts against the holder of the lock: a request to stop, and the release by force.

use mongodb::bson::Document;

use super::Lock;
use super::store::{Documents, LeaseDocument, Revoked, Store};
use crate::display::shorten;
use crate::error::Error;
use crate::record::Holder;

/// The result of a forced release.
#[derive(Debug)]
pub(crate) struct Seized {
    /// The new token of the lease.
    pub(crate) token: i64,
    /// The former holder, if there was one.
    pub(crate) holder: Option<Holder>,
    /// The sessions of holders that did not release the lock themselves, and may have open transactions.
    pub(crate) abandoned: Vec<Document>,
}

impl<S: Store> Lock<S> {
    /// Requests the holder of the lease with this token to stop. Returns false if nobody holds it.
    pub(crate) async fn request_stop(
        &self,
        token: i64,
        mut by: Option<String>,
        mut because: Option<String>,
    ) -> Result<bool, Error> {
        [&mut by, &mut because].into_iter().flatten().for_each(shorten);
        let requested = self.store.request_stop(token, by.as_deref(), because.as_deref()).await;
        let requested = requested.map_err(|error| self.failed("request a stop", error))?;
        self.requests.send_replace(());
        Ok(requested)
    }

    /// Releases the lock whoever holds it, and raises the token and the fence. A holder that is alive loses its lease and cannot
    /// commit. `recorded` is the newest token on record. Returns `None` if there is no lock.
    ///
    /// With `only`, fails unless the lock is held under this token.
    pub(crate) async fn seize(&self, only: Option<i64>, recorded: i64) -> Result<Option<Seized>, Error> {
        let documents = self.documents().await?;
        let is_held = |lease: &LeaseDocument| lease.holder.is_some() && only == Some(lease.token);
        if only.is_some() && !documents.lease.as_ref().is_some_and(is_held) {
            return Err(changed(documents));
        }
        if documents.lease.is_none() && documents.fence.is_none() {
            return Ok(None);
        }
        if documents.is_damaged() {
            self.mend(&documents, recorded).await?;
        }
        let newest = documents.newest_token(recorded);
        let before =
            self.store.revoke(only, newest).await.map_err(|error| self.failed("free the migration lock", error))?;
        let Some(Revoked { holder, token, mut abandoned }) = before else {
            return if only.is_some() { Err(changed(self.documents().await?)) } else { Ok(None) };
        };
        abandoned.extend(holder.as_ref().map(|holder| holder.session.clone()));
        let token = token.max(newest) + 1;
        let raised = self.raise(token, &abandoned).await?;
        tracing::warn!(token, ?raised, "the migration lock was released by force");
        Ok(Some(Seized { token, holder, abandoned }))
    }
}

fn changed(documents: Documents) -> Error {
    Error::HolderChanged { holder: documents.lease.and_then(|lease| lease.holder).map(Box::new) }
}
