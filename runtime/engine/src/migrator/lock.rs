//! Inspecting and releasing the migration lock.

use std::future::IntoFuture;

use mongodb::BoxFuture;

use super::Migrator;
use super::entry::entry;
use super::former::end_former_holders;
use crate::error::Error;
use crate::lock::{LockStatus, Seized};
use crate::record::{Act, HistoryEntry, Holder};

/// A future that releases the migration lock by force; returned by [`Migrator::force_unlock`]. Set who and why, then await it.
/// Returns the former holder, or `None` if the lock was free.
///
/// The lock of a dead holder expires with its lease. Use this to avoid the wait, or to stop a live holder: the holder is fenced
/// off, so its transaction does not commit, and its run fails with [`Error::LeaseLost`]. Its changes outside transactions
/// remain.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// if let Some(holder) = migrator.force_unlock().by("ana").because("the node is gone, see OPS-18").await? {
///     println!("took the lock from {holder}");
/// }
/// # Ok(()) }
/// ```
#[must_use = "nothing happens until this is awaited"]
#[derive(Clone, Debug)]
pub struct ForceUnlock {
    migrator: Migrator,
    only: Option<i64>,
    by: Option<String>,
    because: Option<String>,
}

impl Migrator {
    /// Returns the state of the migration lock. Reads once; never writes.
    pub async fn lock_status(&self) -> Result<LockStatus, Error> {
        self.clone().complete(async |this| this.0.lock.status().await).await
    }

    /// Releases the migration lock by force, whoever holds it, and records this in the history.
    pub fn force_unlock(&self) -> ForceUnlock {
        ForceUnlock { migrator: self.clone(), only: None, by: None, because: None }
    }
}

impl ForceUnlock {
    /// Releases the lock only from the lease with this token, as [`LockStatus::token`] showed it. If that lease is not the current
    /// one any more, fails with [`Error::HolderChanged`] and writes nothing.
    pub fn only(mut self, token: i64) -> Self {
        self.only = Some(token);
        self
    }

    /// Sets the person or program to record, instead of the migrator's actor.
    pub fn by(mut self, name: impl Into<String>) -> Self {
        self.by = Some(name.into());
        self
    }

    /// Sets the reason to record in the history.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.because = Some(reason.into());
        self
    }
}

impl IntoFuture for ForceUnlock {
    type Output = Result<Option<Holder>, Error>;
    type IntoFuture = BoxFuture<'static, Result<Option<Holder>, Error>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { migrator, only, by, because } = self;
        Box::pin(migrator.complete(async move |this| {
            let inner = &this.0;
            let newest = inner.tracker.records().await?.newest_token();
            this.refuse_foreign().await?;
            let Some(Seized { token, holder, abandoned }) = inner.lock.seize(only, newest).await? else {
                return Ok(None);
            };
            let records = inner.tracker.records().await?;
            end_former_holders(&inner.lock, &inner.tracker, &records, abandoned).await?;
            let Some(holder) = holder else { return Ok(None) };
            let entry = entry(Act::Unlock, token, &inner.options);
            let by = by.or_else(|| entry.by.clone());
            let entry = HistoryEntry { by, because, holder: Some(Box::new(holder.clone())), ..entry };
            inner.tracker.append(&entry).await?;
            Ok(Some(holder))
        }))
    }
}
