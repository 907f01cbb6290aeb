//! The implementation of `RangeStore` for the simulated server.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mongodb::bson::{Bson, DateTime, Document, doc};
use mongodb::error::{
    Error, ErrorKind, Result, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure,
};
use tokio::time::Instant;

use super::network::{Executed, World, up_to};
use super::server::Server;
use super::state::{Gone, Key, Transaction, place};
use crate::executor::backfill::range::{Bound, Claim, Range, RangeFailure, RangeState, RangeStore, Seen, Skipped};
use crate::executor::backfill::throttle::Throttle;

/// How long a claim lasts, in milliseconds.
pub(super) const CLAIM: i64 = 10_000;

pub(super) struct Memory {
    world: Arc<World>,
    /// It gets no replies until then.
    cut_off: Mutex<Instant>,
}

pub(super) struct Session {
    id: i64,
    document: Document,
    /// The number of its transaction.
    number: u64,
}

impl Session {
    pub(super) fn new(id: i64) -> Self {
        Self { id, document: doc! { "id": id }, number: 0 }
    }

    fn transaction(&self) -> Transaction {
        (self.id, self.number)
    }
}

impl RangeStore for Memory {
    type Session = Session;

    fn session_id<'s>(&self, session: &'s Session) -> &'s Document {
        &session.document
    }

    async fn look(&self) -> Result<Vec<Seen>> {
        self.send(broken, |server| {
            let now = server.now().timestamp_millis();
            let seen = server.majority().ranges.values().map(|range| Seen {
                id: range.id,
                state: range.state,
                token: range.token,
                claim: range.claim.clone(),
                live: now < range.active.timestamp_millis() + CLAIM,
                counts: range.counts,
                failure: range.failure.clone(),
                skipped: 0,
            });
            Executed::Read(Ok(seen.collect()))
        })
        .await
    }

    async fn read(&self, n: i64) -> Result<Option<Range>> {
        self.send(broken, move |server| Executed::Read(Ok(server.majority().ranges.get(&n).cloned()))).await
    }

    async fn claim(&self, seen: &Seen, claim: &Claim) -> Result<Option<Range>> {
        let (n, token, claim) = (seen.id.n, seen.token, claim.clone());
        self.send(broken, move |server| {
            if server.is_locked(Key::Range(n)) {
                server.tally.blocked += 1;
                return Executed::Blocked;
            }
            let stored = server.newest().ranges.get(&n);
            let is_same = |range: &&Range| range.token == token && range.state == RangeState::Open;
            let Some(mut range) = stored.filter(is_same).cloned() else { return Executed::Read(Ok(None)) };
            (range.token, range.claim, range.active) = (token + 1, Some(claim.clone()), server.now());
            let after = range.clone();
            let serial = server.write(&[Key::Range(n)], |state| drop(state.ranges.insert(n, range)));
            Executed::Written(Some(after), serial)
        })
        .await
    }

    fn claim_time(&self) -> Duration {
        Duration::from_millis(CLAIM.unsigned_abs())
    }

    async fn renew(&self, range: &Range, throttle: &Throttle) -> Result<bool> {
        let (throttle, rate) = (throttle.clone(), range.counts.rate);
        self.world.server().tally.renewed += 1;
        self.set_at(range, move |range, now| {
            (range.active, range.counts.rate) = (now, rate);
            if let Some(claim) = &mut range.claim {
                claim.throttled = Some(throttle.clone());
            }
        })
        .await
    }

    async fn release(&self, range: &Range) -> Result<()> {
        self.set(range, |range| range.claim = None).await.map(drop)
    }

    async fn fail(&self, range: &Range, failure: &RangeFailure) -> Result<bool> {
        let failure = failure.clone();
        let fail = move |range: &mut Range| {
            (range.state, range.claim, range.failure) = (RangeState::Failed, None, Some(failure.clone()));
        };
        self.set(range, fail).await
    }

    async fn skip(&self, range: &Range, after: &Range, skipped: &Skipped) -> Result<()> {
        let (n, before, after) = (range.id.n, range.clone(), after.clone());
        let stretch = place(&skipped.from)..place(&skipped.to);
        self.send(broken, move |server| {
            if server.is_locked(Key::Range(n)) {
                return Executed::Blocked;
            }
            if !server.newest().ranges.get(&n).is_some_and(|stored| server.is_same(stored, &before)) {
                return Executed::Read(Ok(()));
            }
            server.tally.skipped += 1;
            let (after, stretch) = (after.clone(), stretch.clone());
            let serial = server.write(&[Key::Range(n)], |state| {
                state.ranges.insert(n, after);
                state.skipped.push(stretch);
            });
            Executed::Written((), serial)
        })
        .await
    }

    async fn bound(&self, range: &Range, size: u64) -> Result<Bound> {
        let (from, end, last) = (place(&range.next), place(&range.end), range.last);
        self.send(broken, move |server| {
            let documents = server.newest().documents.range(from..).map(|(id, _)| *id);
            let inside: Vec<_> = documents.take_while(|id| *id < end || last && *id == end).collect();
            let next = usize::try_from(size).ok().and_then(|size| inside.get(size));
            let (to, ends) = next.map_or((end, true), |next| (*next, false));
            let scanned = if ends { inside.len() as u64 } else { size };
            Executed::Read(Ok(Bound { to: Bson::Int64(to), scanned, ends }))
        })
        .await
    }

    async fn change(&self, range: &Range, bound: &Bound, session: &mut Session) -> Result<(u64, u64)> {
        session.number += 1;
        let transaction = session.transaction();
        let (span, including) = ((place(&range.next), place(&bound.to)), bound.ends && range.last);
        let change =
            move |server: &mut Server| Executed::Read(server.change(transaction, span, including).map_err(Error::from));
        let changed = self.send(broken_in_transaction, change).await?;
        Ok((changed, changed))
    }

    async fn leaves_remaining(&self, _: &Range, _: &Bound, _: &mut Session) -> Result<bool> {
        Ok(false)
    }

    async fn checkpoint(&self, range: &Range, after: &Range, session: &mut Session) -> Result<bool> {
        let (transaction, before, after) = (session.transaction(), range.clone(), after.clone());
        let checkpoint = move |server: &mut Server| {
            Executed::Read(server.checkpoint(transaction, &before, &after).map_err(Error::from))
        };
        self.send(broken_in_transaction, checkpoint).await
    }

    async fn commit(&self, session: &mut Session) -> Result<()> {
        let transaction = session.transaction();
        self.send(broken_in_commit, move |server| match server.commit(transaction) {
            Ok(serial) => Executed::Written((), serial),
            Err(gone) => Executed::Read(Err(gone.into())),
        })
        .await
    }

    async fn abort(&self, session: &mut Session) -> Result<()> {
        let transaction = session.transaction();
        let abort = move |server: &mut Server| {
            server.abort(transaction);
            Executed::Read(Ok(()))
        };
        self.send(broken, abort).await
    }

    async fn kill(&self, session: &Document) {
        let session = session.get_i64("id").expect("an id");
        let kill = move |server: &mut Server| {
            server.kill(session);
            Executed::Read(Ok(()))
        };
        let _ = self.send(broken, kill).await;
    }
}

impl Memory {
    pub(super) fn new(world: Arc<World>) -> Self {
        Self { world, cut_off: Mutex::new(Instant::now()) }
    }

    async fn send<T: Send + 'static>(
        &self,
        lost: fn() -> Error,
        execute: impl FnMut(&mut Server) -> Executed<T> + Send + 'static,
    ) -> Result<T> {
        let is_cut_off = {
            let mut until = self.cut_off.lock().unwrap_or_else(PoisonError::into_inner);
            if self.world.hits(40) {
                *until = Instant::now() + up_to(4_000);
            }
            Instant::now() < *until
        };
        self.world.send(is_cut_off, lost, execute).await
    }

    /// Changes an open range outside of a transaction, if it has the token.
    async fn set(&self, range: &Range, set: impl Fn(&mut Range) + Send + 'static) -> Result<bool> {
        self.set_at(range, move |range, _| set(range)).await
    }

    /// Changes it with the time of the server.
    async fn set_at(&self, range: &Range, set: impl Fn(&mut Range, DateTime) + Send + 'static) -> Result<bool> {
        let (n, token) = (range.id.n, range.token);
        self.send(broken, move |server| {
            if server.is_locked(Key::Range(n)) {
                return Executed::Blocked;
            }
            let stored = server.newest().ranges.get(&n);
            let is_same = |range: &&Range| range.token == token && range.state == RangeState::Open;
            let Some(mut range) = stored.filter(is_same).cloned() else { return Executed::Read(Ok(false)) };
            set(&mut range, server.now());
            let serial = server.write(&[Key::Range(n)], |state| drop(state.ranges.insert(n, range)));
            Executed::Written(true, serial)
        })
        .await
    }
}

/// A server's error with a label. Only this kind of error can be made with labels from outside the driver.
fn error(code: i32, name: &str, label: Option<&str>) -> Error {
    let labels: Vec<_> = label.into_iter().collect();
    let error = serde_json::json!({ "code": code, "codeName": name, "errmsg": name, "errorLabels": labels });
    let error = serde_json::from_value(error).expect("an error as the server sends it");
    ErrorKind::Write(WriteFailure::WriteConcernError(error)).into()
}

pub(super) fn broken() -> Error {
    error(91, "ShutdownInProgress", None)
}

fn broken_in_transaction() -> Error {
    error(91, "ShutdownInProgress", Some(TRANSIENT_TRANSACTION_ERROR))
}

fn broken_in_commit() -> Error {
    error(91, "ShutdownInProgress", Some(UNKNOWN_TRANSACTION_COMMIT_RESULT))
}

impl From<Gone> for Error {
    fn from(gone: Gone) -> Self {
        let (code, name) = match gone {
            Gone::Conflict => (112, "WriteConflict"),
            Gone::NoSuchTransaction => (251, "NoSuchTransaction"),
            Gone::Invalid => return error(121, "DocumentValidationFailure", None),
        };
        error(code, name, Some(TRANSIENT_TRANSACTION_ERROR))
    }
}
