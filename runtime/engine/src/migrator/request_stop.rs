//! Stopping a run from any process.

use std::future::IntoFuture;

use mongodb::BoxFuture;

use super::Migrator;
use crate::error::Error;

/// A future that requests the run with a certain lease to stop; returned by [`Migrator::request_stop`]. Set who and why, then
/// await it. Returns whether the request was stored, which means that this lease is held.
///
/// The holder, in whatever process, reads the request with its next heartbeat: at once if it runs on this migrator, a clone or a
/// [child](Migrator::child), else an eighth of the lease later at most. Then the run stops as at a [`shutdown`](Migrator::shutdown): it finishes its current server call, rolls back its transaction and releases the
/// lease. Its result is [`Error::Interrupted`], and a warning of its report says who made the request and why. A run that ends
/// before that is not affected.
///
/// A holder that has died does not read requests. Its lease expires, or [`force_unlock`](Migrator::force_unlock) releases it.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// let status = migrator.lock_status().await?;
/// if migrator.request_stop(status.token).by("ana").because("it slows down the shop, see OPS-19").await? {
///     println!("the run stops with its next heartbeat");
/// }
/// # Ok(()) }
/// ```
#[must_use = "nothing is requested until this is awaited"]
#[derive(Clone, Debug)]
pub struct RequestStop {
    migrator: Migrator,
    token: i64,
    by: Option<String>,
    because: Option<String>,
}

impl Migrator {
    /// Requests the run that holds the lease with this token to stop, whatever process it runs in. The token is that of
    /// [`LockStatus::token`](crate::lock::LockStatus::token), [`Event::Acquired`](crate::events::Event::Acquired) or
    /// [`Report::token`](crate::Report::token).
    pub fn request_stop(&self, token: i64) -> RequestStop {
        RequestStop { migrator: self.clone(), token, by: None, because: None }
    }
}

impl RequestStop {
    /// Sets the person or program that requests it, instead of the migrator's actor.
    pub fn by(mut self, name: impl Into<String>) -> Self {
        self.by = Some(name.into());
        self
    }

    /// Sets the reason.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.because = Some(reason.into());
        self
    }
}

impl IntoFuture for RequestStop {
    type Output = Result<bool, Error>;
    type IntoFuture = BoxFuture<'static, Result<bool, Error>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { migrator, token, by, because } = self;
        Box::pin(migrator.complete(async move |this| {
            let by = by.or_else(|| this.0.options.actor.clone());
            this.0.lock.request_stop(token, by, because).await
        }))
    }
}
