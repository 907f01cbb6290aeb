//! All that the lease, the fence and the commit ask of the database, so that a model can answer in its place.

use std::fmt;
use std::time::Duration;

use mongodb::bson::{DateTime, Document, oid::ObjectId};
use mongodb::error::Result;
use serde::Deserialize;
use tokio::time::Instant;

use crate::record::Holder;
use crate::store::{Change, Written};

/// The stored lease, fence and records. Each method is one command, answered when a majority has it.
pub(crate) trait Store: Clone + fmt::Debug + Send + Sync + 'static {
    /// One transaction after the other.
    type Session: Send;

    /// Where the lock is, for messages.
    fn name(&self) -> &str;

    /// Makes what is missing of the two documents, with this token.
    fn seed(&self, token: i64) -> impl Future<Output = Result<()>> + Send;

    /// The two documents, as far as they are there.
    fn documents(&self) -> impl Future<Output = Result<Documents>> + Send;

    /// Takes the lease if it is (still) `free`.
    fn claim(&self, free: Free, claimant: &Claimant) -> impl Future<Output = Result<Option<Claimed>>> + Send;

    /// Gives back the lease of a claimant that does not know whether it has one.
    fn withdraw(&self, nonce: ObjectId) -> impl Future<Output = Result<()>> + Send;

    /// One heartbeat; false when the lease is not ours any more.
    fn prolong(&self, grant: Grant, beat: Beat) -> impl Future<Output = Result<bool>> + Send;

    /// Gives the lease back, unless it is somebody else's by now, and forgets who has abandoned it. False when it was not
    /// ours any more.
    fn free(&self, grant: Grant) -> impl Future<Output = Result<bool>> + Send;

    /// Takes the lease from whoever has it, and gives it to nobody; raises its token above what it was and above `newest`.
    fn revoke(&self, newest: i64) -> impl Future<Output = Result<Option<Revoked>>> + Send;

    /// Writes the fence, unless it is newer. Waits up to `limit` for an open transaction that has written it.
    fn raise(&self, token: i64, limit: Duration) -> impl Future<Output = Result<Raised>> + Send;

    /// Writes the fence within a transaction, if it is of this token.
    fn pass(&self, token: i64, session: &mut Self::Session) -> impl Future<Output = Result<Fenced>> + Send;

    /// Ends the open transactions of these sessions. Nothing can be concluded from the answer.
    fn kill(&self, sessions: &[Document]) -> impl Future<Output = ()> + Send;

    /// The operations that a session has under way.
    fn under_way(&self, session: &Document) -> impl Future<Output = Result<Vec<Document>>> + Send;

    fn session_id<'s>(&self, session: &'s Self::Session) -> &'s Document;

    fn start(&self, session: &mut Self::Session) -> impl Future<Output = Result<()>> + Send;

    /// Writes a change within a transaction, unless what is stored belongs to somebody else by now.
    fn write(&self, change: &Change, session: &mut Self::Session) -> impl Future<Output = Result<Written>> + Send;

    fn commit(&self, session: &mut Self::Session) -> impl Future<Output = Result<()>> + Send;

    fn abort(&self, session: &mut Self::Session) -> impl Future<Output = Result<()>> + Send;

    /// Whether a change is stored for good: on a majority, after all that the session and [`raise`](Self::raise) have seen.
    fn holds(
        &self,
        change: &Change,
        session: &mut Self::Session,
    ) -> impl Future<Output = std::result::Result<bool, crate::error::Error>> + Send;
}

/// The two documents of the lock.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    pub(crate) lease: Option<Sighting>,
    /// The token of the fence.
    pub(crate) fence: Option<i64>,
}

impl Documents {
    /// Whether one of them is missing.
    pub(crate) fn is_damaged(&self) -> bool {
        self.lease.is_none() || self.fence.is_none()
    }

    /// The newest token in them, and of the newest one on record.
    pub(crate) fn newest_token(&self, recorded: i64) -> i64 {
        let lease = self.lease.as_ref().map_or(0, |lease| lease.token);
        recorded.max(lease).max(self.fence.unwrap_or(0))
    }
}

/// What must be true of a lease to be taken.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Free {
    /// Nobody has it.
    Unheld,
    /// The claimant has it already, without having heard of it.
    Mine,
    /// Its holder has been silent since it was seen with this heartbeat; and it is over by the server's clock, if that
    /// is asked for.
    Silent { token: i64, beat: i64, expired: bool },
}

/// Who wants the lease.
#[derive(Clone, Debug)]
pub(crate) struct Claimant {
    /// This acquisition, and no other.
    pub(crate) nonce: ObjectId,
    pub(crate) actor: Option<String>,
    /// The session of its transactions.
    pub(crate) session: Document,
    pub(crate) lease: Duration,
    /// The newest token that is stored anywhere. Its own is newer, whatever the lease says: the records may be of another
    /// time than the lock.
    pub(crate) newest: i64,
}

/// A lease that was just taken.
#[derive(Debug, Deserialize)]
pub(crate) struct Claimed {
    pub(crate) token: i64,
    /// The sessions of holders who did not release it. Kept until somebody does release it: such a holder may be alive, and begin
    /// one more transaction before it notices.
    #[serde(default)]
    pub(crate) abandoned: Vec<Document>,
}

/// A lease that was just taken away.
#[derive(Debug, Deserialize)]
pub(crate) struct Revoked {
    /// Its former holder.
    pub(crate) holder: Option<Holder>,
    /// Its token before.
    pub(crate) token: i64,
    /// The sessions that it named before.
    #[serde(default)]
    pub(crate) abandoned: Vec<Document>,
}

/// What travels with a heartbeat.
#[derive(Clone, Debug)]
pub(crate) struct Beat {
    pub(crate) lease: Duration,
    /// What runs now.
    pub(crate) current: Option<String>,
    /// The session of the holder's transactions, when it is another one than at the start.
    pub(crate) session: Option<Document>,
}

/// What raising the fence has done.
#[derive(Debug)]
pub(crate) struct Raised {
    /// Whether there was a fence that is not newer.
    pub(crate) matched: bool,
    /// Why it is not known to be on a majority.
    pub(crate) in_doubt: Option<mongodb::error::Error>,
}

/// The lease document.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Sighting {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) holder: Option<Holder>,
    pub(crate) token: i64,
    #[serde(default)]
    pub(crate) beat: i64,
    /// How long the holder's lease is, in milliseconds.
    #[serde(default, rename = "leaseMs")]
    pub(crate) lease_ms: i64,
    /// Whether it is over by the server's clock.
    #[serde(default)]
    pub(crate) expired: bool,
    /// When it is over, by the server's clock.
    #[serde(default, rename = "expiresAt")]
    pub(crate) expires_at: Option<DateTime>,
    /// For how long the holder has had it by the server's clock, in milliseconds.
    #[serde(default, rename = "heldMs")]
    pub(crate) held_ms: Option<i64>,
}

/// A lease that was just taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grant {
    pub(crate) nonce: ObjectId,
    pub(crate) token: i64,
    /// When the request was sent, on this process's clock: the lease cannot have begun before.
    pub(super) sent: Instant,
}

/// Whether the fence still carries our token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Fenced {
    /// It does: nobody has taken over.
    Ours,
    /// A newer token is there.
    Newer,
}
