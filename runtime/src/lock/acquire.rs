//! Taking the lease: at once when it is free, from a dead holder when it has certainly stopped.

use std::time::Duration;

use mongodb::bson::{Bson, DateTime, Document, doc, oid::ObjectId};
use mongodb::options::ReturnDocument;
use serde::Deserialize;
use tokio::time::Instant;

use super::{Holder, LEASE, Lock, host};
use crate::Error;

/// The lease document.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Sighting {
    pub(crate) holder: Option<Holder>,
    pub(crate) token: i64,
    beat: i64,
    /// How long the holder's lease is, in milliseconds.
    #[serde(default, rename = "leaseMs")]
    lease_ms: i64,
    /// Whether it is over by the server's clock.
    #[serde(default)]
    expired: bool,
    /// When it is over, by the server's clock.
    #[serde(default, rename = "expiresAt")]
    pub(super) expires_at: Option<DateTime>,
    /// For how long the holder has had it by the server's clock, in milliseconds.
    #[serde(default, rename = "heldMs")]
    pub(super) held_ms: Option<i64>,
}

/// A lease that was just taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grant {
    pub(super) nonce: ObjectId,
    pub(super) token: i64,
    /// When the request was sent, on this process's clock: the lease cannot have begun before.
    pub(super) sent: Instant,
}

/// What a waiter has seen of a holder.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Token, heartbeat counter, and since when it stands there on the waiter's own monotonic clock.
    beat: Option<(i64, i64, Instant)>,
    /// The newest token on record. A lease that has to be made anew goes on from there: somebody may have dropped the
    /// lock's collection, and what a smaller token leaves would count as older than what is on record.
    newest: i64,
}

impl Seen {
    /// A waiter that has seen nothing but the records.
    pub(crate) fn records(newest: i64) -> Self {
        Self { newest, ..Self::default() }
    }

    /// How long the heartbeat counter has stood still.
    fn still_for(&mut self, sighting: &Sighting) -> Duration {
        match self.beat {
            Some((token, beat, since)) if token == sighting.token && beat == sighting.beat => since.elapsed(),
            _ => {
                self.beat = Some((sighting.token, sighting.beat, Instant::now()));
                Duration::ZERO
            }
        }
    }
}

/// What a lease that was just taken says.
#[derive(Deserialize)]
struct Claimed {
    token: i64,
    #[serde(default)]
    abandoned: Vec<Document>,
}

/// How an attempt to take the lease ended.
pub(crate) enum Attempt {
    /// Taken; with the sessions of the holders who did not release it by themselves.
    Taken(Grant, Vec<Document>),
    /// Held by somebody who may be alive.
    Held(Holder),
    /// Somebody was faster; look again at once.
    Raced,
}

impl Lock {
    /// Reads the lease document; `None` when nobody has ever migrated here.
    pub(crate) async fn sighting(&self) -> Result<Option<Sighting>, Error> {
        let leases = self.documents.clone_with_type::<Sighting>();
        let over = doc! { "$lte": ["$expiresAt", "$$NOW"] };
        let held = doc! { "$subtract": ["$$NOW", "$holder.since"] };
        let fields = doc! {
            "holder": 1, "token": 1, "beat": 1, "leaseMs": 1, "expiresAt": 1, "expired": over, "heldMs": held,
        };
        let found = leases.find_one(doc! { "_id": LEASE }).projection(fields).await;
        let mut found = found.map_err(|error| self.failed("read the migration lock", error))?;
        if let Some(Sighting { holder: Some(holder), expired, .. }) = &mut found {
            holder.expired = *expired;
        }
        Ok(found)
    }

    /// Tries once to take the lease. `mine` is the nonce of an earlier attempt of the same waiter whose reply was lost.
    pub(crate) async fn attempt(&self, mine: ObjectId, session: &Document, seen: &mut Seen) -> Result<Attempt, Error> {
        let sent = Instant::now();
        let Some(sighting) = self.sighting().await? else {
            // Records without a lease: somebody has dropped it, perhaps from under a holder whose token is one higher.
            self.seed(if seen.newest > 0 { seen.newest + 1 } else { 0 }).await?;
            return Ok(Attempt::Raced);
        };
        let free_or_stopped = match &sighting.holder {
            None => doc! { "_id": LEASE, "holder": null },
            Some(holder) if holder.nonce == mine => {
                // Our own acquisition, whose reply was lost: `sent` is later than it, so acquire it anew.
                doc! { "_id": LEASE, "holder.nonce": mine }
            }
            Some(holder) => match stopped(&sighting, seen.still_for(&sighting)) {
                Some(filter) => filter,
                None => return Ok(Attempt::Held(holder.clone())),
            },
        };
        let claimed = self
            .documents
            .clone_with_type::<Claimed>()
            .find_one_and_update(free_or_stopped, vec![self.claim(mine, session)])
            .return_document(ReturnDocument::After)
            .projection(doc! { "token": 1, "abandoned": 1 })
            .await
            .map_err(|error| self.failed("take the migration lock", error))?;
        Ok(match (claimed, sighting.holder) {
            (Some(Claimed { token, abandoned }), _) => Attempt::Taken(Grant { nonce: mine, token, sent }, abandoned),
            // Its heartbeat has stopped, but its lease is not over yet: look again after a pause.
            (None, Some(holder)) if holder.nonce != mine => Attempt::Held(holder),
            (None, _) => Attempt::Raced,
        })
    }

    /// The update that makes this process the holder, with the server's clock and a token that only rises.
    fn claim(&self, nonce: ObjectId, session: &Document) -> Document {
        let lease_ms = millis(self.lease);
        doc! { "$set": {
            // `$literal`: a host or actor that begins with `$` is a name, not a field.
            "holder": { "$mergeObjects": [
                { "$literal": {
                    "nonce": nonce,
                    "host": host(),
                    "pid": i64::from(std::process::id()),
                    "actor": self.actor.clone().map_or(Bson::Null, Bson::String),
                    "session": session.clone(),
                    "current": null,
                } },
                { "since": "$$NOW" },
            ] },
            "abandoned": abandoned(doc! { "$ne": ["$holder.nonce", nonce] }),
            "token": { "$add": ["$token", 1_i64] },
            "beat": 0_i64,
            "leaseMs": lease_ms,
            "expiresAt": { "$add": ["$$NOW", lease_ms] },
        } }
    }

    /// Gives back what this waiter may have taken without hearing of it. As good as it can be: without an answer, the
    /// lease expires by itself.
    pub(crate) async fn withdraw(&self, mine: ObjectId) {
        let taken = doc! { "_id": LEASE, "holder.nonce": mine };
        if let Err(error) = self.documents.update_one(taken, doc! { "$set": { "holder": null } }).await {
            tracing::debug!(%error, "withdraw from the migration lock");
        }
    }

    /// A value that only one waiter has, so that a holder whose reply was lost recognises itself.
    pub(crate) fn nonce() -> ObjectId {
        ObjectId::new()
    }
}

/// The filter that takes the lease from a holder who has stopped, or `None` while it may be alive: expired by the
/// server's clock *and* no heartbeat for two intervals on our own clock; or no heartbeat for two whole leases, whatever
/// the clocks say (a fail-over can move the server's clock by hours).
fn stopped(sighting: &Sighting, still_for: Duration) -> Option<Document> {
    let lease = Duration::from_millis(sighting.lease_ms.unsigned_abs());
    let same = doc! { "_id": LEASE, "token": sighting.token, "beat": sighting.beat };
    if still_for >= lease * 2 {
        return Some(same);
    }
    if still_for >= lease / super::HEARTBEATS * 2 {
        let mut expired = same;
        expired.insert("$expr", doc! { "$lte": ["$expiresAt", "$$NOW"] });
        return Some(expired);
    }
    None
}

/// How many sessions are remembered; those before them are hours old.
const REMEMBERED: i32 = 8;

/// The sessions of holders who did not release the lease, with the present one's if it is one of these. Kept until somebody does
/// release it: such a holder may be alive, and begin one more transaction before it notices.
pub(super) fn abandoned(present: Document) -> Document {
    let held = doc! { "$and": ["$holder", present] };
    let present = doc! { "$cond": [held, ["$holder.session"], []] };
    let before = doc! { "$ifNull": ["$abandoned", []] };
    doc! { "$slice": [{ "$concatArrays": [before, present] }, -REMEMBERED] }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
