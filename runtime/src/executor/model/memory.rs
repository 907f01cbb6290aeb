//! The store in memory, as one process sees it: over a network, and only while it runs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::{Document, doc, oid::ObjectId};
use mongodb::error::{Error, Result};
use tokio::time::{Instant, sleep, sleep_until};

use super::process::Process;
use super::schedule::{Call, What};
use super::server::{Gone, Server, State};
use super::session::{IN_DOUBT, Session, broken, expired, in_doubt, refused};
use super::world::World;
use crate::error::{code, passes};
use crate::lock::{Beat, Claimant, Claimed, Documents, Fenced, Free, Grant, Raised, Revoked, Sighting, Store, seeded};
use crate::tracker::{Change, Written};

/// How often a blocked write looks again.
const BLOCKED: Duration = Duration::from_millis(50);

#[derive(Clone)]
pub(super) struct Memory {
    pub(super) world: Arc<World>,
    pub(super) process: Arc<Process>,
}

/// What the server makes of a request.
enum Answer<T> {
    Done(T),
    Gone(Gone),
    /// It waits for an open transaction.
    Blocked,
}

impl<T> From<std::result::Result<T, Gone>> for Answer<T> {
    fn from(result: std::result::Result<T, Gone>) -> Self {
        result.map_or_else(Self::Gone, Self::Done)
    }
}

impl Memory {
    /// One server call, with what the schedule has in store for it.
    async fn call<T: fmt::Debug + Send + 'static>(
        &self,
        at: Call,
        limit: Option<Duration>,
        execute: impl FnMut(&mut Server) -> Answer<T> + Send + 'static,
    ) -> Result<T> {
        let faults = self.world.faults(at);
        let (before, after) = (latency(), latency());
        for what in &faults {
            self.process.suffer(*what, at);
            if matches!(what, What::Unlock) {
                tokio::spawn(super::process::unlock(self.world.clone()));
            }
        }
        self.process.releases(at, true);
        self.process.gate().await;
        sleep(before).await;
        let result = self.carry_out(at, limit, &faults, execute).await;
        // It is sent again after a transient error.
        self.process.releases(at, result.as_ref().is_err_and(passes));
        sleep(after).await;
        for what in &faults {
            match what {
                What::PauseAfter(seconds) => self.process.pause(*seconds),
                What::DieAfter => self.process.die(),
                _ => {}
            }
        }
        self.world.note(|| format!("process {} {at:?}: {result:?} {faults:?}", self.process.slot));
        self.process.gate().await;
        result
    }

    async fn carry_out<T: Send + 'static>(
        &self,
        at: Call,
        limit: Option<Duration>,
        faults: &[What],
        mut execute: impl FnMut(&mut Server) -> Answer<T> + Send + 'static,
    ) -> Result<T> {
        for what in faults {
            match *what {
                What::SlowRequest(seconds) => sleep(Duration::from_secs(seconds)).await,
                What::LoseRequest => return Err(broken(at)),
                What::Refuse => {
                    self.lose_transaction(at);
                    return Err(refused());
                }
                What::FailOverBefore { survives, ahead } => {
                    self.world.server().fail_over(survives, ahead);
                    return Err(broken(at));
                }
                What::Late(seconds) => {
                    let world = self.world.clone();
                    tokio::spawn(async move {
                        sleep(Duration::from_secs(seconds)).await;
                        let mut server = world.server();
                        execute(&mut server);
                        let place = server.place();
                        server.replicate(place);
                    });
                    return Err(broken(at));
                }
                _ => {}
            }
        }
        let up_at = self.world.server().up_at;
        sleep_until(up_at).await;
        let began = Instant::now();
        let (answer, place, term) = loop {
            let (answer, place, term) = {
                let mut server = self.world.server();
                let answer = execute(&mut server);
                (answer, server.place(), server.term)
            };
            if !matches!(answer, Answer::Blocked) {
                break (answer, place, term);
            }
            if limit.is_some_and(|limit| began.elapsed() >= limit) {
                if self.world.schedule.may_kill {
                    self.world.server().was_held_up(self.process.session);
                }
                return Err(expired(at));
            }
            sleep(BLOCKED).await;
        };
        for what in faults {
            match *what {
                What::FailOverAfter { survives, ahead } => {
                    self.world.server().fail_over(survives, ahead);
                    return Err(broken(at));
                }
                What::InDoubt => {
                    let world = self.world.clone();
                    tokio::spawn(async move {
                        sleep(latency() * 20).await;
                        let mut server = world.server();
                        if server.term == term {
                            server.replicate(place);
                        }
                    });
                    return Err(in_doubt(at));
                }
                _ => {}
            }
        }
        // Until a majority has it.
        sleep(latency()).await;
        if self.world.server().term != term {
            return Err(broken(at));
        }
        self.world.server().replicate(place);
        for what in faults {
            match *what {
                What::SlowReply(seconds) => sleep(Duration::from_secs(seconds)).await,
                What::LoseReply => return Err(broken(at)),
                What::Expire => {
                    self.lose_transaction(at);
                    return Err(expired(at));
                }
                _ => {}
            }
        }
        match answer {
            Answer::Done(answer) => Ok(answer),
            Answer::Gone(gone) => Err(gone.into()),
            Answer::Blocked => unreachable!("it was waited for"),
        }
    }

    /// An operation that fails ends its transaction.
    fn lose_transaction(&self, at: Call) {
        if matches!(at, Call::Body | Call::Write | Call::Pass) {
            self.world.server().kill(&doc! { "id": self.process.session });
        }
    }

    /// What a majority has.
    pub(super) async fn state(&self) -> Result<State> {
        self.call(Call::Records, None, |server| Answer::Done(server.majority().clone())).await
    }

    /// The effect of a body.
    pub(super) async fn body(&self, session: &mut Session, step: usize, locks: bool) -> Result<()> {
        self.world.server().look_at_deadline(&self.process);
        let (transaction, first) = session.transaction();
        self.call(Call::Body, None, move |server| server.body(transaction, first, step, locks).into()).await
    }
}

/// A sighting, in the words of a trace.
struct Told(Documents);

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Sighting { holder, token, beat, expired, .. }) = &self.0.lease else { return f.write_str("no lease") };
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

    async fn prolong(&self, grant: Grant, beat: Beat) -> Result<bool> {
        self.call(Call::Prolong, None, move |server| Answer::Done(server.prolong(grant, beat.clone()))).await
    }

    async fn free(&self, grant: Grant) -> Result<bool> {
        self.call(Call::Free, None, move |server| Answer::Done(server.free(grant))).await
    }

    async fn revoke(&self, newest: i64) -> Result<Option<Revoked>> {
        self.call(Call::Revoke, None, move |server| Answer::Done(server.revoke(newest))).await
    }

    async fn raise(&self, token: i64, limit: Duration) -> Result<Raised> {
        let raise = move |server: &mut Server| server.raise(token).map_or(Answer::Blocked, Answer::Done);
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
        let (sessions, may) = (sessions.to_vec(), self.world.schedule.may_kill);
        let _ = self
            .call(Call::Kill, None, move |server| {
                for session in sessions.iter().filter(|_| may) {
                    server.kill(session);
                }
                Answer::Done(())
            })
            .await;
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

    async fn holds(&self, change: &Change, _: &mut Session) -> std::result::Result<bool, crate::Error> {
        let Change::Stored { record, .. } = change else { unreachable!("the model removes nothing") };
        let record = (**record).clone();
        let holds = move |server: &mut Server| {
            Answer::Done(server.majority().records.get(&record.id).is_some_and(|found| **found == record))
        };
        let held: Result<bool> = self.call(Call::Holds, None, holds).await;
        held.map_err(|error: Error| crate::Error::server("read a record", error))
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store of process {}", self.process.slot)
    }
}

/// 1 to 40 ms, so that the calls of several processes meet in any order.
fn latency() -> Duration {
    Duration::from_millis(1 + seeded::random() % 40)
}
