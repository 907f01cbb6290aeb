//! Steps that take `Schema`: they resume where an earlier execution stopped.

use tokio::sync::{mpsc, oneshot};

use super::body::{CREATE_INDEX, end_command, run};
use super::{Executor, Failure, Step};
use crate::context::{Activity, Inner, Log, LogRequest, Replay, Schema, Scope};
use crate::error::Error;
use crate::migration::Direction;
use crate::migration::registration::Context;
use crate::record::{EffectEntry, Effects, HistoryEntry, RecordStatus};
use crate::stop::Permit;
use crate::store::{Attachment, Change};

/// What became of the log while a body ran.
struct Served {
    /// Whether anything was stored.
    wrote: bool,
    /// Why something could not be.
    failure: Option<Failure>,
}

impl Executor<'_> {
    /// Applies or reverts a migration, each of whose operations takes effect once, in however many executions.
    pub(super) async fn resume(&mut self, step: &mut Step<'_>) -> Result<(), Failure> {
        let stored = self.stored_log(step).await?;
        if stored.is_none() && self.had_its_effect(step).await? {
            let change = self.change(step, self.record(step, step.done()), true);
            return self.store_all(&Self::with_interrupted(step, change)).await;
        }
        step.attempts = 1;
        step.interrupted = interrupted(step, stored.as_ref()).map(Box::new);
        let permit = self.lease.permit();
        let schema = self.schema(step, &permit, stored).await?;
        let session = self.take_session().await?;
        let (requests, asked) = mpsc::channel(1);
        let schema = schema.executing(session, requests);
        let activity = schema.activity();
        let context = Context::from(Inner::Schema(Box::new(schema)));
        self.lease.check()?;
        let (over, is_over) = oneshot::channel();
        let limits = self.limits(step);
        let body = async {
            let ended = run(step.body, context, &permit, limits).await;
            drop(over);
            ended
        };
        let (ended, served) = tokio::join!(body, self.serve(step, asked, is_over));
        if served.wrote {
            step.interrupted = None;
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
            // A run that is stopped ends what its session has under way, the storing of the log included.
            permit.check()?;
            return Err(failure);
        }
        let result = ended.map_err(|cut| cut.failure)?;
        permit.check()?;
        result.map_err(Failure::Failed)?;
        self.verify(step).await?;
        step.footprint = self.footprint(step, &calls).await;
        let completed = self.change(step, self.record(step, step.done()), true);
        self.store_all(&Self::with_interrupted(step, completed)).await
    }

    /// Ends the operation that has not come to its end with its body, which was stopped, or has dropped its future.
    async fn end_last(&mut self, step: &mut Step<'_>, activity: &Activity) {
        let (id, Some(operation)) = (step.migration.id(), activity.operation()) else { return };
        if operation == CREATE_INDEX {
            step.notes.push(format!("an index build of '{id}' goes on at the server; the next run joins it"));
        } else if !end_command(activity).await {
            self.left_running.push(format!("the server may go on with `{operation}` of '{id}'"));
        }
    }

    /// A change, and before it what the history does not say yet of the execution before this one.
    pub(super) fn with_interrupted(step: &Step<'_>, change: Change) -> Vec<Change> {
        let noted = step.interrupted.clone().map(|entry| Change::Noted { entry });
        noted.into_iter().chain([change]).collect()
    }

    /// What an earlier execution has left in the record, if that has not come to its end.
    async fn stored_log(&self, step: &Step<'_>) -> Result<Option<Log>, Failure> {
        let half_way = [RecordStatus::Running, RecordStatus::Failed];
        if !step.previous.is_some_and(|record| half_way.contains(&record.status)) {
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
        let (database, home) = (self.database.clone(), &self.options.names.records);
        let scope = Scope::of(step.migration.source());
        let schema = Schema::new(database, home, scope, self.journal(step), permit.clone(), replay);
        if let (Direction::Up, Some(other)) = (step.direction, other)
            && schema.has_effects(&other).await?
        {
            return Err(Error::PartiallyReverted { id: step.migration.id() }.into());
        }
        Ok(schema)
    }

    /// Stores what a body asks for, until it is over.
    async fn serve(
        &self,
        step: &Step<'_>,
        mut asked: mpsc::Receiver<LogRequest>,
        is_over: oneshot::Receiver<()>,
    ) -> Served {
        let (mut served, mut is_over) = (Served { wrote: false, failure: None }, is_over);
        loop {
            let ask = tokio::select! {
                ask = asked.recv() => ask,
                _ = &mut is_over => None,
            };
            let Some(LogRequest { mut session, update, answer }) = ask else { return served };
            let changes = if served.wrote {
                let (id, token) = (step.migration.id().to_owned(), self.lease.token());
                vec![Change::Logged { id, token, update }]
            } else {
                let record = Box::new(self.record(step, RecordStatus::Running));
                let attachment = Attachment::Logged(update);
                Self::with_interrupted(
                    step,
                    Change::Stored { record, expected: step.expected(), attachment, entry: None },
                )
            };
            let stored = match self.lease.check() {
                Ok(()) if served.failure.is_none() => self.store_in(&mut session, &changes).await,
                Ok(()) => continue,
                Err(reason) => Err(reason.into()),
            };
            served.wrote |= stored.is_ok();
            // The body may be gone by now, and the session goes with it.
            let _ = answer.send((session, stored.is_ok()));
            served.failure = served.failure.or(stored.err());
        }
    }
}

/// The history's entry of the execution before this one, if that was interrupted.
fn interrupted(step: &Step<'_>, stored: Option<&Log>) -> Option<HistoryEntry> {
    let record = step.previous.filter(|record| record.status == RecordStatus::Running)?;
    let place = stored.map(|log| log.done() + usize::from(log.in_doubt().is_some()));
    Some(HistoryEntry {
        stopped_at: place.and_then(|place| i64::try_from(place).ok()),
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
