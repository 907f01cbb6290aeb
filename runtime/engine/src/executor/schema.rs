//! `Schema` steps, which resume where an earlier execution stopped.

use tokio::sync::{mpsc, oneshot};

use super::body::{end_command, run};
use super::{Executor, Failure, Step};
use crate::context::{Activity, Inner, Log, LogRequest, Replay, Schema, Scope};
use crate::error::Error;
use crate::migration::Direction;
use crate::migration::registration::Context;
use crate::record::{EffectEntry, Effects, HistoryEntry, RecordStatus};
use crate::stop::Permit;
use crate::store::{Attachment, Change};

/// The result of storing the log while a body ran.
struct Served {
    /// Whether anything was stored.
    wrote: bool,
    /// The first failure to store.
    failure: Option<Failure>,
}

impl Executor<'_> {
    /// Applies or reverts a migration, each of whose operations takes effect once, however often it is resumed.
    pub(super) async fn resume(&mut self, step: &mut Step<'_>) -> Result<(), Failure> {
        let stored = self.stored_log(step).await?;
        if stored.is_none() && self.took_effect_before(step).await? {
            let change = self.change(step, self.record(step, step.done()), true);
            return self.store_all(&Self::with_noted(step, change)).await;
        }
        step.attempts = 1;
        step.noted = interrupted(step, stored.as_ref()).map(Box::new);
        let permit = self.lease.permit();
        let schema = self.schema(step, &permit, stored).await?;
        let session = self.take_session().await?;
        let (requests, asked) = mpsc::channel(1);
        let schema = schema.executing(session, requests).dying_after(self.dies_after);
        let activity = schema.activity();
        let context = Context::from(Inner::Schema(Box::new(schema)));
        self.lease.check()?;
        let (ending, ended) = oneshot::channel();
        let limits = self.limits(step);
        let body = async {
            let result = run(step.body, context, &permit, limits).await;
            drop(ending);
            result
        };
        let (ended, served) = tokio::join!(body, self.serve(step, asked, ended));
        if served.wrote {
            step.noted = None;
        }
        let mut calls = Vec::new();
        let ended = ended.map(|(context, result)| {
            let Inner::Schema(schema) = Inner::taken(context) else { unreachable!("a body keeps its context") };
            step.operations = schema.operations();
            step.notes.extend(schema.late());
            let (replay, session) = schema.end();
            if session.is_some() {
                self.session = session;
            }
            calls = replay.effects().to_vec();
            step.effects = effects(replay.log());
            step.update = replay.update();
            result
        });
        self.end_last(step, &activity).await;
        if let Some(failure) = served.failure {
            // A stopped run ends all commands of its session, including those that store the log.
            permit.check()?;
            return Err(failure);
        }
        let result = ended.map_err(|cut| cut.failure)?;
        permit.check()?;
        result.map_err(Failure::Failed)?;
        self.verify(step).await?;
        step.footprint = self.footprint(step, &calls).await;
        let completed = self.change(step, self.record(step, step.done()), true);
        self.store_all(&Self::with_noted(step, completed)).await
    }

    /// Ends an operation that outlived its body, because the body was stopped or dropped the operation's future.
    async fn end_last(&mut self, step: &mut Step<'_>, activity: &Activity) {
        let (id, Some(operation)) = (step.migration.id(), activity.operation()) else { return };
        if activity.builds_an_index() {
            step.notes.push(format!("an index build of '{id}' continues at the server; the next run joins it"));
        } else if !end_command(activity).await {
            self.left_running.push(format!("the server may still be executing `{operation}` of '{id}'"));
        }
    }

    /// Returns a change, preceded by the missing history entry of an interrupted execution.
    pub(super) fn with_noted(step: &Step<'_>, change: Change) -> Vec<Change> {
        let noted = step.noted.clone().map(|entry| Change::Noted { entry });
        noted.into_iter().chain([change]).collect()
    }

    /// Reads the log of an unfinished execution.
    async fn stored_log(&self, step: &Step<'_>) -> Result<Option<Log>, Failure> {
        let unfinished = [RecordStatus::Running, RecordStatus::Failed];
        if !step.previous.is_some_and(|record| unfinished.contains(&record.status)) {
            return Ok(None);
        }
        let id = step.migration.id();
        let Some(stored) = self.tracker.log(id).await? else { return Ok(None) };
        Ok(Some(Log::read(id, &stored)?))
    }

    async fn schema(&self, step: &Step<'_>, permit: &Permit, stored: Option<Log>) -> Result<Schema, Failure> {
        let (checksum, direction) = (step.migration.checksum(), step.direction);
        let (ours, other) = match stored {
            Some(log) if log.direction == direction => (Some(log), None),
            other => (None, other),
        };
        let replay = Replay::new(ours.unwrap_or_else(|| Log::new(direction, checksum)), checksum);
        let scope = Scope::of(step.migration.source());
        let (database, journal) = (self.database.clone(), self.journal(step));
        let schema = Schema::new(database, self.options, scope, journal, permit.clone(), replay);
        if let (Direction::Up, Some(other)) = (step.direction, other)
            && schema.has_effects(&other).await?
        {
            return Err(Error::PartiallyReverted { id: step.migration.id() }.into());
        }
        Ok(schema)
    }

    /// Stores updates of the log for a body, until the body ends.
    async fn serve(
        &self,
        step: &Step<'_>,
        mut asked: mpsc::Receiver<LogRequest>,
        ended: oneshot::Receiver<()>,
    ) -> Served {
        let (mut served, mut ended) = (Served { wrote: false, failure: None }, ended);
        loop {
            let ask = tokio::select! {
                ask = asked.recv() => ask,
                _ = &mut ended => None,
            };
            let Some(LogRequest { mut session, update, answer }) = ask else { return served };
            let changes = if served.wrote {
                let (id, token) = (step.migration.id().to_owned(), self.lease.token());
                vec![Change::Logged { id, token, update }]
            } else {
                let record = Box::new(self.record(step, RecordStatus::Running));
                let attachment = Attachment::Logged(update);
                Self::with_noted(step, Change::Stored { record, expected: step.expected(), attachment, entry: None })
            };
            let stored = match self.lease.check() {
                Ok(()) if served.failure.is_none() => self.store_in(&mut session, &changes).await,
                Ok(()) => continue,
                Err(reason) => Err(reason.into()),
            };
            served.wrote |= stored.is_ok();
            // If the body is gone, the session is dropped with it.
            let _ = answer.send((session, stored.is_ok()));
            served.failure = served.failure.or(stored.err());
        }
    }
}

/// Returns the history entry of the previous execution, if it was interrupted.
fn interrupted(step: &Step<'_>, stored: Option<&Log>) -> Option<HistoryEntry> {
    let record = step.previous.filter(|record| record.status == RecordStatus::Running)?;
    let position = stored.map(|log| log.done() + usize::from(log.in_doubt().is_some()));
    Some(HistoryEntry {
        stopped_at: position.and_then(|position| i64::try_from(position).ok()),
        effects: stored.map(effects).unwrap_or_default(),
        ..HistoryEntry::interrupted(record)
    })
}

fn effects(log: &Log) -> Effects {
    Effects::new(log.entries.iter().map(|entry| EffectEntry {
        op: entry.effect.kind().to_owned(),
        on: entry.effect.on().to_owned(),
        result: entry.result.map(|result| result.as_str().to_owned()),
    }))
}
