//! The store of lease, fence and commit.

use std::fmt;
use std::time::Duration;

use mongodb::bson::{Document, oid::ObjectId};
use mongodb::error::{Error, Result};

use super::super::schedule::Call;
use super::super::server::Server;
use super::super::session::{IN_DOUBT, Session};
use super::{Answer, Memory};
use crate::error::code;
use crate::lock::Fenced;
use crate::lock::LeaseDocument;
use crate::lock::Store;
use crate::lock::{Abandoned, Claimant, Claimed, Documents, Free, Grant, Heartbeat, Prolonged, Raised, Revoked};
use crate::store::{Change, Written};

/// The interval at which a blocked write is retried.
const BLOCKED: Duration = Duration::from_millis(50);

/// A sighting, in the words of a trace.
struct Told(Documents);

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(LeaseDocument { holder, token, beat, expired, .. }) = &self.0.lease else {
            return f.write_str("no lease");
        };
        let session = holder.as_ref().map(|holder| &holder.session);
        write!(f, "session {session:?} with token {token}, beat {beat}, expired {expired}")
    }
}

impl Store for Memory {
    type Session = Session;

    fn name(&self) -> &'static str {
        "memory"
    }

    async fn seed(&self, token: i64) -> Result<()> {
        self.call(Call::Seed, None, move |server| {
            server.seed(token);
            Answer::Done(())
        })
        .await
    }

    async fn documents(&self) -> Result<Documents> {
        let documents = |server: &mut Server| Documents { lease: server.sighting(), fence: server.majority().fence };
        self.call(Call::Sighting, None, move |server| Answer::Done(Told(documents(server)))).await.map(|told| told.0)
    }

    async fn claim(&self, free: Free, claimant: &Claimant) -> Result<Option<Claimed>> {
        let claimant = claimant.clone();
        let takes_over = matches!(free, Free::Silent { .. }) && self.world.server().is_free(free, &claimant);
        let at = if takes_over { Call::TakeOver } else { Call::Claim };
        let claimed = self.call(at, None, move |server| Answer::Done(server.claim(free, &claimant))).await?;
        if let Some(claimed) = &claimed {
            self.world.server().grant(claimed.token);
        }
        Ok(claimed)
    }

    async fn withdraw(&self, nonce: ObjectId) -> Result<()> {
        self.call(Call::Withdraw, None, move |server| {
            server.withdraw(nonce);
            Answer::Done(())
        })
        .await
    }

    async fn request_stop(&self, token: i64, by: Option<&str>, _: Option<&str>) -> Result<bool> {
        let by = by.map(str::to_owned);
        self.call(Call::RequestStop, None, move |server| Answer::Done(server.request_stop(token, by.clone()))).await
    }

    async fn prolong(&self, grant: Grant, beat: Heartbeat) -> Result<Option<Prolonged>> {
        self.call(Call::Prolong, None, move |server| Answer::Done(server.prolong(grant, beat.clone()))).await
    }

    async fn free(&self, grant: Grant, abandoned: Abandoned) -> Result<bool> {
        self.call(Call::Free, None, move |server| Answer::Done(server.free(grant, abandoned))).await
    }

    async fn revoke(&self, only: Option<i64>, newest: i64) -> Result<Option<Revoked>> {
        self.call(Call::Revoke, None, move |server| Answer::Done(server.revoke(only, newest))).await
    }

    async fn raise(&self, token: i64, limit: Duration) -> Result<Raised> {
        let raise = move |server: &mut Server| server.raise(token).map_or(Answer::Blocked(BLOCKED), Answer::Done);
        match self.call(Call::Raise, Some(limit), raise).await {
            Ok(matched) => Ok(Raised { matched, in_doubt: None }),
            Err(error) if code(&error) == Some(IN_DOUBT) => Ok(Raised { matched: true, in_doubt: Some(error) }),
            Err(error) => Err(error),
        }
    }

    async fn pass(&self, token: i64, session: &mut Session) -> Result<Fenced> {
        let (transaction, _) = session.transaction();
        self.call(Call::Pass, None, move |server| server.pass(transaction, token).into()).await
    }

    async fn kill(&self, sessions: &[Document]) {
        let (sessions, may, killer) = (sessions.to_vec(), self.world.schedule.may_kill, self.process.session);
        let _ = self
            .call(Call::Kill, None, move |server| {
                for session in sessions.iter().filter(|_| may) {
                    server.kill(session, Some(killer));
                }
                Answer::Done(())
            })
            .await;
    }

    async fn under_way(&self, session: &Document) -> Result<Vec<Document>> {
        let session = session.clone();
        self.call(Call::UnderWay, None, move |server| Answer::Done(server.under_way(&session))).await
    }

    fn session_id<'s>(&self, session: &'s Session) -> &'s Document {
        &session.document
    }

    async fn start(&self, session: &mut Session) -> Result<()> {
        session.start();
        Ok(())
    }

    async fn write(&self, change: &Change, session: &mut Session) -> Result<Written> {
        let ((transaction, first), change) = (session.transaction(), change.clone());
        self.call(Call::Write, None, move |server| server.write(transaction, first, &change).into()).await
    }

    async fn commit(&self, session: &mut Session) -> Result<()> {
        if session.is_first_commit() {
            self.world.server().look_at_deadline(&self.process);
        }
        let (transaction, _) = session.transaction();
        self.call(Call::Commit, None, move |server| server.commit(transaction).into()).await
    }

    async fn abort(&self, session: &mut Session) -> Result<()> {
        let (transaction, _) = session.transaction();
        self.call(Call::Abort, None, move |server| {
            server.abort(transaction);
            Answer::Done(())
        })
        .await
    }

    async fn holds(&self, change: &Change, _: &mut Session) -> std::result::Result<bool, crate::error::Error> {
        let change = change.clone();
        let holds = move |server: &mut Server| Answer::Done(server.majority().holds(&change));
        let held: Result<bool> = self.call(Call::Holds, None, holds).await;
        held.map_err(|error: Error| crate::error::Error::server("read a record", error))
    }
}
