//! The lease and the fence on the primary.

use std::time::Duration;

use mongodb::bson::{DateTime, Document, oid::ObjectId};
use tokio::time::Instant;

use super::{Key, Server};
use crate::lock::LeaseDocument;
use crate::lock::{Abandoned, Claimant, Claimed, Free, Grant, Heartbeat, Prolonged, Revoked, StopRequest, millis};
use crate::record::Holder;

#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub(crate) holder: Option<Holder>,
    pub(crate) token: i64,
    beat: i64,
    /// The request to its holder to stop, made by its token.
    stop: Option<StopRequest>,
    /// The sessions of holders that did not release it.
    abandoned: Vec<Document>,
    length: Duration,
    /// By the server's clock, in milliseconds.
    expires_at: i64,
    /// The last claim or renewal, by the clock of the simulation.
    touched: Instant,
}

impl Server {
    // The lease.

    pub(crate) fn seed(&mut self, token: i64) {
        let now = Instant::now();
        if self.newest().fence.is_none() {
            self.push(|state| state.fence = Some(token));
        }
        if self.newest().lease.is_none() {
            let lease = Lease {
                holder: None,
                token,
                beat: 0,
                stop: None,
                abandoned: Vec::new(),
                length: Duration::ZERO,
                expires_at: 0,
                touched: now,
            };
            self.push(|state| state.lease = Some(lease));
        }
    }

    pub(crate) fn sighting(&self) -> Option<LeaseDocument> {
        let lease = self.majority().lease.clone()?;
        Some(LeaseDocument {
            id: "lease".to_owned(),
            expired: lease.expires_at <= self.now(),
            holder: lease.holder,
            token: lease.token,
            beat: lease.beat,
            lease_ms: millis(lease.length),
            expires_at: None,
            held_ms: None,
            left_ms: None,
            stop: lease.stop,
        })
    }

    pub(crate) fn is_free(&self, free: Free, claimant: &Claimant) -> bool {
        let Some(lease) = &self.newest().lease else { return false };
        let nonce = lease.holder.as_ref().map(|holder| holder.nonce);
        match free {
            Free::Unheld => nonce.is_none(),
            Free::Mine => nonce == Some(claimant.nonce),
            Free::Silent { token, beat, expired } => {
                lease.token == token && lease.beat == beat && (!expired || lease.expires_at <= self.now())
            }
        }
    }

    pub(crate) fn claim(&mut self, free: Free, claimant: &Claimant) -> Option<Claimed> {
        let lease = self.newest().lease.as_ref().filter(|_| self.is_free(free, claimant))?;
        let nonce = lease.holder.as_ref().map(|holder| holder.nonce);
        let mut abandoned = lease.abandoned.clone();
        let present = lease.holder.as_ref().filter(|holder| holder.nonce != claimant.nonce);
        abandoned.extend(present.map(|holder| holder.session.clone()));
        let (token, silent_for) = (lease.token.max(claimant.newest) + 1, lease.touched.elapsed());
        match (free, nonce) {
            (Free::Silent { .. }, Some(nonce)) => {
                self.tally.taken_over += 1;
                self.look_for_believers(nonce, claimant.lease, silent_for);
                if nonce == claimant.nonce {
                    self.violate("somebody was locked out by itself");
                }
                self.watch_raise(&claimant.session, true);
            }
            (Free::Mine, _) => {}
            _ => self.watch_raise(&claimant.session, false),
        }
        let holder = Holder {
            host: String::new(),
            pid: 0,
            actor: None,
            since: DateTime::from_millis(self.now()),
            current: None,
            expired: false,
            nonce: claimant.nonce,
            session: claimant.session.clone(),
        };
        if let Ok(session) = claimant.session.get_i64("id") {
            self.took.insert(session, Instant::now());
        }
        let expires_at = self.now() + millis(claimant.lease);
        let (length, touched) = (claimant.lease, Instant::now());
        let holder = Some(holder);
        let claimed = Claimed { token, abandoned: abandoned.clone() };
        let (beat, stop) = (0, None);
        self.push(|state| {
            state.lease = Some(Lease { holder, token, beat, stop, abandoned, length, expires_at, touched });
        });
        Some(claimed)
    }

    pub(crate) fn withdraw(&mut self, nonce: ObjectId) {
        self.change_lease(
            |lease| lease.holder.as_ref().is_some_and(|holder| holder.nonce == nonce),
            |lease| (lease.holder, lease.stop) = (None, None),
        );
    }

    pub(crate) fn request_stop(&mut self, token: i64, by: Option<String>) -> bool {
        let stop = StopRequest { by, because: None, at: DateTime::from_millis(self.now()) };
        let is_held = |lease: &Lease| lease.token == token && lease.holder.is_some();
        self.change_lease(is_held, |lease| lease.stop = Some(stop))
    }

    pub(crate) fn prolong(&mut self, grant: Grant, beat: Heartbeat) -> Option<Prolonged> {
        let expires_at = self.now() + millis(beat.lease);
        let prolonged = self.change_lease(ours(grant), |lease| {
            lease.beat += 1;
            lease.expires_at = expires_at;
            lease.touched = Instant::now();
            if let (Some(holder), Some(session)) = (&mut lease.holder, beat.session) {
                holder.session = session;
            }
        });
        let stop = self.newest().lease.as_ref().filter(|_| prolonged)?.stop.clone();
        if let Some(request) = &stop {
            self.tally.stopped += 1;
            if request.by != Some(grant.token.to_string()) {
                self.violate("a request to stop has outlived its lease");
            }
        }
        Some(Prolonged { stop })
    }

    pub(crate) fn free(&mut self, grant: Grant, abandoned: Abandoned) -> bool {
        self.change_lease(ours(grant), |lease| {
            (lease.holder, lease.stop) = (None, None);
            if abandoned == Abandoned::Forget {
                lease.abandoned.clear();
            }
        })
    }

    pub(crate) fn revoke(&mut self, only: Option<i64>, newest: i64) -> Option<Revoked> {
        let is_meant = |lease: &&Lease| only.is_none_or(|token| lease.token == token && lease.holder.is_some());
        let lease = self.newest().lease.as_ref().filter(is_meant)?.clone();
        let before = Revoked { holder: lease.holder, token: lease.token, abandoned: lease.abandoned };
        self.change_lease(
            |_| true,
            |lease| {
                let present = lease.holder.take();
                lease.abandoned.extend(present.map(|holder| holder.session));
                lease.token = lease.token.max(newest) + 1;
                (lease.beat, lease.stop) = (0, None);
            },
        );
        Some(before)
    }

    fn change_lease(&mut self, matches: impl FnOnce(&Lease) -> bool, change: impl FnOnce(&mut Lease)) -> bool {
        let matches = self.newest().lease.as_ref().is_some_and(matches);
        if matches {
            self.push(|state| change(state.lease.as_mut().expect("it matches")));
        }
        matches
    }

    // The fence.

    /// Whether there was a fence that is not newer; `None` while an open transaction has written it.
    pub(crate) fn raise(&mut self, token: i64) -> Option<bool> {
        self.sweep();
        if self.newest().fence.is_none_or(|fence| fence > token) {
            return Some(false);
        }
        if self.open.values().any(|open| open.wrote.contains(&Key::Fence)) {
            self.tally.blocked += 1;
            return None;
        }
        let written = self.writes + 1;
        self.push(|state| {
            state.fence = Some(token);
            state.written.insert(Key::Fence, written);
        });
        Some(true)
    }

    /// `killer` is the session that requests it.
    pub(crate) fn kill(&mut self, session: &Document, killer: Option<i64>) {
        if let Ok(session) = session.get_i64("id") {
            self.tally.killed += usize::from(self.open.remove(&session).is_some());
            self.end(session, killer);
        }
    }
}

fn ours(grant: Grant) -> impl Fn(&Lease) -> bool {
    move |lease| lease.token == grant.token && lease.holder.as_ref().is_some_and(|holder| holder.nonce == grant.nonce)
}
