//! The implementation of `Store` for MongoDB.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mongodb::bson::{Bson, Document, Timestamp, doc, oid::ObjectId};
use mongodb::error::{Error, Result};
use mongodb::options::ReturnDocument;
use mongodb::{ClientSession, Collection, Database};

use super::command::{kill, start, under_way};
use super::millis;
use super::store::{
    Abandoned, Claimant, Claimed, Documents, Fenced, Free, Grant, Heartbeat, LeaseDocument, Prolonged, Raised, Revoked,
    Store,
};
use crate::display::shorten;
use crate::error::write_error;
use crate::options::Names;
use crate::record::host;
use crate::store::{Change, Tracker, Written};

const LEASE: &str = "lease";
const FENCE: &str = "fence";

/// Number of abandoned sessions that are kept. Older ones are no longer alive.
const REMEMBERED: i32 = 8;

/// The collection with the two documents of the lock, and the tracker of the records.
#[derive(Clone, Debug)]
pub(crate) struct Mongo {
    /// The collection, through the client of the lease.
    documents: Collection<Document>,
    /// The same collection through the client of the bodies, whose sessions write the fence.
    fence: Collection<Document>,
    tracker: Tracker,
    /// Operation time of the last write that raised the fence.
    raised: Arc<Mutex<Option<Timestamp>>>,
}

impl Mongo {
    pub(super) fn new(database: &Database, lease: &Database, names: &Names) -> Self {
        Self {
            documents: lease.collection(&names.lock),
            fence: database.collection(&names.lock),
            tracker: Tracker::new(database, names),
            raised: Arc::default(),
        }
    }
}

impl Store for Mongo {
    type Session = ClientSession;

    fn name(&self) -> &str {
        self.documents.name()
    }

    async fn seed(&self, token: i64) -> Result<()> {
        let seeds = [
            (FENCE, doc! { "token": token, "commits": 0_i64 }),
            (LEASE, doc! { "holder": null, "token": token, "beat": 0_i64 }),
        ];
        for (id, initial) in seeds {
            self.documents.update_one(doc! { "_id": id }, doc! { "$setOnInsert": initial }).upsert(true).await?;
        }
        Ok(())
    }

    /// Reads both documents with one find.
    async fn documents(&self) -> Result<Documents> {
        let over = doc! { "$lte": ["$expiresAt", "$$NOW"] };
        let held = doc! { "$subtract": ["$$NOW", "$holder.since"] };
        let left = doc! { "$subtract": ["$expiresAt", "$$NOW"] };
        let fields = doc! {
            "holder": 1, "token": 1, "beat": 1, "leaseMs": 1, "expiresAt": 1, "expired": over, "heldMs": held,
            "leftMs": left, "stop": 1,
        };
        let both = doc! { "_id": { "$in": [LEASE, FENCE] } };
        let mut found = self.documents.clone_with_type::<LeaseDocument>().find(both).projection(fields).await?;
        let mut documents = Documents::default();
        while found.advance().await? {
            let document = found.deserialize_current()?;
            match document.id.as_str() {
                FENCE => documents.fence = Some(document.token),
                _ => documents.lease = Some(document),
            }
        }
        Ok(documents)
    }

    async fn claim(&self, free: Free, claimant: &Claimant) -> Result<Option<Claimed>> {
        let free = match free {
            Free::Unheld => doc! { "_id": LEASE, "holder": null },
            Free::Mine => doc! { "_id": LEASE, "holder.nonce": claimant.nonce },
            Free::Silent { token, beat, expired } => {
                let mut silent = doc! { "_id": LEASE, "token": token, "beat": beat };
                if expired {
                    silent.insert("$expr", doc! { "$lte": ["$expiresAt", "$$NOW"] });
                }
                silent
            }
        };
        let leases = self.documents.clone_with_type::<Claimed>();
        leases
            .find_one_and_update(free, vec![claim(claimant)])
            .return_document(ReturnDocument::After)
            .projection(doc! { "token": 1, "abandoned": 1 })
            .await
    }

    async fn withdraw(&self, nonce: ObjectId) -> Result<()> {
        let taken = doc! { "_id": LEASE, "holder.nonce": nonce };
        self.documents.update_one(taken, doc! { "$set": { "holder": null }, "$unset": { "stop": "" } }).await?;
        Ok(())
    }

    async fn prolong(&self, grant: Grant, beat: Heartbeat) -> Result<Option<Prolonged>> {
        let mut set = doc! {
            "beat": { "$add": ["$beat", 1_i64] },
            "expiresAt": { "$add": ["$$NOW", millis(beat.lease)] },
            "holder.current": { "$literal": beat.current.map_or(Bson::Null, Bson::String) },
        };
        if let Some(session) = beat.session {
            set.insert("holder.session", doc! { "$literal": session });
        }
        let leases = self.documents.clone_with_type::<Prolonged>();
        leases.find_one_and_update(ours(grant), vec![doc! { "$set": set }]).projection(doc! { "stop": 1 }).await
    }

    async fn request_stop(&self, token: i64, by: Option<&str>, because: Option<&str>) -> Result<bool> {
        let held = doc! { "_id": LEASE, "token": token, "holder": { "$ne": null } };
        // `$literal`, since a text that starts with `$` would be read as a field.
        let told = doc! { "$literal": { "by": by, "because": because } };
        let stop = doc! { "$mergeObjects": [told, { "at": "$$NOW" }] };
        let requested = self.documents.update_one(held, vec![doc! { "$set": { "stop": stop } }]).await?;
        Ok(requested.matched_count == 1)
    }

    async fn free(&self, grant: Grant, abandoned: Abandoned) -> Result<bool> {
        let mut unset = doc! { "stop": "" };
        if abandoned == Abandoned::Forget {
            unset.insert("abandoned", "");
        }
        let free = doc! { "$set": { "holder": null }, "$unset": unset };
        let freed = self.documents.update_one(ours(grant), free).await?;
        Ok(freed.matched_count == 1)
    }

    async fn revoke(&self, only: Option<i64>, newest: i64) -> Result<Option<Revoked>> {
        let free = doc! { "$set": {
            "holder": null,
            "abandoned": abandoned(doc! { "$literal": true }),
            "token": newer(newest),
            "beat": 0_i64,
            "stop": "$$REMOVE",
        } };
        let lease = only.map_or_else(
            || doc! { "_id": LEASE },
            |token| doc! { "_id": LEASE, "token": token, "holder": { "$ne": null } },
        );
        let leases = self.documents.clone_with_type::<Revoked>();
        leases.find_one_and_update(lease, vec![free]).return_document(ReturnDocument::Before).await
    }

    /// Runs `update` as a command, because the driver's action has no `maxTimeMS`. The errors in the reply are checked here, because
    /// `run_command` only checks `ok`.
    async fn raise(&self, token: i64, limit: Duration) -> Result<Raised> {
        let not_newer = doc! { "_id": FENCE, "token": { "$lte": token } };
        // The counter makes this a write even if the token stays the same. It waits for, and conflicts with, every open
        // transaction that has passed the fence.
        let raise = doc! { "$set": { "token": token }, "$inc": { "commits": 1_i64 } };
        let command = doc! {
            "update": self.documents.name(),
            "updates": [{ "q": not_newer, "u": raise }],
            "writeConcern": { "w": "majority", "j": true },
            "maxTimeMS": millis(limit),
        };
        let reply = self.documents.client().database(&self.documents.namespace().db).run_command(command).await?;
        let mut errors = reply.get_array("writeErrors").into_iter().flatten().filter_map(Bson::as_document);
        if let Some(error) = errors.next() {
            return Err(Error::custom(write_error(error)));
        }
        if let Ok(raised) = reply.get_timestamp("operationTime") {
            *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(raised);
        }
        let in_doubt = reply.get_document("writeConcernError").ok().map(|error| Error::custom(write_error(error)));
        Ok(Raised { matched: reply.get_i32("n").is_ok_and(|matched| matched == 1), in_doubt })
    }

    /// Increments the counter, because a no-op update takes no write lock and would not conflict.
    async fn pass(&self, token: i64, session: &mut ClientSession) -> Result<Fenced> {
        let ours = doc! { "_id": FENCE, "token": token };
        let passed = self.fence.update_one(ours, doc! { "$inc": { "commits": 1_i64 } }).session(session).await?;
        Ok(if passed.matched_count == 1 { Fenced::Ours } else { Fenced::Newer })
    }

    async fn kill(&self, sessions: &[Document]) {
        kill(self.documents.client(), sessions).await;
    }

    async fn under_way(&self, session: &Document) -> Result<Vec<Document>> {
        under_way(self.documents.client(), session).await
    }

    fn session_id<'s>(&self, session: &'s ClientSession) -> &'s Document {
        session.id()
    }

    async fn start(&self, session: &mut ClientSession) -> Result<()> {
        start(session).await
    }

    async fn write(&self, change: &Change, session: &mut ClientSession) -> Result<Written> {
        self.tracker.write(change, session).await
    }

    async fn commit(&self, session: &mut ClientSession) -> Result<()> {
        session.commit_transaction().await
    }

    async fn abort(&self, session: &mut ClientSession) -> Result<()> {
        session.abort_transaction().await
    }

    /// Reads in the session, so that the read comes after everything in it (`afterClusterTime`), and after the last write that raised
    /// the fence. A primary that was just elected may not know everything yet that a majority has.
    async fn holds(
        &self,
        change: &Change,
        session: &mut ClientSession,
    ) -> std::result::Result<bool, crate::error::Error> {
        let raised = *self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(raised) = raised {
            session.advance_operation_time(raised);
        }
        self.tracker.holds(change, session).await
    }
}

/// Returns the update that makes a claimant the holder, with the server's clock and a new token.
fn claim(claimant: &Claimant) -> Document {
    let lease_ms = millis(claimant.lease);
    let mut actor = claimant.actor.clone();
    actor.iter_mut().for_each(shorten);
    doc! { "$set": {
        // `$literal`, since a host or actor that starts with `$` would be read as a field.
        "holder": { "$mergeObjects": [
            { "$literal": {
                "nonce": claimant.nonce,
                "host": host(),
                "pid": i64::from(std::process::id()),
                "actor": actor.map_or(Bson::Null, Bson::String),
                "session": claimant.session.clone(),
                "current": null,
            } },
            { "since": "$$NOW" },
        ] },
        "abandoned": abandoned(doc! { "$ne": ["$holder.nonce", claimant.nonce] }),
        "token": newer(claimant.newest),
        "beat": 0_i64,
        "stop": "$$REMOVE",
        "leaseMs": lease_ms,
        "expiresAt": { "$add": ["$$NOW", lease_ms] },
    } }
}

/// Returns an expression for a token newer than both `newest` and that of the lease.
fn newer(newest: i64) -> Document {
    doc! { "$add": [{ "$max": ["$token", newest] }, 1_i64] }
}

/// Returns an expression for the sessions of holders that did not release the lease. It includes that of the present holder if
/// `present` is true.
fn abandoned(present: Document) -> Document {
    let held = doc! { "$and": ["$holder", present] };
    let present = doc! { "$cond": [held, ["$holder.session"], []] };
    let before = doc! { "$ifNull": ["$abandoned", []] };
    doc! { "$slice": [{ "$concatArrays": [before, present] }, -REMEMBERED] }
}

fn ours(grant: Grant) -> Document {
    doc! { "_id": LEASE, "holder.nonce": grant.nonce, "token": grant.token }
}
