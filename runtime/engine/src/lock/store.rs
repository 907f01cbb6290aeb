//! The interface between lease, fence and commit and the database. The simulation implements it, too.

use std::fmt;
use std::time::Duration;

use mongodb::bson::{DateTime, Document, oid::ObjectId};
use mongodb::error::Result;
use serde::Deserialize;
use tokio::time::Instant;

use super::stop_request::StopRequest;
use crate::record::Holder;
use crate::store::{Change, Written};

/// The stored lease, fence and records. Each method is one command, which returns once a majority has acknowledged it.
pub(crate) trait Store: Clone + fmt::Debug + Send + Sync + 'static {
    /// A session, which runs one transaction at a time.
    type Session: Send;

    /// Returns the name of the lock's collection, for messages.
    fn name(&self) -> &str;

    /// Creates the missing documents with this token.
    fn seed(&self, token: i64) -> impl Future<Output = Result<()>> + Send;

    /// Reads the two documents. Either may be missing.
    fn documents(&self) -> impl Future<Output = Result<Documents>> + Send;

    /// Acquires the lease if the condition `free` holds.
    fn claim(&self, free: Free, claimant: &Claimant) -> impl Future<Output = Result<Option<Claimed>>> + Send;

    /// Releases the lease of a claimant that does not know whether it has acquired it.
    fn withdraw(&self, nonce: ObjectId) -> impl Future<Output = Result<()>> + Send;

    /// Sends a heartbeat. Returns `None` if the lease is lost.
    fn prolong(&self, grant: Grant, beat: Heartbeat) -> impl Future<Output = Result<Option<Prolonged>>> + Send;

    /// Stores a request to stop, at the server's time, for the holder of the lease with this token. Returns false if nobody holds it.
    fn request_stop(
        &self,
        token: i64,
        by: Option<&str>,
        because: Option<&str>,
    ) -> impl Future<Output = Result<bool>> + Send;

    /// Releases the lease if it is still ours. Returns false if the lease is lost.
    fn free(&self, grant: Grant, abandoned: Abandoned) -> impl Future<Output = Result<bool>> + Send;

    /// Releases the lease whoever holds it, or only if it is held under the token `only`. Raises its token above the former one and
    /// above `newest`.
    fn revoke(&self, only: Option<i64>, newest: i64) -> impl Future<Output = Result<Option<Revoked>>> + Send;

    /// Raises the fence, unless it is newer. Waits up to `limit` for an open transaction that has written it.
    fn raise(&self, token: i64, limit: Duration) -> impl Future<Output = Result<Raised>> + Send;

    /// Writes the fence in a transaction, if it has this token.
    fn pass(&self, token: i64, session: &mut Self::Session) -> impl Future<Output = Result<Fenced>> + Send;

    /// Ends the open transactions of these sessions. Best effort.
    fn kill(&self, sessions: &[Document]) -> impl Future<Output = ()> + Send;

    /// Lists the operations that run in a session.
    fn under_way(&self, session: &Document) -> impl Future<Output = Result<Vec<Document>>> + Send;

    fn session_id<'s>(&self, session: &'s Self::Session) -> &'s Document;

    fn start(&self, session: &mut Self::Session) -> impl Future<Output = Result<()>> + Send;

    /// Writes a change in a transaction, unless another holder has written the record since.
    fn write(&self, change: &Change, session: &mut Self::Session) -> impl Future<Output = Result<Written>> + Send;

    fn commit(&self, session: &mut Self::Session) -> impl Future<Output = Result<()>> + Send;

    fn abort(&self, session: &mut Self::Session) -> impl Future<Output = Result<()>> + Send;

    /// Returns whether a change is stored permanently. The read is a majority read after everything that the session and
    /// [`raise`](Self::raise) have seen.
    fn holds(
        &self,
        change: &Change,
        session: &mut Self::Session,
    ) -> impl Future<Output = std::result::Result<bool, crate::error::Error>> + Send;
}

/// The two documents of the lock.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    pub(crate) lease: Option<LeaseDocument>,
    /// The token of the fence.
    pub(crate) fence: Option<i64>,
}

impl Documents {
    /// Returns whether one of the documents is missing.
    pub(crate) fn is_damaged(&self) -> bool {
        self.lease.is_none() || self.fence.is_none()
    }

    /// Returns the newest token in the documents and on record.
    pub(crate) fn newest_token(&self, recorded: i64) -> i64 {
        let lease = self.lease.as_ref().map_or(0, |lease| lease.token);
        recorded.max(lease).max(self.fence.unwrap_or(0))
    }
}

/// The condition for acquiring the lease.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Free {
    /// Nobody holds it.
    Unheld,
    /// The claimant holds it already, from an attempt whose reply was lost.
    Mine,
    /// The holder has sent no heartbeat since this one. With `expired`, the lease must also have expired by the server's clock.
    Silent { token: i64, beat: i64, expired: bool },
}

/// A process that wants the lease.
#[derive(Clone, Debug)]
pub(crate) struct Claimant {
    /// Identifies this acquisition.
    pub(crate) nonce: ObjectId,
    pub(crate) actor: Option<String>,
    /// The session of its transactions.
    pub(crate) session: Document,
    pub(crate) lease: Duration,
    /// The newest token that is stored anywhere. The new token is newer than this one and that of the lease, since the lock may be
    /// older than the records.
    pub(crate) newest: i64,
}

/// The reply to an acquisition.
#[derive(Debug, Deserialize)]
pub(crate) struct Claimed {
    pub(crate) token: i64,
    /// The sessions of holders that did not release it. They are kept until somebody releases it: such a holder may be alive, and may
    /// start one more transaction before it notices.
    #[serde(default)]
    pub(crate) abandoned: Vec<Document>,
}

/// The lease before a forced release.
#[derive(Debug, Deserialize)]
pub(crate) struct Revoked {
    /// The former holder.
    pub(crate) holder: Option<Holder>,
    /// The former token.
    pub(crate) token: i64,
    /// The abandoned sessions before the release.
    #[serde(default)]
    pub(crate) abandoned: Vec<Document>,
}

/// The contents of a heartbeat.
#[derive(Clone, Debug)]
pub(crate) struct Heartbeat {
    pub(crate) lease: Duration,
    /// The current migration.
    pub(crate) current: Option<String>,
    /// The session of the holder's transactions, if it has changed.
    pub(crate) session: Option<Document>,
}

/// The reply to a heartbeat.
#[derive(Debug, Deserialize)]
pub(crate) struct Prolonged {
    /// The request to stop, if there is one.
    #[serde(default)]
    pub(crate) stop: Option<StopRequest>,
}

/// The result of raising the fence.
#[derive(Debug)]
pub(crate) struct Raised {
    /// Whether there was a fence, and it was not newer.
    pub(crate) matched: bool,
    /// The reason if the write is not known to have reached a majority.
    pub(crate) in_doubt: Option<mongodb::error::Error>,
}

/// The lease document.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct LeaseDocument {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) holder: Option<Holder>,
    pub(crate) token: i64,
    #[serde(default)]
    pub(crate) beat: i64,
    /// Length of the holder's lease, in milliseconds.
    #[serde(default, rename = "leaseMs")]
    pub(crate) lease_ms: i64,
    /// Whether it has expired by the server's clock.
    #[serde(default)]
    pub(crate) expired: bool,
    /// Time at which it expires, by the server's clock.
    #[serde(default, rename = "expiresAt")]
    pub(crate) expires_at: Option<DateTime>,
    /// Time since the holder acquired it, by the server's clock, in milliseconds.
    #[serde(default, rename = "heldMs")]
    pub(crate) held_ms: Option<i64>,
    /// Time until it expires, by the server's clock, in milliseconds.
    #[serde(default, rename = "leftMs")]
    pub(crate) left_ms: Option<i64>,
    /// The request to its holder to stop, if there is one.
    #[serde(default)]
    pub(crate) stop: Option<StopRequest>,
}

impl LeaseDocument {
    /// Returns the time at which it was acquired or last prolonged, by the server's clock.
    pub(crate) fn prolonged_at(&self) -> Option<DateTime> {
        let expires = self.expires_at.filter(|_| self.lease_ms > 0)?;
        Some(DateTime::from_millis(expires.timestamp_millis() - self.lease_ms))
    }

    /// Returns the time until it expires, by the server's clock. Zero if it has expired.
    pub(crate) fn expires_in(&self) -> Option<Duration> {
        self.left_ms.map(|ms| Duration::from_millis(ms.max(0).unsigned_abs()))
    }
}

/// What becomes of the abandoned sessions when the lease is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Abandoned {
    /// Their operations were not ended yet: the next holder has to do it.
    Keep,
    Forget,
}

/// Identifies an acquired lease.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grant {
    pub(crate) nonce: ObjectId,
    pub(crate) token: i64,
    /// Time at which the request was sent, on this process's clock: the lease cannot have started before.
    pub(super) sent: Instant,
}

/// Whether the fence still has our token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Fenced {
    /// It has; nobody has taken over.
    Ours,
    /// It has a newer token.
    Newer,
}
