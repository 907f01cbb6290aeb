//! The in-memory server as seen by a process: over a network, and only while the process runs.

mod store;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::error::Result;
use tokio::time::{Instant, sleep, sleep_until};

use super::process::Process;
use super::schedule::{Call, What};
use super::server::{Ddl, Gone, Sabotage, Server, State};
use super::session::{Session, broken, expired, failed, in_doubt, refused};
use super::world::World;
use crate::error::is_transient;
use crate::stop::seeded;

/// The time until a killed command notices.
const KILLED: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub(super) struct Memory {
    pub(super) world: Arc<World>,
    pub(super) process: Arc<Process>,
}

/// The server's response to a request.
enum Answer<T> {
    Done(T),
    Gone(Gone),
    /// With this code.
    Failed(i32),
    /// Blocked by an open transaction or not finished; poll again later.
    Blocked(Duration),
}

impl<T> From<std::result::Result<T, Gone>> for Answer<T> {
    fn from(result: std::result::Result<T, Gone>) -> Self {
        result.map_or_else(Self::Gone, Self::Done)
    }
}

impl Memory {
    /// Makes a server call, with the scheduled faults.
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
            match *what {
                What::Unlock => drop(tokio::spawn(super::process::unlock(self.world.clone()))),
                What::RequestStop => drop(tokio::spawn(super::process::request_stop(self.world.clone()))),
                What::ApplicationWrites(on) => self.world.server().application_writes(on),
                _ => {}
            }
        }
        self.process.releases(at, true);
        self.process.gate().await;
        sleep(before).await;
        let result = self.carry_out(at, limit, &faults, execute).await;
        // Retried after a transient error.
        self.process.releases(at, result.as_ref().is_err_and(is_transient));
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
        execute: impl FnMut(&mut Server) -> Answer<T> + Send + 'static,
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
                        if let Some(Executed { place, term, .. }) = executed(&world, limit, execute).await {
                            world.server().replicate_in(term, place);
                        }
                    });
                    return Err(broken(at));
                }
                _ => {}
            }
        }
        let world = self.world.clone();
        // The server continues after the process has ended.
        let execution = tokio::spawn(async move { executed(&world, limit, execute).await });
        let Some(Executed { answer, place, term }) = execution.await.expect("the server does not panic") else {
            if self.world.schedule.may_kill {
                self.world.server().was_held_up(self.process.session);
            }
            return Err(expired(at));
        };
        // Such a reply does not confirm a majority.
        if let Answer::Failed(code) = answer {
            return Err(failed(code));
        }
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
                        world.server().replicate_in(term, place);
                    });
                    return Err(in_doubt(at));
                }
                _ => {}
            }
        }
        // Until a majority has it.
        sleep(latency()).await;
        let place = if at.waits_for_majority() { place } else { 0 };
        if !self.world.server().replicate_in(term, place) {
            return Err(broken(at));
        }
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
            Answer::Failed(_) => unreachable!("it was returned"),
            Answer::Blocked(_) => unreachable!("it was waited for"),
        }
    }

    /// An operation that fails ends its transaction.
    fn lose_transaction(&self, at: Call) {
        if matches!(at, Call::Body | Call::Write | Call::Pass) {
            self.world.server().kill(&doc! { "id": self.process.session }, None);
        }
    }

    /// The state of a majority.
    pub(super) async fn state(&self) -> Result<State> {
        self.call(Call::Records, None, |server| Answer::Done(server.majority().clone())).await
    }

    pub(super) fn sabotage(&self) -> Sabotage {
        self.world.server().sabotage
    }

    /// The state that the comparison reads; not of a majority.
    pub(super) async fn look(&self) -> Result<crate::context::Snapshot> {
        self.call(Call::Look, None, |server| Answer::Done(server.newest().look())).await
    }

    /// The effect of a body.
    pub(super) async fn body(&self, session: &mut Session, step: usize, locks: bool) -> Result<()> {
        self.world.server().look_at_deadline(&self.process);
        let (transaction, first) = session.transaction();
        self.call(Call::Body, None, move |server| server.body(transaction, first, step, locks).into()).await
    }

    /// `listCollections` or `listIndexes`.
    pub(super) async fn list(&self, command: Document) -> Result<Document> {
        self.call(Call::Look, None, move |server| match server.list(&command) {
            Ok(reply) => Answer::Done(reply),
            Err(code) => Answer::Failed(code),
        })
        .await
    }

    /// A command that changes collections or indexes.
    pub(super) async fn ddl(&self, mut ddl: Ddl) -> Result<()> {
        {
            let mut server = self.world.server();
            server.look_at_deadline(&self.process);
            server.look_at_sending(&ddl);
        }
        self.call(Call::Ddl, None, move |server| match server.ddl(&mut ddl) {
            Err(left) => Answer::Blocked(left.min(KILLED)),
            Ok(Ok(())) => Answer::Done(()),
            Ok(Err(code)) => Answer::Failed(code),
        })
        .await
    }
}

/// The server's response and its time.
struct Executed<T> {
    answer: Answer<T>,
    place: usize,
    term: u64,
}

/// The server's part of a call; `None` after the time limit.
async fn executed<T>(
    world: &World,
    limit: Option<Duration>,
    mut execute: impl FnMut(&mut Server) -> Answer<T>,
) -> Option<Executed<T>> {
    let up_at = world.server().up_at;
    sleep_until(up_at).await;
    let began = Instant::now();
    loop {
        let pause = {
            let mut server = world.server();
            match execute(&mut server) {
                Answer::Blocked(pause) => pause,
                answer => return Some(Executed { answer, place: server.place(), term: server.term }),
            }
        };
        if limit.is_some_and(|limit| began.elapsed() >= limit) {
            return None;
        }
        sleep(pause).await;
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
