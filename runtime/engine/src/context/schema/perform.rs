//! One call of a body: skipped if the log has it, settled if it is in doubt, and otherwise carried out between its intent and
//! its result.

use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::error::Error as DriverError;

use super::course::{Course, Next};
use super::effect::Effect;
use super::log::{Done, Entry, Log};
use super::patience::Patience;
use super::seen::{Seen, Settled};
use super::server::Server;
use super::stuck::Stuck;
use crate::context::journal::{Found, Journal};
use crate::error::Error;
use crate::error::codes::{INDEX_NOT_FOUND, NAMESPACE_EXISTS, NAMESPACE_NOT_FOUND, VIEW_OVER_COLLECTION};
use crate::report::{Counts, Prediction};
use crate::stop::{Permit, Reason};

/// What `create` and `collMod` have in common.
pub(super) const VALIDATION: [&str; 3] = ["validator", "validationLevel", "validationAction"];

/// Default time limit of one operation.
const DEFAULT_MAX_TIME: Duration = Duration::from_secs(10 * 60);

/// Performs the operations of one body: each of them once, in however many executions.
#[derive(Debug)]
pub(crate) struct Performer<S> {
    pub(super) server: S,
    /// The name of the collection of records.
    pub(super) home: String,
    pub(super) journal: Journal,
    pub(super) permit: Permit,
    pub(super) max_time: Duration,
    pub(super) course: Course,
    /// Why no further operation is started.
    stuck: Option<Stuck>,
    /// An operation that the server has carried out although the lease was lost by then.
    late: Option<String>,
    /// Whether the server can be told which collection is meant, whatever has its name by then: from 6.0 on, and not within the
    /// stable API.
    pub(super) fences: bool,
}

impl<S: Server> Performer<S> {
    /// `home` is the name of the collection of records.
    pub(crate) fn new(server: S, home: &str, journal: Journal, permit: Permit, course: Course) -> Self {
        let (home, max_time) = (home.to_owned(), DEFAULT_MAX_TIME);
        Self { server, home, journal, permit, max_time, course, stuck: None, late: None, fences: true }
    }

    /// Whether another operation may begin.
    pub(crate) fn enter(&self) -> Result<(), Error> {
        if let Some(stuck) = &self.stuck {
            return Err(stuck.clone().into());
        }
        Ok(self.may_go_on()?)
    }

    /// Refuses every further operation.
    pub(crate) fn refuse(&mut self, why: Stuck) {
        self.stuck.get_or_insert(why);
    }

    /// An operation that the server has carried out although the lease was lost by then.
    pub(crate) fn late(&self) -> Option<&str> {
        self.late.as_deref()
    }

    /// Performs one operation, which may [`enter`](Self::enter).
    pub(crate) async fn perform(&mut self, effect: &Effect) -> Result<(), Error> {
        let dropped = DriverError::custom("it was dropped before the server had answered".to_owned());
        // What holds if this future is never polled again.
        self.stuck = Some(Stuck::Server { doing: effect.described(), source: dropped });
        self.stuck = self.carry_out(effect).await.err();
        self.stuck.clone().map_or(Ok(()), |stuck| Err(stuck.into()))
    }

    async fn carry_out(&mut self, effect: &Effect) -> Result<(), Stuck> {
        match self.course.next(effect)? {
            Next::Done => return Ok(()),
            Next::InDoubt(entry, true) => return self.resume(effect, &entry).await,
            Next::InDoubt(entry, false) => self.replace(effect, &entry).await?,
            Next::New => {}
        }
        let Some(before) = self.before(effect).await? else {
            return self.course.add(effect, Document::new(), Some(Done::Already));
        };
        self.course.add(effect, before.clone(), None)?;
        self.store().await?;
        self.may_go_on()?;
        match effect {
            Effect::Drop { .. } | Effect::Rename { .. } => self.move_data(effect, &before, false).await,
            _ => self.shape(effect).await,
        }
    }

    /// Ends what an earlier execution, or an earlier attempt, has begun.
    async fn resume(&mut self, effect: &Effect, entry: &Entry) -> Result<(), Stuck> {
        match effect {
            Effect::Drop { .. } | Effect::Rename { .. } => self.move_data(effect, &entry.before, true).await,
            _ => self.shape(effect).await,
        }
    }

    /// The body has another call in the place of the one in doubt.
    async fn replace(&mut self, effect: &Effect, entry: &Entry) -> Result<(), Stuck> {
        match self.is_settled(entry).await? {
            Settled::Open => self.course.forget(),
            Settled::Done => return Err(self.course.has_changed(Some(effect))),
            Settled::Unknown(found) => return Err(self.in_doubt(&entry.effect, found)),
        }
        Ok(())
    }

    /// What the log says about an effect that is not to be had, if anything. The database has what is done, so nothing is
    /// projected.
    pub(super) async fn rehearse(&mut self, effect: &Effect) -> Result<Option<Found>, Error> {
        let notes = vec!["done by the interrupted run".to_owned()];
        let done = Found { notes, prediction: Prediction::NothingToDo };
        let (entry, same) = match self.course.next(effect)? {
            Next::New => return Ok(None),
            Next::Done => return Ok(Some(done)),
            Next::InDoubt(entry, same) => (entry, same),
        };
        match self.is_settled(&entry).await? {
            Settled::Open => {
                self.course.forget();
                Ok(None)
            }
            Settled::Done if same => {
                self.course.settle(Done::Now);
                Ok(Some(done))
            }
            Settled::Done => Err(self.course.has_changed(Some(effect)).into()),
            Settled::Unknown(found) => {
                self.course.settle(Done::Now);
                let notes = vec![format!("cannot tell whether the interrupted run has done it: {found}")];
                Ok(Some(Found { notes, prediction: Prediction::CannotTell }))
            }
        }
    }

    /// That the body has come to the end of its log.
    pub(crate) async fn finish(&mut self) -> Result<(), Error> {
        if let Some(stuck) = self.stuck.take() {
            return Err(stuck.ignored());
        }
        let Some(entry) = self.course.missing().cloned() else { return Ok(()) };
        if entry.result.is_none() {
            match self.is_settled(&entry).await? {
                Settled::Open => {
                    self.course.forget();
                    return Ok(());
                }
                Settled::Unknown(found) => return Err(self.in_doubt(&entry.effect, found).into()),
                Settled::Done => {}
            }
        }
        Err(self.course.has_changed(None).into())
    }

    /// Whether a log says, or the database shows, that a body has had an effect.
    pub(crate) async fn has_effects(&self, log: &Log) -> Result<bool, Error> {
        let Some(entry) = log.in_doubt().filter(|_| log.done() == 0) else { return Ok(log.done() > 0) };
        Ok(self.is_settled(entry).await? != Settled::Open)
    }

    pub(super) fn in_doubt(&self, effect: &Effect, found: String) -> Stuck {
        Stuck::InDoubt { position: self.course.position(), operation: effect.described(), found }
    }

    /// An effect that holds no data: the server makes the same command exact, however often it is carried out.
    async fn shape(&mut self, effect: &Effect) -> Result<(), Stuck> {
        let mut done = self.ask_for(effect).await?;
        if done == Done::Already {
            // By an earlier attempt, perhaps, or by another primary.
            self.anchor().await?;
            done = self.ask_for(effect).await?;
        }
        self.ended(effect, done);
        Ok(())
    }

    async fn ask_for(&mut self, effect: &Effect) -> Result<Done, Stuck> {
        let done = match effect {
            Effect::CreateIndex { on, spec } => {
                let command = doc! { "createIndexes": on, "indexes": [spec.clone()] };
                self.insist(command, &[]).await
            }
            Effect::DropIndex { on, name } => {
                let command = doc! { "dropIndexes": on, "index": name };
                self.insist(command, &[INDEX_NOT_FOUND, NAMESPACE_NOT_FOUND]).await
            }
            Effect::CreateCollection { name, options } => {
                let mut create = doc! { "create": name };
                create.extend(options.clone());
                let asked = options.iter().filter(|(field, _)| VALIDATION.contains(&field.as_str()));
                let modify = asked.map(|(field, value)| (field.clone(), value.clone())).collect();
                return self.create(effect, create, modify).await;
            }
            Effect::CreateView { name, on, pipeline } => {
                let definition = doc! { "viewOn": on, "pipeline": pipeline.clone() };
                let mut create = doc! { "create": name };
                create.extend(definition.clone());
                return self.create(effect, create, definition).await;
            }
            Effect::Modify { on, fields } => {
                let mut command = doc! { "collMod": on };
                command.extend(fields.clone());
                self.insist(command, &[]).await
            }
            Effect::Drop { .. } | Effect::Rename { .. } => unreachable!("these move data"),
        };
        done.map_err(|error| self.failed(effect, &error))
    }

    /// What is there already gets the fields of `modify`, unless it is of another kind.
    async fn create(&mut self, effect: &Effect, create: Document, modify: Document) -> Result<Done, Stuck> {
        let created = self.insist(create, &[NAMESPACE_EXISTS, VIEW_OVER_COLLECTION]).await;
        let mut done = created.map_err(|error| self.failed(effect, &error))?;
        if done == Done::Already && !modify.is_empty() {
            self.see(effect, &[effect.on()]).await?.refuse_other_kind(effect)?;
            let mut command = doc! { "collMod": effect.on() };
            command.extend(modify);
            done = self.insist(command, &[]).await.map_err(|error| self.failed(effect, &error))?;
        }
        Ok(done)
    }

    /// Looks, whatever fail-overs come between.
    pub(super) async fn see(&self, effect: &Effect, names: &[&str]) -> Result<Seen, Stuck> {
        let mut patience = Patience::new(self.max_time);
        loop {
            match self.look(names).await {
                Ok(seen) => return Ok(seen),
                Err(error) => self.again(error, &mut patience).await.map_err(|error| self.failed(effect, &error))?,
            }
        }
    }

    async fn is_settled(&self, entry: &Entry) -> Result<Settled, Stuck> {
        let mut patience = Patience::new(self.max_time);
        loop {
            match self.is_in_effect(entry).await {
                Ok(settled) => return Ok(settled),
                Err(error) => {
                    let again = self.again(error, &mut patience).await;
                    again.map_err(|error| self.failed(&entry.effect, &error))?;
                }
            }
        }
    }

    pub(super) fn ended(&mut self, effect: &Effect, done: Done) {
        self.course.settle(done);
        if done == Done::Now {
            if self.permit.check() == Err(Reason::LeaseLost) {
                self.late = Some(effect.described());
            }
            self.journal.succeeded(effect.kind(), effect.on(), Counts::default(), Vec::new());
        }
    }

    pub(super) fn failed(&self, effect: &Effect, error: &DriverError) -> Stuck {
        self.journal.failed(effect.kind(), effect.on(), error);
        Stuck::Server { doing: self.doing(effect.kind(), effect.on(), error), source: error.clone() }
    }

    pub(super) fn may_go_on(&self) -> Result<(), Stuck> {
        self.permit.check().map_err(|reason| Stuck::Refused(format!("not started, because {reason}")))
    }

    /// Stores what the record lacks of the log.
    pub(super) async fn store(&mut self) -> Result<(), Stuck> {
        let Some(update) = self.course.update() else { return Ok(()) };
        if !self.server.store(update).await {
            return Err(Stuck::Refused("not started, because the log of the migration could not be stored".to_owned()));
        }
        self.course.stored();
        Ok(())
    }

    /// A write on a majority, before which nothing can be undone any more: what has been seen until then may be undone by a
    /// fail-over, and if it was, it is not there when it is looked for after this.
    pub(super) async fn anchor(&mut self) -> Result<(), Stuck> {
        self.course.touch();
        self.store().await?;
        self.may_go_on()
    }

    /// Ends it, and gives back its log and what it was given.
    pub(crate) fn end(self) -> (Course, S) {
        (self.course, self.server)
    }
}
