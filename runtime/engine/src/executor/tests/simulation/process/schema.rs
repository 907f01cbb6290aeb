//! A body that takes `Schema`.

use std::sync::Mutex;
use std::time::Duration;

use mongodb::bson::Document;
use mongodb::error::Result as DriverResult;

use super::super::memory::Memory;
use super::super::script::Script;
use super::super::server::{DATABASE, Ddl, HOME, Sabotage};
use super::super::session::Session;
use super::super::world::{id, locked};
use super::change;
use crate::context::{Expectation, Facts, Footprint, Journal, Log, Performer, Replay, Retry, Server};
use crate::error::Error;
use crate::executor::Failure;
use crate::executor::commit::Committer;
use crate::migration::Direction;
use crate::plan::fixtures::Drawn;
use crate::record::RecordStatus;
use crate::store::{Attachment, Change, LogUpdate};

/// Of the code of all bodies: it does not change.
const CHECKSUM: &str = "t1:0";

/// The server in memory, as a body reaches it.
#[derive(Debug)]
struct Reached<'r> {
    store: &'r Memory,
    committer: &'r Committer<'r, Memory>,
    session: &'r mut Session,
    step: usize,
    takes: Duration,
    /// Whether anything was stored.
    wrote: bool,
    failure: Option<Failure>,
    /// What was seen last, for [`Sabotage::OneLook`].
    seen: Mutex<Option<(Document, Document)>>,
}

impl Server for Reached<'_> {
    fn database(&self) -> &str {
        DATABASE
    }

    async fn read(&self, command: Document) -> DriverResult<Document> {
        if let Some((same, reply)) = &*locked(&self.seen)
            && *same == command
        {
            return Ok(reply.clone());
        }
        let reply = self.store.list(command.clone()).await?;
        if self.store.sabotage() == Sabotage::OneLook {
            *locked(&self.seen) = Some((command, reply.clone()));
        }
        Ok(reply)
    }

    async fn attempt(&mut self, command: Document, _: &mut Retry) -> DriverResult<()> {
        *locked(&self.seen) = None;
        let (session, token) = (self.session.id, self.committer.lease.token());
        self.store.ddl(Ddl { command, session, token, id: id(self.step), takes: self.takes, number: None }).await
    }

    async fn store(&mut self, update: LogUpdate) -> bool {
        let token = self.committer.lease.token();
        let change = if self.wrote {
            Change::Logged { id: id(self.step), token, update }
        } else {
            change(self.step, RecordStatus::Running, token, Attachment::Logged(update))
        };
        let stored = self.committer.store(self.session, &[change]).await;
        self.wrote |= stored.is_ok();
        self.failure = stored.err().or(self.failure.take());
        self.failure.is_none()
    }
}

/// As the executor resumes a `Schema` body. What its record lacks of its log is for the record of a failure.
pub(super) async fn resume(
    store: &Memory,
    committer: &Committer<'_, Memory>,
    session: &mut Session,
    step: usize,
    takes: Duration,
    script: Script,
) -> (Option<LogUpdate>, Result<(), Failure>) {
    let lease = committer.lease;
    let log = match stored_log(store, step).await {
        Ok(log) => log,
        Err(failure) => return (None, Err(failure)),
    };
    let (permit, wrote, failure, seen) = (lease.permit(), false, None, Mutex::new(None));
    let reached = Reached { store, committer, session, step, takes, wrote, failure, seen };
    let migration = Drawn { id: id(step), ..Drawn::default() }.leak();
    let journal = Journal::new(migration, crate::events::EventSender::default());
    let mut performer = Performer::new(reached, HOME, journal, permit.clone(), Replay::new(log, CHECKSUM));
    let result = body(&mut performer, script).await;
    let (replay, reached) = performer.end();
    let update = replay.update();
    if let Some(failure) = reached.failure {
        return (update, Err(failure));
    }
    if let Err(reason) = permit.check() {
        return (update, Err(reason.into()));
    }
    if let Err(error) = result {
        return (update, Err(error.into()));
    }
    let footprint = footprint(store, step, lease.token(), &replay).await;
    let ended = Attachment::Completed { footprint: Some(footprint.to_document()) };
    let completed = change(step, RecordStatus::Completed, lease.token(), ended);
    (update, committer.store(reached.session, &[completed]).await)
}

async fn body(performer: &mut Performer<Reached<'_>>, script: Script) -> Result<(), Error> {
    for effect in script.effects() {
        performer.enter()?;
        performer.perform(effect).await?;
    }
    performer.finish().await
}

async fn stored_log(store: &Memory, step: usize) -> Result<Log, Failure> {
    let state = store.state().await.map_err(|error| Failure::server("read the log", error))?;
    match state.logs.get(&id(step)) {
        Some(log) if store.sabotage() != Sabotage::FromTheTop => Ok(Log::read(&id(step), log)?),
        _ => Ok(Log::new(Direction::Up, CHECKSUM)),
    }
}

/// As the executor finds out what a body has left.
async fn footprint(store: &Memory, step: usize, token: i64, replay: &Replay) -> Footprint {
    let facts = Facts::of(replay.effects());
    let order = (token, i64::try_from(step).unwrap_or_default());
    let footprint = |facts| Footprint { id: id(step), order, facts };
    let Ok(look) = store.look().await else { return footprint(facts) };
    let mut footprint = footprint(facts.detailed(&look));
    if store.sabotage() == Sabotage::PresenceFromLook {
        for difference in Expectation::of(vec![footprint.clone()]).differences(&look) {
            difference.accept(&mut footprint.facts);
        }
    }
    footprint
}
